/* check.c - what must hold after whatever was done to the shop: what clients were told and what was
 * published agrees with what is stored; and all that is stored is in order (checker/check.h). */
#include <inttypes.h>

#include "base/map.h"
#include "checker/check.h"
#include "fault/fault.h"
#include "notification/notification.h"
#include "order/order.h"
#include "service/connections.h"
#include "service/names.h"
#include "support/seen.h"
#include "wire/json.h"

#define PAGE             500
#define SPY_TRIES        50 /* of 200 ms: a loaded broker takes its time */
#define LEASE_TRIES      50 /* of 100 ms; leases last a second */
#define ROWS_OF_COMMANDS 2  /* the others are the work of a subscriber */

/* --- what is there --------------------------------------------------------------------------------- */

struct check {
    struct fault *fault;
    struct journal_entry *journal;
    size_t journal_count;
    struct doc_list orders, notifications;
    struct map orders_by_id;
    struct map events_by_id; /* of the journal */
    struct map spied;        /* ids that the spy saw */
    struct map event_counts; /* routing key -> size_t */
};

/* All documents of the test: those made since it began. */
static struct doc_list load(struct fault *fault, const struct doc_type *type, const char *time_path)
{
    struct err err = {0};
    struct doc_list all = {0};
    size_t capacity = 0;
    for (size_t got = PAGE; got == PAGE;) {
        struct query query = query_of(type);
        query_from(&query, time_path, fault->began_ms);
        query_sort(&query, "id", 1);
        query.skip = (int64_t)all.count;
        query.limit = PAGE;
        struct query_page page;
        if (store_query(fault->store, &fault->arena, &query, &page, &err) != OUTCOME_DONE)
            fault_die("reading for the check", &err);
        got = page.docs.count;
        for (size_t i = 0; i < got; i++) {
            all.items = arena_grow(&fault->arena, all.items, all.count, sizeof(void *), &capacity);
            all.items[all.count++] = page.docs.items[i];
        }
    }
    return all;
}

static void load_journal(struct check *check)
{
    struct fault *fault = check->fault;
    struct err err = {0};
    struct str after = STR_ABSENT;
    size_t capacity = 0;
    for (size_t got = PAGE; got == PAGE;) {
        struct journal_entry *page;
        if (store_journal_scan(fault->store, &fault->arena, fault->began_ms, after, PAGE, &page,
                               &got, &err) != OUTCOME_DONE)
            fault_die("reading the journal", &err);
        for (size_t i = 0; i < got; i++) {
            check->journal = arena_grow(&fault->arena, check->journal, check->journal_count,
                                        sizeof(*check->journal), &capacity);
            check->journal[check->journal_count++] = page[i];
            after = page[i].id;
        }
    }
}

static void count_up(struct check *check, struct str key)
{
    size_t *count = map_get(&check->event_counts, key);
    if (!count) {
        count = ARENA_NEW(&check->fault->arena, size_t);
        map_set(&check->event_counts, key, count);
    }
    (*count)++;
}

static size_t counted(const struct check *check, const char *key)
{
    const size_t *count = map_get(&check->event_counts, str_of(key));
    return count ? *count : 0;
}

static void load_all(struct check *check)
{
    struct fault *fault = check->fault;
    load_journal(check);
    check->orders = load(fault, &order_type, "createdAt");
    check->notifications = load(fault, &notification_type, "createdAt");
    map_init(&check->orders_by_id, &fault->arena);
    map_init(&check->events_by_id, &fault->arena);
    map_init(&check->spied, &fault->arena);
    map_init(&check->event_counts, &fault->arena);
    for (size_t i = 0; i < check->orders.count; i++)
        map_set(&check->orders_by_id, doc_head(check->orders.items[i])->id,
                (void *)(uintptr_t)check->orders.items[i]);
}

/* --- orders ---------------------------------------------------------------------------------------- */

