/* topology.c - the exchanges, queues and bindings of a service. */
#include "service/topology.h"

#include "service/broker_needs.h"
#include "service/delay.h"
#include "service/names.h"
#include "service/partitions.h"

#define AMQP_NAME_MAX 255

struct builder {
    struct arena *arena;
    const struct engine_settings *settings;
    struct bus_exchange *exchanges;
    size_t exchange_count, exchange_capacity;
    struct bus_queue *queues;
    size_t queue_count, queue_capacity;
    struct bus_unbinding *unbindings;
    size_t unbinding_count, unbinding_capacity;
};

static struct bus_exchange *add_exchange(struct builder *builder, struct str name, const char *kind,
                                         struct str alternate)
{
    builder->exchanges = arena_grow(builder->arena, builder->exchanges, builder->exchange_count,
                                    sizeof(*builder->exchanges), &builder->exchange_capacity);
    struct bus_exchange *exchange = &builder->exchanges[builder->exchange_count++];
    *exchange = (struct bus_exchange){.name = name, .kind = kind, .alternate = alternate};
    return exchange;
}

static void add_unbinding(struct builder *builder, struct bus_unbinding unbinding)
{
    builder->unbindings = arena_grow(builder->arena, builder->unbindings, builder->unbinding_count,
                                     sizeof(*builder->unbindings), &builder->unbinding_capacity);
    builder->unbindings[builder->unbinding_count++] = unbinding;
}

static struct bus_queue *add_queue(struct builder *builder, struct str name)
{
    builder->queues = arena_grow(builder->arena, builder->queues, builder->queue_count,
                                 sizeof(*builder->queues), &builder->queue_capacity);
    struct bus_queue *queue = &builder->queues[builder->queue_count++];
    *queue = (struct bus_queue){.name = name};
    return queue;
}

static void add_binding(struct builder *builder, struct bus_queue *queue, struct str exchange,
                        struct str pattern)
{
    struct bus_binding *bindings =
        arena_array(builder->arena, queue->binding_count + 1, sizeof(*bindings));
    for (size_t i = 0; i < queue->binding_count; i++)
        bindings[i] = queue->bindings[i];
    bindings[queue->binding_count++] = (struct bus_binding){exchange, pattern};
    queue->bindings = bindings;
}

/* Adds a queue that lanes consume: a message that fails is delayed and comes back, and the broker
 * puts aside a message that expires or that kills lanes. */
static struct bus_queue *add_work_queue(struct builder *builder, struct str name, struct str domain)
{
    const struct str prefix = builder->settings->prefix;
    struct bus_queue *queue = add_queue(builder, name);
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = name_died(builder->arena, prefix);
    queue->former_dead_routing_key = name_dead(builder->arena, prefix, domain);
    add_binding(builder, queue, name_delay_end(builder->arena, prefix),
                delay_end_pattern(builder->arena, name));
    return queue;
}

static bool has_prefix(const struct domain *domain, const char *name)
{
    for (const char *const *prefix = domain->prefixes; *prefix; prefix++) {
        const size_t len = strlen(*prefix);
        if (strncmp(name, *prefix, len) == 0 && name[len] == '.')
            return true;
    }
    return false;
}

static bool is_bound_by_name(const struct domain *domain, const struct operation *operation)
{
    return operation->kind != SUBSCRIBER && !has_prefix(domain, operation->name);
}

/* Returns the bindings that route the requests of a domain. */
static struct bus_binding *requests_of(struct builder *builder, const struct domain *domain,
                                       size_t *count)
{
    const struct str exchange = name_requests(builder->arena, builder->settings->prefix);
    size_t room = 0;
    for (size_t i = 0; domain->prefixes[i]; i++)
        room++;
    for (size_t i = 0; domain->operations[i]; i++)
        room++;
    struct bus_binding *bindings = arena_array(builder->arena, room, sizeof(*bindings));
    *count = 0;
    for (size_t i = 0; domain->prefixes[i]; i++)
        bindings[(*count)++] =
            (struct bus_binding){exchange, str_printf(builder->arena, "%s.#", domain->prefixes[i])};
    for (size_t i = 0; domain->operations[i]; i++)
        if (is_bound_by_name(domain, domain->operations[i]))
            bindings[(*count)++] =
                (struct bus_binding){exchange, str_of(domain->operations[i]->name)};
    return bindings;
}

