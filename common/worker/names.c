/* names.c - what exchanges and queues are called, and the topology of a service. */
#include "worker/names.h"

#include <inttypes.h>

#include "worker/broker_needs.h"
#include "worker/delay.h"
#include "worker/partitions.h"

/* Whose queue takes what no other takes. */
#define UNKNOWN "unknown"

#define AMQP_NAME_MAX 255

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

/* "<prefix>.<last>" */
static bool is_dotted(struct str name, struct str prefix, struct str last)
{
    if (name.len != prefix.len + 1 + last.len || !str_starts_with(name, prefix))
        return false;
    const struct str rest = {name.ptr + prefix.len + 1, last.len};
    return name.ptr[prefix.len] == '.' && str_eq(rest, last);
}

bool name_is_events(struct str exchange, struct str prefix)
{
    return is_dotted(exchange, prefix, STR("events"));
}

struct str name_notifications(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "notifications", STR(""));
}

static struct str name_unrouted(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "unrouted", STR(""));
}

struct str name_delay(struct arena *arena, struct str prefix, int level)
{
    return str_printf(arena, "%.*s.delay.%02d", STR_FMT(prefix), level);
}

struct str name_delay_end(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "delay.end", STR(""));
}

/* "<prefix><middle>..." */
static bool is_below(struct str name, struct str prefix, struct str middle)
{
    return str_starts_with(name, prefix) &&
           str_starts_with((struct str){name.ptr + prefix.len, name.len - prefix.len}, middle);
}

bool name_is_delay(struct str exchange, struct str prefix)
{
    return is_below(exchange, prefix, STR(".delay."));
}

bool name_is_reply(struct str queue, struct str prefix)
{
    return is_below(queue, prefix, STR(".reply."));
}

struct str name_unknown(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, UNKNOWN, STR(""));
}

struct str name_died(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "died", STR(""));
}

