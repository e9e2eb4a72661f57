/* names.c - what exchanges and queues are called, and the topology of a service. */
#include "worker/names.h"

#include "base/clock.h"

/* Each dropped connection costs every unacknowledged message one delivery; a crash loop is ended by
 * the crash ledger long before (lane.h), so this limit is only the backstop. */
#define DELIVERY_LIMIT 20

static struct str dotted(struct arena *arena, struct str prefix, const char *middle,
                         struct str last)
{
    return str_printf(arena, "%.*s.%s%.*s", STR_FMT(prefix), middle, STR_FMT(last));
}

struct str name_requests(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "requests", STR(""));
}

struct str name_events(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "events", STR(""));
}

struct str name_notifications(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "notifications", STR(""));
}

static struct str name_unrouted(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "unrouted", STR(""));
}

struct str name_delay(struct arena *arena, struct str prefix, struct str delay)
{
    return dotted(arena, prefix, "delay.", delay);
}

struct str name_unknown(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "unknown", STR(""));
}

struct str name_queue(struct arena *arena, struct str prefix, struct str worker)
{
    return dotted(arena, prefix, "", worker);
}

struct str name_event_queue(struct arena *arena, struct str prefix, struct str worker)
{
    return str_printf(arena, "%.*s.%.*s.events", STR_FMT(prefix), STR_FMT(worker));
}

struct str name_dead(struct arena *arena, struct str prefix, struct str worker)
{
    return dotted(arena, prefix, "dead.", worker);
}

struct str name_dead_of_queue(struct arena *arena, struct str prefix, struct str queue)
{
    static const struct str events = {".events", 7};
    struct str worker = {queue.ptr + prefix.len + 1, queue.len - prefix.len - 1};
    if (worker.len > events.len &&
        memcmp(worker.ptr + worker.len - events.len, events.ptr, events.len) == 0)
        worker.len -= events.len;
    return name_dead(arena, prefix, worker);
}

/* --- subscriptions --------------------------------------------------------------------------------- */

bool worker_subscribes(const struct worker *worker)
{
    for (size_t i = 0; worker->operations[i]; i++)
        if (worker->operations[i]->kind == SUBSCRIBER)
            return true;
    return false;
}

/* "<prefix>.<worker>.events" */
static bool is_event_queue_of(struct str queue, const struct worker *worker)
{
    static const struct str events = {".events", 7};
    const struct str name = str_of(worker->name);
    if (queue.len <= name.len + events.len + 1)
        return false;
    const struct str end = {queue.ptr + queue.len - events.len, events.len};
    const struct str middle = {end.ptr - name.len, name.len};
    return middle.ptr[-1] == '.' && str_eq(middle, name) && str_eq(end, events);
}

const struct operation *service_subscriber(const struct service *service, struct str queue,
                                           struct str event)
{
    for (size_t i = 0; service->workers[i]; i++) {
        const struct worker *worker = service->workers[i];
        for (size_t k = 0; is_event_queue_of(queue, worker) && worker->operations[k]; k++) {
            const struct operation *operation = worker->operations[k];
            if (operation->kind == SUBSCRIBER && str_eq(str_of(operation->event), event))
                return operation;
        }
    }
    return NULL;
}

/* --- topology -------------------------------------------------------------------------------------- */

struct plan {
    struct arena *arena;
    const struct service *service;
    const struct engine_settings *settings;
    struct bus_exchange *exchanges;
    size_t exchange_count, exchange_capacity;
    struct bus_queue *queues;
    size_t queue_count, queue_capacity;
};

static void add_exchange(struct plan *plan, struct str name, const char *kind, struct str alternate)
{
    plan->exchanges = arena_grow(plan->arena, plan->exchanges, plan->exchange_count,
                                 sizeof(*plan->exchanges), &plan->exchange_capacity);
    plan->exchanges[plan->exchange_count++] = (struct bus_exchange){name, kind, alternate};
}

static struct bus_queue *add_queue(struct plan *plan, struct str name)
{
    plan->queues = arena_grow(plan->arena, plan->queues, plan->queue_count, sizeof(*plan->queues),
                              &plan->queue_capacity);
    struct bus_queue *queue = &plan->queues[plan->queue_count++];
    *queue = (struct bus_queue){.name = name};
    return queue;
}