static void unbind_former(struct builder *builder, const struct domain *domain)
{
    const struct str prefix = builder->settings->prefix;
    const struct str name = str_of(domain->name);
    for (const char *const *former = domain->former; former && *former; former++) {
        const struct bus_binding binding = {name_requests(builder->arena, prefix), str_of(*former)};
        add_unbinding(builder, (struct bus_unbinding){
                                   binding, name_queue(builder->arena, prefix, name), false});
        add_unbinding(builder, (struct bus_unbinding){
                                   binding, name_partitions(builder->arena, prefix, name), true});
    }
}

/* Partitions beyond `count` are not deleted, because they may hold messages;
 * but they get no new ones. */
static void add_partitions(struct builder *builder, struct str domain, struct str exchange,
                           int64_t count)
{
    const struct str prefix = builder->settings->prefix;
    for (int64_t k = 0; k < PARTITIONS_MAX; k++) {
        const struct str name = name_partition(builder->arena, prefix, domain, k);
        if (k >= count) {
            add_unbinding(builder, (struct bus_unbinding){{exchange, STR("1")}, name, false});
            continue;
        }
        struct bus_queue *queue = add_work_queue(builder, name, domain);
        queue->single_active = true;
        add_binding(builder, queue, exchange, STR("1"));
    }
}

/* Requests go one way, to the queue or to the partitions. A binding of the other way may be left
 * from before, so it is taken away. */
static void add_request_queues(struct builder *builder, const struct domain *domain)
{
    const struct str prefix = builder->settings->prefix;
    const struct str name = str_of(domain->name);
    const struct str plain = name_queue(builder->arena, prefix, name);
    const struct str partitions = name_partitions(builder->arena, prefix, name);
    const int64_t count = partitions_of(builder->settings, name);
    size_t request_count;
    const struct bus_binding *requests = requests_of(builder, domain, &request_count);
    struct bus_queue *queue = add_work_queue(builder, plain, name);
    queue->length_max = domain->length_max;
    unbind_former(builder, domain);
    for (size_t i = 0; i < request_count; i++) {
        if (count == 0)
            add_binding(builder, queue, requests[i].exchange, requests[i].pattern);
        add_unbinding(builder,
                      (struct bus_unbinding){requests[i], count ? plain : partitions, !count});
    }
    if (count == 0)
        return;
    struct bus_exchange *hash = add_exchange(builder, partitions, BUS_CONSISTENT_HASH, STR_ABSENT);
    hash->hash_header = PARTITION_HEADER;
    hash->bindings = requests;
    hash->binding_count = request_count;
    add_partitions(builder, name, partitions, count);
}

/* Several subscribers of one event share one binding. */
static bool is_first_subscriber(const struct domain *domain, size_t row)
{
    const struct operation *operation = domain->operations[row];
    for (size_t i = 0; i < row; i++)
        if (domain->operations[i]->event == operation->event)
            return false;
    return operation->kind == SUBSCRIBER;
}

static void add_event_queue(struct builder *builder, const struct domain *domain)
{
    const struct str prefix = builder->settings->prefix;
    const struct str name = str_of(domain->name);
    struct bus_queue *queue =
        add_work_queue(builder, name_event_queue(builder->arena, prefix, name), name);
    for (size_t i = 0; domain->operations[i]; i++)
        if (is_first_subscriber(domain, i))
            add_binding(builder, queue, name_events(builder->arena, prefix),
                        str_of(domain->operations[i]->event->name));
}

/* An operator's command that looks at letters receives them and gives them back, so the limit of
 * deliveries is one that is never reached. */
static void add_dead_queue(struct builder *builder, struct str domain)
{
    struct bus_queue *queue =
        add_queue(builder, name_dead(builder->arena, builder->settings->prefix, domain));
    queue->delivery_limit = DELIVERY_LIMIT_NEVER;
}

static void add_domain(struct builder *builder, const struct domain *domain)
{
    add_request_queues(builder, domain);
    if (domain_subscribes(domain))
        add_event_queue(builder, domain);
    add_dead_queue(builder, str_of(domain->name));
}

