/* audience.c - a consumer as a mailer or a push service would be one: it acknowledges what it has
 * taken down and expects every message at least once. */
#include "demo/audience.h"

#include <stdio.h>

#include "support/users.h"
#include "wire/json.h"

#define PREFETCH     512
#define SETTLE_MS    200    /* as long as nothing comes, an earlier run has left nothing */
#define TTL_MS       600000 /* what nobody listens to is gone by itself */
#define KEY_MAX      200
#define CLIENT_HEART 10

static struct bus_options options_of(struct str user)
{
    return (struct bus_options){
        .uri = user,
        .name = "cartwright demo audience",
        .heartbeat_s = CLIENT_HEART,
        .timeout_ms = 5000,
        .body_max = 1024 * 1024,
    };
}

static enum outcome declare(struct arena *arena, struct str prefix, struct str *queue,
                            struct err *err)
{
    const struct bus_options options = options_of(users_operator());
    struct bus *bus;
    const struct bus_binding bindings[] = {
        {str_printf(arena, "%.*s.notifications", STR_FMT(prefix)), STR("#")},
        {str_printf(arena, "%.*s.events", STR_FMT(prefix)), STR("order.#")},
        {str_printf(arena, "%.*s.events", STR_FMT(prefix)), STR("stock.#")},
    };
    *queue = str_printf(arena, "%.*s.subscriber.demo", STR_FMT(prefix));
    const struct bus_queue declared = {
        .name = *queue,
        .bindings = bindings,
        .binding_count = sizeof(bindings) / sizeof(bindings[0]),
        .message_ttl_ms = TTL_MS,
    };
    const struct bus_topology topology = {.queues = &declared, .queue_count = 1};
    TRY(bus_open(&options, &bus, err));
    const enum outcome outcome = bus_declare(bus, &topology, err);
    bus_close(bus);
    return outcome;
}

static void forget(struct audience *audience)
{
    map_init(&audience->heard, &audience->arena);
    map_init(&audience->ids, &audience->arena);
    audience->inapp = audience->email = audience->events = audience->events_placed = 0;
    audience->repeated = 0;
}

enum outcome audience_open(struct audience *audience, struct str prefix, struct err *err)
{
    const struct bus_options options = options_of(users_reader());
    struct str queue;
    *audience = (struct audience){0};
    arena_init(&audience->arena, 256 * 1024);
    TRY(declare(&audience->arena, prefix, &queue, err));
    TRY(bus_open(&options, &audience->bus, err));
    TRY(bus_consume(audience->bus, &queue, 1, PREFETCH, err));
    forget(audience);
    int64_t before = -1;
    while (before != audience->events + audience->inapp + audience->email && !audience->is_lost) {
        before = audience->events + audience->inapp + audience->email;
        audience_listen(audience, SETTLE_MS);
    }
    forget(audience);
    return OUTCOME_DONE;
}

void audience_close(struct audience *audience)
{
    bus_close(audience->bus);
    arena_release(&audience->arena);
}

/* --- what was heard -------------------------------------------------------------------------- */

/* The first thing of its kind? Remembers it. */
static bool is_news(struct arena *arena, struct map *map, struct str key)
{
    if (map_get(map, key))
        return false;
    static const char here[] = "here";
    map_set(map, str_dup(arena, key), (void *)(uintptr_t)here);
    return true;
}

static struct str heard_key(char buffer[KEY_MAX], struct str kind, struct str order_id,
                            struct str status)
{
    const int len = snprintf(buffer, KEY_MAX, "%.*s/%.*s/%.*s", STR_FMT(kind), STR_FMT(order_id),
                             STR_FMT(status));
    return (struct str){buffer, len < KEY_MAX ? (size_t)len : KEY_MAX - 1};
}

static void count(struct audience *audience, const struct delivery *delivery)
{
    if (str_starts_with(delivery->routing_key, STR("inapp.")))
        audience->inapp++;
    else if (str_starts_with(delivery->routing_key, STR("email.")))
        audience->email++;
    else
        audience->events++;
    audience->events_placed += str_eq(delivery->routing_key, STR("order.placed"));
}

/* A notification says its order in data.orderId, an event in subject. */
static void take_down(struct audience *audience, const struct delivery *delivery)
{
    struct arena arena;
    struct err err = {0};
    const struct json *json;
    char buffer[KEY_MAX];
    arena_init(&arena, 16 * 1024);
    if (json_parse(&arena, delivery->body, &json, &err) != OUTCOME_DONE) {
        audience->repeated++; /* nothing but JSON may come: it shows as a figure that is wrong */
    } else if (is_news(&audience->arena, &audience->ids, json_str(json_member(json, "id")))) {
        count(audience, delivery);
        const struct json *order = json_at(json, "/data/orderId");
        const struct str status = json_str(json_at(json, "/data/status"));
        if (order && !is_news(&audience->arena, &audience->heard,
                              heard_key(buffer, delivery->routing_key, json_str(order), status)))
            audience->repeated++;
        if (!order && str_starts_with(delivery->routing_key, STR("order.")))
            is_news(&audience->arena, &audience->heard,
                    heard_key(buffer, delivery->routing_key, json_str(json_member(json, "subject")),
                              status));
    }
    arena_release(&arena);
}

void audience_listen(struct audience *audience, int timeout_ms)
{
    struct err err = {0};
    struct delivery *delivery;
    bool any = false;
    for (;;) {
        const enum bus_event event = bus_next(audience->bus, any ? 0 : timeout_ms, &delivery);
        audience->is_lost = audience->is_lost || event == BUS_CLOSED;
        if (event != BUS_MESSAGE)
            break;
        any = true;
        take_down(audience, delivery);
        bus_ack(audience->bus, delivery, false);
        delivery_free(delivery);
    }
    if (any && bus_flush(audience->bus, &err) != OUTCOME_DONE)
        audience->is_lost = true;
}

bool audience_heard(const struct audience *audience, const char *kind, struct str order_id,
                    const char *status)
{
    char buffer[KEY_MAX];
    return map_get(&audience->heard, heard_key(buffer, str_of(kind), order_id, str_of(status)));
}
