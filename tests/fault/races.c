/* races.c - many who want the same thing at the same time. */
#include <inttypes.h>

#include "fault/fault.h"
#include "wire/json.h"

#define BUYERS      100
#define LAST_ONES   20
#define SENDERS     50
#define ADDS        40
#define PAIRS       30
#define ENOUGH      1000
#define RECEIVE_MS  20
#define PLACED_BODY "{\"note\":\"once\"}"

static size_t count_with(const struct fault *fault, const char *operation, const char *code)
{
    size_t count = 0;
    for (size_t i = 0; i < fault->history.count; i++)
        count +=
            call_is(fault->history.items[i], operation) && call_has(fault->history.items[i], code);
    return count;
}

static void expect_count(struct fault *fault, const char *operation, const char *code, size_t want)
{
    const size_t count = count_with(fault, operation, code);
    if (count != want)
        fault_fail(fault, "%zu %s were answered %s instead of %zu", count, operation, code, want);
}

/* --- 100 buyers for the last 20 ------------------------------------------------------------------- */

static void last_ones(struct fault *fault)
{
    const struct good *good = world_good(fault, LAST_ONES);
    struct sender senders[BUYERS / 10];
    for (size_t i = 0; i < BUYERS / 10; i++)
        sender_init(&senders[i], fault);
    for (size_t i = 0; i < BUYERS; i++) {
        const struct shopper shopper = fixtures_shopper(&fault->fixtures, CUSTOMER);
        fixtures_cart(&fault->fixtures, shopper.id, good, 1, 1);
        sender_send(&senders[i % (BUYERS / 10)],
                    history_add(fault, "order.place", STR("{}"), &shopper));
    }
    fixtures_write(&fault->fixtures);
    for (int round = 0; round < 2; round++) /* the first connects, the second writes */
        for (size_t i = 0; i < BUYERS / 10; i++)
            sender_next(&senders[i], 0);
    for (size_t i = 0; i < BUYERS / 10; i++) {
        sender_finish(&senders[i]);
        sender_release(&senders[i]);
    }
    expect_count(fault, "order.place", "ok", LAST_ONES);
    expect_count(fault, "order.place", "INSUFFICIENT_STOCK", BUYERS - LAST_ONES);
}

/* --- one message id, many senders ------------------------------------------------------------------ */

static void send_all(struct sender *senders, size_t count, struct call *const *calls)
{
    for (size_t i = 0; i < count; i++)
        sender_send(&senders[i], calls[i]);
    for (size_t i = 0; i < count; i++)
        sender_next(&senders[i], 0); /* connects or writes, in turn */
    for (size_t i = 0; i < count; i++)
        sender_finish(&senders[i]);
}

/* Every sender has a call of its own with the same message id; every other one a body of its own if
 * `differ`. */
static void one_id(struct fault *fault, bool differ)
{
    const struct good *good = world_good(fault, ENOUGH);
    const struct shopper shopper = fixtures_shopper(&fault->fixtures, CUSTOMER);
    struct sender *senders = arena_array(&fault->arena, SENDERS, sizeof(*senders));
    struct call **calls = arena_array(&fault->arena, SENDERS, sizeof(struct call *));
    fixtures_cart(&fault->fixtures, shopper.id, good, 1, 2);
    fixtures_write(&fault->fixtures);
    for (size_t i = 0; i < SENDERS; i++) {
        const struct str body =
            differ && i % 2 ? str_printf(&fault->arena, "{\"note\":\"%zu\"}", i) : STR(PLACED_BODY);
        calls[i] = i ? history_add_again(fault, calls[0], body)
                     : history_add(fault, "order.place", body, &shopper);
        sender_init(&senders[i], fault);
        sender_next(&senders[i], 0); /* connected before anything is sent */
    }
    send_all(senders, SENDERS, calls);
    for (size_t i = 0; i < SENDERS; i++)
        sender_release(&senders[i]);
}

/* Whoever asked for what was done is told the same bytes; the others that the id is taken. */
static void one_id_fifty_senders(struct fault *fault)
{
    one_id(fault, false);
    expect_count(fault, "order.place", "ok", SENDERS);
    for (size_t i = 1; i < fault->history.count; i++)
        if (!str_eq(fault->history.items[i]->reply, fault->history.items[0]->reply))
            fault_fail(fault, "two senders were told different things");
}

static void one_id_other_bodies(struct fault *fault)
{
    one_id(fault, true);
    /* Whichever came first won: all with that body, or one with its own. */
    const size_t ok = count_with(fault, "order.place", "ok");
    if (ok != SENDERS / 2 && ok != 1)
        fault_fail(fault, "%zu of %d senders were told ok", ok, SENDERS);
    expect_count(fault, "order.place", "IDEMPOTENCY_MISMATCH", SENDERS - ok);
}

/* --- two tabs of one user --------------------------------------------------------------------------- */

static void note_version(struct fault *fault, const struct call *call, bool *seen)
{
    const struct json *json;
    struct err err = {0};
    if (json_parse(&fault->arena, call->reply, &json, &err) != OUTCOME_DONE)
        return;
    const int64_t version = json_int(json_at(json, "/data/version"), 0);
    if (version < 1 || version > 2 * ADDS || seen[version])
        fault_fail(fault, "cart version %" PRId64 " was given out twice or is none", version);
    else
        seen[version] = true;
}