/* Exactly the orders that were confirmed to somebody, each once. */
static void check_orders(struct check *check)
{
    struct fault *fault = check->fault;
    struct map told;
    map_init(&told, &fault->arena);
    for (size_t i = 0; i < fault->history.count; i++) {
        struct call *call = fault->history.items[i];
        if (!call_is(call, "order.place") || !call_has(call, "ok"))
            continue;
        const struct json *json;
        struct err err = {0};
        if (json_parse(&fault->arena, call->reply, &json, &err) != OUTCOME_DONE)
            continue;
        const struct str id = json_str(json_at(json, "/data/id"));
        const struct order *order = map_get(&check->orders_by_id, id);
        if (!order)
            fault_fail(fault, "order %.*s was confirmed and is not there", STR_FMT(id));
        else if (order->total.amount != json_int(json_at(json, "/data/total/amount"), -1))
            fault_fail(fault, "order %.*s was confirmed with another total", STR_FMT(id));
        map_set(&told, id, call);
    }
    for (size_t i = 0; i < check->orders.count; i++) {
        const struct order *order = check->orders.items[i];
        if (!map_get(&told, order->head.id))
            fault_fail(fault, "order %.*s was confirmed to nobody", STR_FMT(order->head.id));
    }
}

/* --- one effect per message id --------------------------------------------------------------------- */

/* As recall.c makes it: of who welcomes guests what was asked for is part of the key. */
static struct journal_key key_of(struct fault *fault, const struct call *call)
{
    const uint8_t *secret = fault->fixtures.keys.ring[0].digest;
    const struct operation *operation = service_operation(&fault->service, call->operation);
    const struct json *json = NULL;
    uint8_t fingerprint[16] = {0};
    struct journal_key key;
    struct err err = {0};
    if (operation->who == GUEST &&
        json_parse(&fault->arena, call->body, &json, &err) == OUTCOME_DONE)
        json_fingerprint(json, fingerprint);
    const struct str asked[] = {call->operation, {(const char *)fingerprint, sizeof(fingerprint)}};
    auth_digest(secret, asked, 2, fingerprint, sizeof(fingerprint));
    const struct str parts[] = {call->caller, call->message_id, asked[1]};
    auth_digest(secret, parts, operation->who == GUEST ? 3 : 2, key.bytes, sizeof(key.bytes));
    return key;
}

static size_t find_in_journal(struct fault *fault, const struct call *call,
                              struct journal_reply **replies)
{
    struct err err = {0};
    const struct journal_key key = key_of(fault, call);
    size_t count;
    if (store_journal_find(fault->store, &fault->arena, &key, 1, replies, &count, &err) !=
        OUTCOME_DONE)
        fault_die("reading the journal", &err);
    return count;
}

size_t check_unknown(struct fault *fault, struct call *call)
{
    struct journal_reply *replies;
    if (!history_is_command(fault, call))
        return 0;
    const size_t count = find_in_journal(fault, call, &replies);
    if (count == 1)
        history_reply(fault, call, replies[0].status, replies[0].body);
    return count;
}

/* A command that was done is in the journal once, with the reply that was given. (Queries are not
 * journalled, a reply with secrets is sealed there.) That a refusal changed nothing is seen where all
 * effects are added up: orders, stocks, and in the storm the carts. */
static void check_call(struct fault *fault, const struct call *call)
{
    struct journal_reply *replies;
    const struct operation *operation = service_operation(&fault->service, call->operation);
    const size_t count = find_in_journal(fault, call, &replies);
    if (count != 1)
        fault_fail(fault, "%.*s %.*s is in the journal %zu times", STR_FMT(call->operation),
                   STR_FMT(call->message_id), count);
    else if (!operation->secret_reply &&
             (replies[0].status != call->status || !str_eq(replies[0].body, call->reply)))
        fault_fail(fault, "%.*s %.*s: the journal has another reply:\n  %.*s\n  %.*s",
                   STR_FMT(call->operation), STR_FMT(call->message_id), STR_FMT(call->reply),
                   STR_FMT(replies[0].body));
}

static void check_effects(struct check *check)
{
    struct fault *fault = check->fault;
    for (size_t i = 0; i < fault->history.count; i++)
        if (call_has(fault->history.items[i], "ok") &&
            history_is_command(fault, fault->history.items[i]))
            check_call(fault, fault->history.items[i]);
}

/* --- stock, as the clients know it ------------------------------------------------------------------ */

struct account {
    struct str product_id;
    int64_t on_hand, reserved;
};