bool name_is_died(struct str name, struct str prefix)
{
    return is_dotted(name, prefix, STR("died"));
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

struct str name_partitions(struct arena *arena, struct str prefix, struct str worker)
{
    return str_printf(arena, "%.*s.%.*s.partitions", STR_FMT(prefix), STR_FMT(worker));
}

struct str name_partition(struct arena *arena, struct str prefix, struct str worker, int64_t k)
{
    return str_printf(arena, "%.*s.%.*s.%" PRId64, STR_FMT(prefix), STR_FMT(worker), k);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct str name_without_partition(struct str queue)
{
    size_t len = queue.len;
    while (len > 0 && is_digit(queue.ptr[len - 1]))
        len--;
    const bool is_partition = len < queue.len && len > 1 && queue.ptr[len - 1] == '.';
    return is_partition ? (struct str){queue.ptr, len - 1} : queue;
}

#define EVENTS STR(".events")

bool name_is_event_queue(struct str queue)
{
    return queue.len > EVENTS.len &&
           memcmp(queue.ptr + queue.len - EVENTS.len, EVENTS.ptr, EVENTS.len) == 0;
}

struct str name_dead_of_queue(struct arena *arena, struct str prefix, struct str queue)
{
    if (name_is_died(queue, prefix))
        return name_dead(arena, prefix, STR(UNKNOWN));
    queue = name_without_partition(queue);
    struct str worker = {queue.ptr + prefix.len + 1, queue.len - prefix.len - 1};
    if (name_is_event_queue(worker))
        worker.len -= EVENTS.len;
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
    const struct str name = str_of(worker->name);
    if (!name_is_event_queue(queue) || queue.len <= name.len + EVENTS.len + 1)
        return false;
    const struct str middle = {queue.ptr + queue.len - EVENTS.len - name.len, name.len};
    return middle.ptr[-1] == '.' && str_eq(middle, name);
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

bool service_takes_from(const struct service *service, struct str prefix, struct str queue)
{
    const struct str of_worker = name_is_event_queue(queue)
                                     ? (struct str){queue.ptr, queue.len - EVENTS.len}
                                     : name_without_partition(queue);
    if (is_dotted(queue, prefix, STR(UNKNOWN)))
        return true;
    for (size_t i = 0; service->workers[i]; i++)
        if (is_dotted(of_worker, prefix, str_of(service->workers[i]->name)))
            return true;
    return false;
}

static const struct operation *requested(const struct operation *operation)
{
    return operation && operation->kind != SUBSCRIBER ? operation : NULL;
}

const struct operation *service_operation_from(const struct service *service, struct str prefix,
                                               struct str queue, struct str name)
{
    const struct str requests = name_without_partition(queue);
    if (is_dotted(queue, prefix, STR(UNKNOWN)))
        return requested(service_operation(service, name));
    for (size_t i = 0; service->workers[i]; i++) {
        const struct worker *worker = service->workers[i];
        const struct operation *operation = worker_operation(worker, name);
        if (is_dotted(requests, prefix, str_of(worker->name)))
            return requested(operation);
        if (is_event_queue_of(queue, worker))
            return operation && operation->kind == SUBSCRIBER ? operation : NULL;
    }
    return NULL;
}

/* --- topology -------------------------------------------------------------------------------------- */

struct plan {
    struct arena *arena;
    const struct engine_settings *settings;
    struct bus_exchange *exchanges;
    size_t exchange_count, exchange_capacity;
    struct bus_queue *queues;
    size_t queue_count, queue_capacity;
    struct bus_unbinding *unbindings;
    size_t unbinding_count, unbinding_capacity;
};

static struct bus_exchange *add_exchange(struct plan *plan, struct str name, const char *kind,
                                         struct str alternate)
{
    plan->exchanges = arena_grow(plan->arena, plan->exchanges, plan->exchange_count,
                                 sizeof(*plan->exchanges), &plan->exchange_capacity);
    struct bus_exchange *exchange = &plan->exchanges[plan->exchange_count++];
    *exchange = (struct bus_exchange){.name = name, .kind = kind, .alternate = alternate};
    return exchange;
}

static void add_unbinding(struct plan *plan, struct bus_unbinding unbinding)
{
    plan->unbindings = arena_grow(plan->arena, plan->unbindings, plan->unbinding_count,
                                  sizeof(*plan->unbindings), &plan->unbinding_capacity);
    plan->unbindings[plan->unbinding_count++] = unbinding;
}

static struct bus_queue *add_queue(struct plan *plan, struct str name)
{
    plan->queues = arena_grow(plan->arena, plan->queues, plan->queue_count, sizeof(*plan->queues),
                              &plan->queue_capacity);
    struct bus_queue *queue = &plan->queues[plan->queue_count++];
    *queue = (struct bus_queue){.name = name};
    return queue;
}

static void add_binding(struct plan *plan, struct bus_queue *queue, struct str exchange,
                        struct str pattern)
{
    struct bus_binding *bindings =
        arena_array(plan->arena, queue->binding_count + 1, sizeof(*bindings));
    for (size_t i = 0; i < queue->binding_count; i++)
        bindings[i] = queue->bindings[i];
    bindings[queue->binding_count++] = (struct bus_binding){exchange, pattern};
    queue->bindings = bindings;
}

/* What the lanes consume: what fails there is delayed and comes back, and what expires or kills lanes is
 * put aside by the broker. */
static struct bus_queue *add_work_queue(struct plan *plan, struct str name, struct str worker)
{
    const struct str prefix = plan->settings->prefix;
    struct bus_queue *queue = add_queue(plan, name);
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = name_died(plan->arena, prefix);
    queue->former_dead_routing_key = name_dead(plan->arena, prefix, worker);
    add_binding(plan, queue, name_delay_end(plan->arena, prefix),
                delay_end_pattern(plan->arena, name));
    return queue;
}

static bool has_prefix(const struct worker *worker, const char *name)
{
    for (const char *const *prefix = worker->prefixes; *prefix; prefix++) {
        const size_t len = strlen(*prefix);
        if (strncmp(name, *prefix, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

static bool is_bound_by_name(const struct worker *worker, const struct operation *operation)
{
    return operation->kind != SUBSCRIBER && !has_prefix(worker, operation->name);
}

/* The requests of a worker, as bindings. */
static struct bus_binding *requests_of(struct plan *plan, const struct worker *worker,
                                       size_t *count)
{
    const struct str exchange = name_requests(plan->arena, plan->settings->prefix);
    size_t room = 0;
    for (size_t i = 0; worker->prefixes[i]; i++)
        room++;
    for (size_t i = 0; worker->operations[i]; i++)
        room++;
    struct bus_binding *bindings = arena_array(plan->arena, room, sizeof(*bindings));
    *count = 0;
    for (size_t i = 0; worker->prefixes[i]; i++)
        bindings[(*count)++] =
            (struct bus_binding){exchange, str_printf(plan->arena, "%s.#", worker->prefixes[i])};
    for (size_t i = 0; worker->operations[i]; i++)
        if (is_bound_by_name(worker, worker->operations[i]))
            bindings[(*count)++] =
                (struct bus_binding){exchange, str_of(worker->operations[i]->name)};
    return bindings;
}

static void unbind_former(struct plan *plan, const struct worker *worker)
{
    const struct str prefix = plan->settings->prefix;
    const struct str name = str_of(worker->name);
    for (const char *const *former = worker->former; former && *former; former++) {
        const struct bus_binding binding = {name_requests(plan->arena, prefix), str_of(*former)};
        add_unbinding(
            plan, (struct bus_unbinding){binding, name_queue(plan->arena, prefix, name), false});
        add_unbinding(plan, (struct bus_unbinding){
                                binding, name_partitions(plan->arena, prefix, name), true});
    }
}

/* Partitions beyond `count` are not deleted, they may hold messages; but nothing new goes there. */
static void add_partitions(struct plan *plan, struct str worker, struct str exchange, int64_t count)
{
    const struct str prefix = plan->settings->prefix;
    for (int64_t k = 0; k < PARTITIONS_MAX; k++) {
        const struct str name = name_partition(plan->arena, prefix, worker, k);
        if (k >= count) {
            add_unbinding(plan, (struct bus_unbinding){{exchange, STR("1")}, name, false});
            continue;
        }
        struct bus_queue *queue = add_work_queue(plan, name, worker);
        queue->single_active = true;
        add_binding(plan, queue, exchange, STR("1"));
    }
}

/* Requests go one way, to the queue or to the partitions; the other way may be left from before. */
static void add_request_queues(struct plan *plan, const struct worker *worker)
{
    const struct str prefix = plan->settings->prefix;
    const struct str name = str_of(worker->name);
    const struct str plain = name_queue(plan->arena, prefix, name);
    const struct str partitions = name_partitions(plan->arena, prefix, name);
    const int64_t count = partitions_of(plan->settings, name);
    size_t request_count;
    const struct bus_binding *requests = requests_of(plan, worker, &request_count);
    struct bus_queue *queue = add_work_queue(plan, plain, name);
    queue->length_max = worker->length_max;
    unbind_former(plan, worker);
    for (size_t i = 0; i < request_count; i++) {
        if (count == 0)
            add_binding(plan, queue, requests[i].exchange, requests[i].pattern);
        add_unbinding(plan,
                      (struct bus_unbinding){requests[i], count ? plain : partitions, !count});
    }
    if (count == 0)
        return;
    struct bus_exchange *hash = add_exchange(plan, partitions, BUS_CONSISTENT_HASH, STR_ABSENT);
    hash->hash_header = PARTITION_HEADER;
    hash->bindings = requests;
    hash->binding_count = request_count;
    add_partitions(plan, name, partitions, count);
}

static void add_event_queue(struct plan *plan, const struct worker *worker)
{
    const struct str prefix = plan->settings->prefix;
    const struct str name = str_of(worker->name);
    struct bus_queue *queue =
        add_work_queue(plan, name_event_queue(plan->arena, prefix, name), name);
    for (size_t i = 0; worker->operations[i]; i++)
        if (worker->operations[i]->kind == SUBSCRIBER)
            add_binding(plan, queue, name_events(plan->arena, prefix),
                        str_of(worker->operations[i]->event));
}

/* Whoever looks at letters is given them, and gives them back. */
static void add_dead_queue(struct plan *plan, struct str worker)
{
    struct bus_queue *queue =
        add_queue(plan, name_dead(plan->arena, plan->settings->prefix, worker));
    queue->delivery_limit = DELIVERY_LIMIT_NEVER;
}

static void add_worker(struct plan *plan, const struct worker *worker)
{
    add_request_queues(plan, worker);
    if (worker_subscribes(worker))
        add_event_queue(plan, worker);
    add_dead_queue(plan, str_of(worker->name));
}

/* What is not for this level goes on to the one below; what has lived its time here, too. */
static void add_delay(struct plan *plan, int level)
{
    const struct str prefix = plan->settings->prefix;
    const struct str name = name_delay(plan->arena, prefix, level);
    const struct str below = level > 0 ? name_delay(plan->arena, prefix, level - 1)
                                       : name_delay_end(plan->arena, prefix);
    add_exchange(plan, name, "topic", below);
    struct bus_queue *queue = add_queue(plan, name);
    add_binding(plan, queue, name, delay_pattern(plan->arena, level));
    queue->message_ttl_ms = delay_level_ms(level);
    queue->delivery_limit = DELIVERY_LIMIT_NEVER;
    queue->dead_exchange = below;
}

/* A queue that is no more must not hold up all others at the end: its messages are unrouted. */
static void add_delays(struct plan *plan)
{
    const struct str prefix = plan->settings->prefix;
    add_exchange(plan, name_delay_end(plan->arena, prefix), "topic",
                 name_unrouted(plan->arena, prefix));
    for (int level = 0; level < DELAY_LEVELS; level++)
        add_delay(plan, level);
}

static void add_unknown(struct plan *plan)
{
    const struct str prefix = plan->settings->prefix;
    struct bus_queue *queue = add_work_queue(plan, name_unknown(plan->arena, prefix), STR(UNKNOWN));
    add_binding(plan, queue, name_unrouted(plan->arena, prefix), STR(""));
    add_dead_queue(plan, STR(UNKNOWN));
}

/* What dies there is a dead letter: no way leads back. */
static void add_died(struct plan *plan)
{
    const struct str prefix = plan->settings->prefix;
    const struct str name = name_died(plan->arena, prefix);
    struct bus_queue *queue = add_queue(plan, name);
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = STR("");
    queue->dead_routing_key = name_dead(plan->arena, prefix, STR(UNKNOWN));
    add_binding(plan, queue, name, STR(""));
}

/* AMQP's names have 255 bytes, and a delayed message carries its way before the name. */
static enum outcome check_length(struct str queue, struct err *err)
{
    if (queue.len <= AMQP_NAME_MAX - DELAY_BITS_MAX)
        return OUTCOME_DONE;
    return invalid(err, VALIDATION_FAILED, "prefix: the name of queue %.*s has over %d bytes",
                   STR_FMT(queue), AMQP_NAME_MAX - DELAY_BITS_MAX);
}

enum outcome topology_of(const struct service *service, const struct engine_settings *settings,
                         struct arena *arena, struct bus_topology *out, struct err *err)
{
    struct plan plan = {.arena = arena, .settings = settings};
    TRY(partitions_check(service, settings, err));
    const struct str prefix = settings->prefix;
    add_exchange(&plan, name_unrouted(arena, prefix), "fanout", STR_ABSENT);
    add_exchange(&plan, name_died(arena, prefix), "fanout", STR_ABSENT);
    add_exchange(&plan, name_requests(arena, prefix), "topic", name_unrouted(arena, prefix));
    add_exchange(&plan, name_events(arena, prefix), "topic", STR_ABSENT);
    add_exchange(&plan, name_notifications(arena, prefix), "topic", STR_ABSENT);
    add_delays(&plan);
    for (size_t i = 0; service->workers[i]; i++)
        add_worker(&plan, service->workers[i]);
    add_unknown(&plan);
    add_died(&plan);
    for (size_t i = 0; i < plan.queue_count; i++)
        TRY(check_length(plan.queues[i].name, err));
    *out = (struct bus_topology){.exchanges = plan.exchanges,
                                 .exchange_count = plan.exchange_count,
                                 .queues = plan.queues,
                                 .queue_count = plan.queue_count,
                                 .unbindings = plan.unbindings,
                                 .unbinding_count = plan.unbinding_count};
    return OUTCOME_DONE;
}