/* A message that is not meant for this level goes on to the level below, and so does a message that
 * has lived its time here. */
static void add_delay(struct builder *builder, int level)
{
    const struct str prefix = builder->settings->prefix;
    const struct str name = name_delay(builder->arena, prefix, level);
    const struct str below = level > 0 ? name_delay(builder->arena, prefix, level - 1)
                                       : name_delay_end(builder->arena, prefix);
    add_exchange(builder, name, "topic", below);
    struct bus_queue *queue = add_queue(builder, name);
    add_binding(builder, queue, name, delay_pattern(builder->arena, level));
    queue->message_ttl_ms = delay_level_ms(level);
    queue->delivery_limit = DELIVERY_LIMIT_NEVER;
    queue->dead_exchange = below;
}

/* A queue that no longer exists must not hold up all others at the end of the delays: its messages
 * go to the unrouted ones. */
static void add_delays(struct builder *builder)
{
    const struct str prefix = builder->settings->prefix;
    add_exchange(builder, name_delay_end(builder->arena, prefix), "topic",
                 name_unrouted(builder->arena, prefix));
    for (int level = 0; level < DELAY_LEVELS; level++)
        add_delay(builder, level);
}

static void add_unknown(struct builder *builder)
{
    const struct str prefix = builder->settings->prefix;
    struct bus_queue *queue =
        add_work_queue(builder, name_unknown(builder->arena, prefix), STR(UNKNOWN_DOMAIN));
    add_binding(builder, queue, name_unrouted(builder->arena, prefix), STR(""));
    add_dead_queue(builder, STR(UNKNOWN_DOMAIN));
}

/* A message that dies in this queue becomes a dead letter, from which no way leads back. */
static void add_died(struct builder *builder)
{
    const struct str prefix = builder->settings->prefix;
    const struct str name = name_died(builder->arena, prefix);
    struct bus_queue *queue = add_queue(builder, name);
    queue->delivery_limit = DELIVERY_LIMIT;
    queue->dead_exchange = STR("");
    queue->dead_routing_key = name_dead(builder->arena, prefix, STR(UNKNOWN_DOMAIN));
    add_binding(builder, queue, name, STR(""));
}

/* Names in AMQP have at most 255 bytes, and the routing key of a delayed message carries its bits
 * before the queue's name. */
static enum outcome check_length(struct str queue, struct err *err)
{
    if (queue.len <= AMQP_NAME_MAX - DELAY_BITS_MAX)
        return OUTCOME_DONE;
    return err_invalid(err, E_VALIDATION_FAILED, "prefix: the name of queue %.*s has over %d bytes",
                       STR_FMT(queue), AMQP_NAME_MAX - DELAY_BITS_MAX);
}

enum outcome topology_of(const struct service *service, const struct engine_settings *settings,
                         struct arena *arena, struct bus_topology *out, struct err *err)
{
    struct builder builder = {.arena = arena, .settings = settings};
    TRY(partitions_check(service, settings, err));
    const struct str prefix = settings->prefix;
    add_exchange(&builder, name_unrouted(arena, prefix), "fanout", STR_ABSENT);
    add_exchange(&builder, name_died(arena, prefix), "fanout", STR_ABSENT);
    add_exchange(&builder, name_requests(arena, prefix), "topic", name_unrouted(arena, prefix));
    add_exchange(&builder, name_events(arena, prefix), "topic", STR_ABSENT);
    add_exchange(&builder, name_notifications(arena, prefix), "topic", STR_ABSENT);
    add_delays(&builder);
    for (size_t i = 0; service->domains[i]; i++)
        add_domain(&builder, service->domains[i]);
    add_unknown(&builder);
    add_died(&builder);
    for (size_t i = 0; i < builder.queue_count; i++)
        TRY(check_length(builder.queues[i].name, err));
    *out = (struct bus_topology){.exchanges = builder.exchanges,
                                 .exchange_count = builder.exchange_count,
                                 .queues = builder.queues,
                                 .queue_count = builder.queue_count,
                                 .unbindings = builder.unbindings,
                                 .unbinding_count = builder.unbinding_count};
    return OUTCOME_DONE;
}
