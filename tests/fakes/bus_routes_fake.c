/* bus_routes_fake.c - routes messages as RabbitMQ does. */
#include "fakes/bus_routes_fake.h"

/* --- topics: an absent str is "no more words" ------------------------------------------------ */

static struct str words_of(struct str text)
{
    return text.len ? text : STR_ABSENT;
}

static struct str first_word(struct str words)
{
    const char *dot = memchr(words.ptr, '.', words.len);
    return (struct str){words.ptr, dot ? (size_t)(dot - words.ptr) : words.len};
}

static struct str later_words(struct str words)
{
    const size_t taken = first_word(words).len + 1;
    return taken > words.len ? STR_ABSENT : (struct str){words.ptr + taken, words.len - taken};
}

static bool words_match(struct str pattern, struct str key)
{
    if (str_is_absent(pattern))
        return str_is_absent(key);
    const struct str word = first_word(pattern);
    if (str_eq(word, STR("#")))
        return words_match(later_words(pattern), key) ||
               (!str_is_absent(key) && words_match(pattern, later_words(key)));
    return !str_is_absent(key) && (str_eq(word, STR("*")) || str_eq(word, first_word(key))) &&
           words_match(later_words(pattern), later_words(key));
}

bool topic_matches(struct str pattern, struct str routing_key)
{
    return words_match(words_of(pattern), words_of(routing_key));
}

/* --- finding and declaring ------------------------------------------------------------------ */

struct fake_queue *routes_queue(const struct fake_routes *routes, struct str name)
{
    struct fake_queue *queue = routes->queues;
    while (queue && !str_eq(queue->spec.name, name))
        queue = queue->next;
    return queue;
}

struct fake_queue *routes_add_queue(struct fake_routes *routes, const struct bus_queue *spec)
{
    struct fake_queue *queue = ARENA_NEW(routes->arena, struct fake_queue);
    queue->spec = *spec;
    queue->spec.bindings = NULL; /* kept in routes->bindings */
    queue->spec.name = str_dup(routes->arena, spec->name);
    queue->spec.dead_exchange = str_dup(routes->arena, spec->dead_exchange);
    queue->spec.dead_routing_key = str_dup(routes->arena, spec->dead_routing_key);
    struct fake_queue **end = &routes->queues;
    while (*end)
        end = &(*end)->next;
    *end = queue;
    return queue;
}

static struct fake_exchange *find_exchange(const struct fake_routes *routes, struct str name)
{
    struct fake_exchange *exchange = routes->exchanges;
    while (exchange && !str_eq(exchange->spec.name, name))
        exchange = exchange->next;
    return exchange;
}

bool routes_has_exchange(const struct fake_routes *routes, struct str name)
{
    return name.len == 0 || find_exchange(routes, name);
}

static bool same_exchange(const struct bus_exchange *a, const struct bus_exchange *b)
{
    return strcmp(a->kind, b->kind) == 0 && str_eq(a->alternate, b->alternate) &&
           str_eq(str_of(a->hash_header), str_of(b->hash_header));
}

static enum outcome declare_exchange(struct fake_routes *routes, const struct bus_exchange *spec,
                                     struct err *err)
{
    const struct fake_exchange *known = find_exchange(routes, spec->name);
    if (known && !same_exchange(&known->spec, spec))
        return err_bug(err, "exchange %.*s exists with other settings", STR_FMT(spec->name));
    if (known)
        return OUTCOME_DONE;
    struct fake_exchange *exchange = ARENA_NEW(routes->arena, struct fake_exchange);
    exchange->spec.name = str_dup(routes->arena, spec->name);
    exchange->spec.kind = str_dup(routes->arena, str_of(spec->kind)).ptr;
    exchange->spec.alternate = str_dup(routes->arena, spec->alternate);
    exchange->spec.hash_header = str_dup(routes->arena, str_of(spec->hash_header)).ptr;
    exchange->next = routes->exchanges;
    routes->exchanges = exchange;
    return OUTCOME_DONE;
}

static bool same_settings(const struct bus_queue *a, const struct bus_queue *b)
{
    return a->message_ttl_ms == b->message_ttl_ms && a->delivery_limit == b->delivery_limit &&
           a->length_max == b->length_max && a->single_active == b->single_active &&
           str_eq(a->dead_exchange, b->dead_exchange) &&
           str_eq(a->dead_routing_key, b->dead_routing_key);
}

static bool is_binding(const struct fake_binding *binding, const struct bus_binding *spec,
                       const struct fake_queue *queue, const struct fake_exchange *target)
{
    return binding->queue == queue && binding->target == target &&
           str_eq(binding->spec.exchange, spec->exchange) &&
           str_eq(binding->spec.pattern, spec->pattern);
}

/* Either queue or target is NULL. */
static enum outcome bind(struct fake_routes *routes, const struct bus_binding *spec,
                         struct fake_queue *queue, struct fake_exchange *target, struct err *err)
{
    if (!routes_has_exchange(routes, spec->exchange))
        return err_bug(err, "a binding to exchange %.*s, which does not exist",
                       STR_FMT(spec->exchange));
    for (struct fake_binding *known = routes->bindings; known; known = known->next)
        if (is_binding(known, spec, queue, target))
            return OUTCOME_DONE;
    struct fake_binding *binding = ARENA_NEW(routes->arena, struct fake_binding);
    binding->queue = queue;
    binding->target = target;
    binding->spec.exchange = str_dup(routes->arena, spec->exchange);
    binding->spec.pattern = str_dup(routes->arena, spec->pattern);
    binding->next = routes->bindings;
    routes->bindings = binding;
    return OUTCOME_DONE;
}