static void check_cart(struct fault *fault, const struct shopper *shopper)
{
    struct call *get = history_add(fault, "cart.get", STR("{}"), shopper);
    const struct json *json;
    struct err err = {0};
    sender_call(fault, get);
    if (!call_has(get, "ok") || json_parse(&fault->arena, get->reply, &json, &err) != OUTCOME_DONE)
        fault_fail(fault, "cart.get: %.*s", STR_FMT(get->reply));
    else if (json_int(json_at(json, "/data/items/0/quantity"), 0) != ADDS * 3 ||
             json_int(json_at(json, "/data/version"), 0) != 2 * ADDS)
        fault_fail(fault, "the cart does not add up: %.*s", STR_FMT(get->reply));
}

static void two_tabs(struct fault *fault)
{
    const struct good *good = world_good(fault, ENOUGH);
    const struct shopper shopper = fixtures_shopper(&fault->fixtures, CUSTOMER);
    bool seen[2 * ADDS + 1] = {false};
    struct sender tabs[2];
    fixtures_write(&fault->fixtures);
    for (int tab = 0; tab < 2; tab++)
        sender_init(&tabs[tab], fault);
    for (int i = 0; i < 2 * ADDS; i++)
        sender_send(&tabs[i % 2], history_add(fault, "cart.item.add",
                                              str_printf(&fault->arena,
                                                         "{\"productId\":\"%.*s\",\"quantity\":%d}",
                                                         STR_FMT(good->id), 1 + i % 2),
                                              &shopper));
    while (tabs[0].open.count && tabs[1].open.count) {
        sender_next(&tabs[0], RECEIVE_MS);
        sender_next(&tabs[1], RECEIVE_MS);
    }
    for (int tab = 0; tab < 2; tab++) {
        sender_finish(&tabs[tab]);
        sender_release(&tabs[tab]);
    }
    expect_count(fault, "cart.item.add", "ok", 2 * ADDS);
    for (size_t i = 0; i < fault->history.count; i++)
        note_version(fault, fault->history.items[i], seen);
    check_cart(fault, &shopper);
}

/* --- cancel against ship ----------------------------------------------------------------------------- */

static struct str place_one(struct fault *fault, const struct shopper *shopper)
{
    struct call *call = history_add(fault, "order.place", STR("{}"), shopper);
    const struct json *json;
    struct err err = {0};
    sender_call(fault, call);
    if (!call_has(call, "ok") ||
        json_parse(&fault->arena, call->reply, &json, &err) != OUTCOME_DONE) {
        fault_fail(fault, "order.place: %.*s", STR_FMT(call->reply));
        return STR("");
    }
    return json_str(json_at(json, "/data/id"));
}

static struct call *set_status(struct fault *fault, struct str order, const char *status,
                               const struct shopper *admin)
{
    return history_add(fault, "order.status.set",
                       str_printf(&fault->arena, "{\"orderId\":\"%.*s\",\"status\":\"%s\"}",
                                  STR_FMT(order), status),
                       admin);
}

static void race_one(struct fault *fault, struct sender clients[2], struct str order,
                     const struct shopper *admin, int turn)
{
    struct call *calls[2] = {
        history_add(fault, "order.cancel",
                    str_printf(&fault->arena, "{\"orderId\":\"%.*s\"}", STR_FMT(order)), admin),
        set_status(fault, order, "shipped", admin),
    };
    for (int i = 0; i < 2; i++)
        sender_send(&clients[(i + turn) % 2], calls[(i + turn) % 2]);
    for (int i = 0; i < 2; i++)
        sender_finish(&clients[i]);
    const bool cancelled = call_has(calls[0], "ok") && call_has(calls[1], "ILLEGAL_TRANSITION");
    const bool shipped = call_has(calls[0], "NOT_CANCELLABLE") && call_has(calls[1], "ok");
    if (cancelled == shipped)
        fault_fail(fault, "cancelled %.*s, shipped %.*s", STR_FMT(calls[0]->reply),
                   STR_FMT(calls[1]->reply));
}

static void cancel_or_ship(struct fault *fault)
{
    const struct good *good = world_good(fault, ENOUGH);
    const struct shopper admin = fixtures_shopper(&fault->fixtures, ADMIN);
    struct sender clients[2];
    struct shopper shoppers[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        shoppers[i] = fixtures_shopper(&fault->fixtures, CUSTOMER);
        fixtures_cart(&fault->fixtures, shoppers[i].id, good, 1, 3);
    }
    fixtures_write(&fault->fixtures);
    for (int i = 0; i < 2; i++)
        sender_init(&clients[i], fault);
    for (int i = 0; i < PAIRS && !fault->failed; i++) {
        const struct str order = place_one(fault, &shoppers[i]);
        sender_call(fault, set_status(fault, order, "paid", &admin));
        sender_call(fault, set_status(fault, order, "processing", &admin));
        race_one(fault, clients, order, &admin, i);
    }
    for (int i = 0; i < 2; i++)
        sender_release(&clients[i]);
}

const struct fault_test race_tests[] = {
    {.name = "race_last_ones", .run = last_ones},
    {.name = "race_one_id_fifty_senders", .run = one_id_fifty_senders},
    {.name = "race_one_id_other_bodies", .run = one_id_other_bodies},
    {.name = "race_two_tabs", .run = two_tabs},
    {.name = "race_cancel_or_ship", .run = cancel_or_ship},
    {0},
};