static struct bus_binding *one_binding(struct plan *plan, struct str exchange, struct str pattern)
{
    struct bus_binding *binding = ARENA_NEW(plan->arena, struct bus_binding);
    *binding = (struct bus_binding){exchange, pattern};
    return binding;
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

static void add_request_queue(struct plan *plan, const struct worker *worker)
{
    const struct str prefix = plan->settings->prefix;
    struct bus_queue *queue =
        add_queue(plan, name_queue(plan->arena, prefix, str_of(worker->name)));
    queue->binding_count = count_names(worker->prefixes);
    struct bus_binding *bindings =
        arena_array(plan->arena, queue->binding_count, sizeof(*bindings));
    for (size_t i = 0; i < queue->binding_count; i++)
        bindings[i] = (struct bus_binding){
            name_requests(plan->arena, prefix),
            str_printf(plan->arena, "%s.#", worker->prefixes[i]),
        };
    queue->bindings = bindings;
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = STR("");
    queue->dead_routing_key = name_dead(plan->arena, prefix, str_of(worker->name));
}

static void add_event_queue(struct plan *plan, const struct worker *worker)
{
    const struct str prefix = plan->settings->prefix;
    struct bus_queue *queue =
        add_queue(plan, name_event_queue(plan->arena, prefix, str_of(worker->name)));
    size_t count = 0;
    for (size_t i = 0; worker->operations[i]; i++)
        count += worker->operations[i]->kind == SUBSCRIBER;
    struct bus_binding *bindings = arena_array(plan->arena, count, sizeof(*bindings));
    for (size_t i = 0; worker->operations[i]; i++)
        if (worker->operations[i]->kind == SUBSCRIBER)
            bindings[queue->binding_count++] = (struct bus_binding){
                name_events(plan->arena, prefix), str_of(worker->operations[i]->event)};
    queue->bindings = bindings;
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = STR("");
    queue->dead_routing_key = name_dead(plan->arena, prefix, str_of(worker->name));
}

static void add_worker(struct plan *plan, const struct worker *worker)
{
    add_request_queue(plan, worker);
    if (worker_subscribes(worker))
        add_event_queue(plan, worker);
    add_queue(plan, name_dead(plan->arena, plan->settings->prefix, str_of(worker->name)));
}

/* A message in a delay queue carries the queue it came from as its routing key; when its time is
 * over the default exchange takes it straight back there. */
static enum outcome add_delay(struct plan *plan, struct str delay, struct err *err)
{
    const struct str name = name_delay(plan->arena, plan->settings->prefix, delay);
    int64_t ms;
    if (!duration_parse(delay, &ms) || ms < 1)
        return invalid(err, VALIDATION_FAILED, "retry.delays: '%.*s' is not a duration like 10s",
                       STR_FMT(delay));
    add_exchange(plan, name, "fanout", STR_ABSENT);
    struct bus_queue *queue = add_queue(plan, name);
    queue->bindings = one_binding(plan, name, STR(""));
    queue->binding_count = 1;
    queue->message_ttl_ms = ms;
    queue->dead_exchange = STR("");
    return OUTCOME_DONE;
}

static void add_unknown(struct plan *plan)
{
    const struct str prefix = plan->settings->prefix;
    struct bus_queue *queue = add_queue(plan, name_unknown(plan->arena, prefix));
    queue->bindings = one_binding(plan, name_unrouted(plan->arena, prefix), STR(""));
    queue->binding_count = 1;
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = STR("");
    queue->dead_routing_key = name_dead(plan->arena, prefix, STR("unknown"));
    add_queue(plan, queue->dead_routing_key);
}

enum outcome topology_of(const struct service *service, const struct engine_settings *settings,
                         struct arena *arena, struct bus_topology *out, struct err *err)
{
    struct plan plan = {.arena = arena, .service = service, .settings = settings};
    const struct str prefix = settings->prefix;
    add_exchange(&plan, name_unrouted(arena, prefix), "fanout", STR_ABSENT);
    add_exchange(&plan, name_requests(arena, prefix), "topic", name_unrouted(arena, prefix));
    add_exchange(&plan, name_events(arena, prefix), "topic", STR_ABSENT);
    add_exchange(&plan, name_notifications(arena, prefix), "topic", STR_ABSENT);
    for (size_t i = 0; service->workers[i]; i++)
        add_worker(&plan, service->workers[i]);
    for (size_t i = 0; i < settings->retry_delays.count; i++)
        TRY(add_delay(&plan, settings->retry_delays.items[i], err));
    add_unknown(&plan);
    *out =
        (struct bus_topology){plan.exchanges, plan.exchange_count, plan.queues, plan.queue_count};
    return OUTCOME_DONE;
}