static struct account *account_of(struct map *accounts, struct str product_id)
{
    return map_get(accounts, product_id);
}

static void open_accounts(struct check *check, struct map *by_product)
{
    struct fault *fault = check->fault;
    map_init(by_product, &fault->arena);
    for (size_t i = 0; i < fault->good_count; i++) {
        struct account *account = ARENA_NEW(&fault->arena, struct account);
        *account = (struct account){fault->goods[i].id, fault->goods[i].stock, 0};
        map_set(by_product, account->product_id, account);
    }
}

/* A count says what is on hand, and nobody else changes that of a good that is counted; an adjustment
 * adds to it. */
static void book_call(struct check *check, struct map *accounts, const struct call *call)
{
    struct arena *arena = &check->fault->arena;
    const struct json *json;
    struct err err = {0};
    const bool counts = call_is(call, "inventory.set");
    if ((!counts && !call_is(call, "inventory.adjust")) || !call_has(call, "ok") ||
        json_parse(arena, call->body, &json, &err) != OUTCOME_DONE)
        return;
    struct account *account = account_of(accounts, json_str(json_at(json, "/productId")));
    if (account && counts)
        account->on_hand = json_int(json_at(json, "/onHand"), 0);
    else if (account)
        account->on_hand += json_int(json_at(json, "/delta"), 0);
}

static void book_order(struct map *accounts, const struct order *order)
{
    for (size_t i = 0; i < order->items.count; i++) {
        const struct order_line *line = &order->items.items[i];
        struct account *account = account_of(accounts, line->product_id);
        const bool gone = order->status == ORDER_SHIPPED || order->status == ORDER_DELIVERED;
        if (account && gone)
            account->on_hand -= line->quantity;
        else if (account && order->status != ORDER_CANCELLED)
            account->reserved += line->quantity;
    }
}

static void check_stocks(struct check *check)
{
    struct fault *fault = check->fault;
    struct map accounts;
    open_accounts(check, &accounts);
    for (size_t i = 0; i < fault->history.count; i++)
        book_call(check, &accounts, fault->history.items[i]);
    for (size_t i = 0; i < check->orders.count; i++)
        book_order(&accounts, check->orders.items[i]);
    const struct doc_list stocks = load(fault, &stock_type, "createdAt");
    for (size_t i = 0; i < stocks.count; i++) {
        const struct stock *stock = stocks.items[i];
        const struct account *account = account_of(&accounts, stock->product_id);
        if (account && (stock->on_hand != account->on_hand || stock->reserved != account->reserved))
            fault_fail(fault,
                       "stock %.*s has %" PRId64 ", %" PRId64 " reserved, and should have %" PRId64
                       ", %" PRId64 " reserved",
                       STR_FMT(stock->head.id), stock->on_hand, stock->reserved, account->on_hand,
                       account->reserved);
    }
}

/* --- events ---------------------------------------------------------------------------------------- */

static void spy_saw(void *context, const struct delivery *delivery)
{
    struct check *check = context;
    struct fault *fault = check->fault;
    seen_published(delivery);
    const struct journal_event *event = map_get(&check->events_by_id, delivery->message_id);
    if (!event)
        fault_fail(fault, "%.*s %.*s was published and is not in the journal",
                   STR_FMT(delivery->routing_key), STR_FMT(delivery->message_id));
    else if (!str_eq(event->routing_key, delivery->routing_key) ||
             !str_eq(event->body, delivery->body))
        fault_fail(fault, "%.*s %.*s was published differently from the journal",
                   STR_FMT(delivery->routing_key), STR_FMT(delivery->message_id));
    map_set(&check->spied, str_dup(&fault->arena, delivery->message_id), fault);
}

static bool all_spied(const struct check *check)
{
    for (size_t i = 0; i < check->journal_count; i++) {
        const struct journal_entry *entry = &check->journal[i];
        for (size_t k = 0; k < entry->event_count; k++)
            if (!map_get(&check->spied, entry->events[k].id))
                return false;
    }
    return true;
}