static void unbind(struct fake_routes *routes, const struct bus_unbinding *unbinding)
{
    const bool to_exchange = unbinding->is_exchange;
    struct fake_queue *queue = to_exchange ? NULL : routes_queue(routes, unbinding->target);
    struct fake_exchange *target = to_exchange ? find_exchange(routes, unbinding->target) : NULL;
    for (struct fake_binding **at = &routes->bindings; (queue || target) && *at;)
        if (is_binding(*at, &unbinding->binding, queue, target))
            *at = (*at)->next;
        else
            at = &(*at)->next;
}

static enum outcome declare_queue(struct fake_routes *routes, const struct bus_queue *spec,
                                  struct err *err)
{
    struct fake_queue *queue = routes_queue(routes, spec->name);
    if (queue && !same_settings(&queue->spec, spec))
        return err_bug(err, "queue %.*s exists with other settings", STR_FMT(spec->name));
    if (!queue)
        queue = routes_add_queue(routes, spec);
    for (size_t i = 0; i < spec->binding_count; i++)
        TRY(bind(routes, &spec->bindings[i], queue, NULL, err));
    return OUTCOME_DONE;
}

static enum outcome bind_exchange(struct fake_routes *routes, const struct bus_exchange *spec,
                                  struct err *err)
{
    struct fake_exchange *target = find_exchange(routes, spec->name);
    for (size_t i = 0; i < spec->binding_count; i++)
        TRY(bind(routes, &spec->bindings[i], NULL, target, err));
    return OUTCOME_DONE;
}

enum outcome routes_declare(struct fake_routes *routes, const struct bus_topology *topology,
                            struct err *err)
{
    for (size_t i = 0; i < topology->exchange_count; i++)
        TRY(declare_exchange(routes, &topology->exchanges[i], err));
    for (size_t i = 0; i < topology->queue_count; i++)
        TRY(declare_queue(routes, &topology->queues[i], err));
    for (size_t i = 0; i < topology->exchange_count; i++)
        TRY(bind_exchange(routes, &topology->exchanges[i], err));
    for (size_t i = 0; i < topology->unbinding_count; i++)
        unbind(routes, &topology->unbindings[i]);
    return OUTCOME_DONE;
}

/* --- matching ------------------------------------------------------------------------------- */

static bool binding_takes(const struct fake_exchange *exchange, const struct fake_binding *binding,
                          struct str routing_key)
{
    if (!str_eq(binding->spec.exchange, exchange->spec.name))
        return false;
    if (strcmp(exchange->spec.kind, "fanout") == 0)
        return true;
    if (strcmp(exchange->spec.kind, "direct") == 0)
        return str_eq(binding->spec.pattern, routing_key);
    return topic_matches(binding->spec.pattern, routing_key);
}

static size_t hit(struct fake_queue *queue)
{
    if (!queue || queue->is_hit)
        return 0;
    queue->is_hit = true;
    return 1;
}

static size_t follow(struct fake_routes *routes, const struct fake_binding *binding,
                     const struct delivery *delivery)
{
    return binding->queue ? hit(binding->queue)
                          : routes_match(routes, binding->target->spec.name, delivery);
}

static bool is_hash(const struct fake_exchange *exchange)
{
    return strcmp(exchange->spec.kind, BUS_CONSISTENT_HASH) == 0;
}

static size_t bucket_count(const struct fake_routes *routes, const struct fake_exchange *exchange)
{
    size_t count = 0;
    for (const struct fake_binding *binding = routes->bindings; binding; binding = binding->next)
        count += str_eq(binding->spec.exchange, exchange->spec.name);
    return count;
}

/* Chooses one binding by the hash; all bindings have the same weight here. All messages without the
 * header get the same binding. */
static size_t match_hash(struct fake_routes *routes, const struct fake_exchange *exchange,
                         const struct delivery *delivery)
{
    const size_t count = bucket_count(routes, exchange);
    const struct str text =
        exchange->spec.hash_header ? delivery->partition_key : delivery->routing_key;
    size_t left = count ? str_hash(text) % count : 0;
    for (struct fake_binding *binding = routes->bindings; binding; binding = binding->next)
        if (str_eq(binding->spec.exchange, exchange->spec.name) && left-- == 0)
            return follow(routes, binding, delivery);
    return 0;
}

static size_t match_all(struct fake_routes *routes, const struct fake_exchange *exchange,
                        const struct delivery *delivery)
{
    size_t hits = 0;
    for (struct fake_binding *binding = routes->bindings; binding; binding = binding->next)
        if (binding_takes(exchange, binding, delivery->routing_key))
            hits += follow(routes, binding, delivery);
    return hits;
}

size_t routes_match(struct fake_routes *routes, struct str exchange,
                    const struct delivery *delivery)
{
    if (exchange.len == 0)
        return hit(routes_queue(routes, delivery->routing_key));
    const struct fake_exchange *via = find_exchange(routes, exchange);
    if (!via)
        return 0;
    const size_t hits =
        is_hash(via) ? match_hash(routes, via, delivery) : match_all(routes, via, delivery);
    if (hits == 0 && !str_is_absent(via->spec.alternate))
        return routes_match(routes, via->spec.alternate, delivery);
    return hits;
}
