/* bus_routes_fake.c - routing as RabbitMQ does it. */
#include "bus/bus_routes_fake.h"

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

static enum outcome declare_exchange(struct fake_routes *routes, const struct bus_exchange *spec,
                                     struct err *err)
{
    const struct fake_exchange *known = find_exchange(routes, spec->name);
    if (known && (strcmp(known->spec.kind, spec->kind) != 0 ||
                  !str_eq(known->spec.alternate, spec->alternate)))
        return bug(err, "exchange %.*s exists with other settings", STR_FMT(spec->name));
    if (known)
        return OUTCOME_DONE;
    struct fake_exchange *exchange = ARENA_NEW(routes->arena, struct fake_exchange);
    exchange->spec.name = str_dup(routes->arena, spec->name);
    exchange->spec.kind = str_dup(routes->arena, str_of(spec->kind)).ptr;
    exchange->spec.alternate = str_dup(routes->arena, spec->alternate);
    exchange->next = routes->exchanges;
    routes->exchanges = exchange;
    return OUTCOME_DONE;
}

static bool same_settings(const struct bus_queue *a, const struct bus_queue *b)
{
    return a->message_ttl_ms == b->message_ttl_ms && a->delivery_limit == b->delivery_limit &&
           a->length_max == b->length_max && str_eq(a->dead_exchange, b->dead_exchange) &&
           str_eq(a->dead_routing_key, b->dead_routing_key);
}

static void bind_queue(struct fake_routes *routes, struct fake_queue *queue,
                       const struct bus_binding *spec)
{
    for (struct fake_binding *known = routes->bindings; known; known = known->next)
        if (known->queue == queue && str_eq(known->spec.exchange, spec->exchange) &&
            str_eq(known->spec.pattern, spec->pattern))
            return;
    struct fake_binding *binding = ARENA_NEW(routes->arena, struct fake_binding);
    binding->queue = queue;
    binding->spec.exchange = str_dup(routes->arena, spec->exchange);
    binding->spec.pattern = str_dup(routes->arena, spec->pattern);
    binding->next = routes->bindings;
    routes->bindings = binding;
}

static enum outcome declare_queue(struct fake_routes *routes, const struct bus_queue *spec,
                                  struct err *err)
{
    struct fake_queue *queue = routes_queue(routes, spec->name);
    if (queue && !same_settings(&queue->spec, spec))
        return bug(err, "queue %.*s exists with other settings", STR_FMT(spec->name));
    if (!queue)
        queue = routes_add_queue(routes, spec);
    for (size_t i = 0; i < spec->binding_count; i++) {
        if (!routes_has_exchange(routes, spec->bindings[i].exchange))
            return bug(err, "queue %.*s is bound to exchange %.*s, which does not exist",
                       STR_FMT(spec->name), STR_FMT(spec->bindings[i].exchange));
        bind_queue(routes, queue, &spec->bindings[i]);
    }
    return OUTCOME_DONE;
}

enum outcome routes_declare(struct fake_routes *routes, const struct bus_topology *topology,
                            struct err *err)
{
    for (size_t i = 0; i < topology->exchange_count; i++)
        TRY(declare_exchange(routes, &topology->exchanges[i], err));
    for (size_t i = 0; i < topology->queue_count; i++)
        TRY(declare_queue(routes, &topology->queues[i], err));
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

size_t routes_match(struct fake_routes *routes, struct str exchange, struct str routing_key)
{
    if (exchange.len == 0)
        return hit(routes_queue(routes, routing_key));
    const struct fake_exchange *via = find_exchange(routes, exchange);
    if (!via)
        return 0;
    size_t hits = 0;
    for (struct fake_binding *binding = routes->bindings; binding; binding = binding->next)
        if (binding_takes(via, binding, routing_key))
            hits += hit(binding->queue);
    if (hits == 0 && !str_is_absent(via->spec.alternate))
        return routes_match(routes, via->spec.alternate, routing_key);
    return hits;
}