static void check_entry(struct check *check, const struct journal_entry *entry)
{
    for (size_t i = 0; i < entry->event_count; i++) {
        const struct journal_event *event = &entry->events[i];
        if (!map_get(&check->spied, event->id))
            fault_fail(check->fault, "%.*s %.*s was never published", STR_FMT(event->routing_key),
                       STR_FMT(event->id));
    }
}

static void check_events(struct check *check)
{
    for (size_t i = 0; i < check->journal_count; i++) {
        const struct journal_entry *entry = &check->journal[i];
        for (size_t k = 0; k < entry->event_count; k++) {
            map_set(&check->events_by_id, entry->events[k].id,
                    (void *)(uintptr_t)&entry->events[k]);
            count_up(check, entry->events[k].routing_key);
        }
    }
    for (int i = 0; i < SPY_TRIES && (i == 0 || !all_spied(check)); i++)
        spy_take_all(check->fault, spy_queue(), spy_saw, check);
    for (size_t i = 0; i < check->journal_count; i++)
        check_entry(check, &check->journal[i]);
}

/* One event per order and per step of its life, and one notification per event. */
static void check_counts(struct check *check)
{
    struct fault *fault = check->fault;
    size_t steps = 0;
    size_t told_placed = 0;
    for (size_t i = 0; i < check->orders.count; i++)
        steps += ((const struct order *)check->orders.items[i])->history.count - 1;
    for (size_t i = 0; i < check->notifications.count; i++)
        told_placed += str_eq(((const struct notification *)check->notifications.items[i])->kind,
                              STR("order_placed"));
    const struct {
        const char *what;
        size_t is, should;
    } rows[] = {
        {"events order.placed", counted(check, "order.placed"), check->orders.count},
        {"events order.status_changed", counted(check, "order.status_changed"), steps},
        {"messages inapp.order_placed", counted(check, "inapp.order_placed"), check->orders.count},
        {"messages email.order_placed", counted(check, "email.order_placed"), check->orders.count},
        {"messages inapp.order_status_changed", counted(check, "inapp.order_status_changed"),
         steps},
        {"notifications order_placed", told_placed, check->orders.count},
        {"notifications in all", check->notifications.count, check->orders.count + steps},
    };
    const size_t count = fault->events_lost ? ROWS_OF_COMMANDS : sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < count; i++)
        if (rows[i].is != rows[i].should)
            fault_fail(fault, "%zu %s instead of %zu", rows[i].is, rows[i].what, rows[i].should);
}

/* --- what is stored ------------------------------------------------------------------------------------ */

static void fail_with(void *context, const struct finding *finding)
{
    fault_fail(context, "%s: %.*s: %.*s", finding->invariant, STR_FMT(finding->subject),
               STR_FMT(finding->text));
}

/* A lane that was killed cannot give its leases back; they end. */
static void await_leases(struct fault *fault, struct lock *lock)
{
    struct err err = {0};
    for (int i = 0; i < LEASE_TRIES; i++) {
        struct held_lock *held;
        size_t count = 0;
        if (lock_leases(lock, &fault->arena, 2, &held, &count, &err) != OUTCOME_DONE)
            fault_die("looking at leases", &err);
        if (count == 0 || (count == 1 && str_eq(held[0].key, RELAY_LEASE)))
            return;
        fault_sleep_ms(100);
    }
}

static void check_stored(struct fault *fault)
{
    const struct lock_options options = lock_options_of(&fault->settings->engine);
    struct check_totals totals;
    struct lock *lock = NULL;
    struct err err = {0};
    if (lock_open(&options, &lock, &err) != OUTCOME_DONE)
        fault_die("Redis", &err);
    await_leases(fault, lock);
    const struct check_options check = {
        .store = fault->store,
        .lock = lock,
        .service = &fault->service,
        .quiesced = true,
        .found = fail_with,
        .context = fault,
    };
    if (check_run(&check, &totals, &err) != OUTCOME_DONE)
        fault_die("checking", &err);
    lock_close(lock);
}

/* --- all ------------------------------------------------------------------------------------------- */

void check_invariants(struct fault *fault)
{
    struct check check = {.fault = fault};
    load_all(&check);
    check_orders(&check);
    check_effects(&check);
    check_stocks(&check);
    check_events(&check);
    check_counts(&check);
    check_stored(fault);
}
