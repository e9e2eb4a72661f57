/* check.c - the invariants, from what is stored and published alone, and from what clients were
 * told. Each function is one of them. */
#include <inttypes.h>

#include "base/map.h"
#include "fault/fault.h"
#include "inventory/stock.h"
#include "notification/notification.h"
#include "order/order.h"
#include "wire/json.h"

#define PAGE             500
#define SPY_TRIES        50 /* of 200 ms: a loaded broker takes its time */
#define ROWS_OF_COMMANDS 2  /* the others are the work of a subscriber */

/* --- what is there --------------------------------------------------------------------------------- */

struct check {
    struct fault *fault;
    struct journal_entry *journal;
    size_t journal_count;
    struct doc_list orders, stocks, adjustments, notifications;
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
        const struct query query = {
            .type = type,
            .terms = {{.path = time_path, .op = QUERY_GTE, .number = fault->began_ms}},
            .term_count = 1,
            .sorts = {{.path = "id", .direction = 1}},
            .sort_count = 1,
            .skip = (int64_t)all.count,
            .limit = PAGE,
        };
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

static void load_stocks(struct check *check)
{
    struct fault *fault = check->fault;
    struct str *skus = arena_array(&fault->arena, fault->good_count, sizeof(*skus));
    for (size_t i = 0; i < fault->good_count; i++)
        skus[i] = fault->goods[i].sku;
    struct store_find find = {
        .type = &stock_type, .path = "id", .values = skus, .count = fault->good_count};
    struct err err = {0};
    if (fault->good_count && store_find(fault->store, &fault->arena, &find, &err) != OUTCOME_DONE)
        fault_die("reading the stock", &err);
    check->stocks = find.found;
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
    check->adjustments = load(fault, &stock_adjustment_type, "createdAt");
    check->notifications = load(fault, &notification_type, "createdAt");
    load_stocks(check);
    map_init(&check->orders_by_id, &fault->arena);
    map_init(&check->events_by_id, &fault->arena);
    map_init(&check->spied, &fault->arena);
    map_init(&check->event_counts, &fault->arena);
    for (size_t i = 0; i < check->orders.count; i++)
        map_set(&check->orders_by_id, doc_head(check->orders.items[i])->id,
                (void *)(uintptr_t)check->orders.items[i]);
}

/* --- stock ----------------------------------------------------------------------------------------- */

struct sums {
    int64_t reserved, shipped, adjusted;
};

static void sum_order(struct sums *sums, const struct order *order, struct str sku)
{
    const bool holds = order->status == ORDER_PENDING || order->status == ORDER_PAID ||
                       order->status == ORDER_PROCESSING;
    const bool gone = order->status == ORDER_SHIPPED || order->status == ORDER_DELIVERED;
    for (size_t i = 0; i < order->items.count; i++) {
        if (!str_eq(order->items.items[i].sku, sku))
            continue;
        sums->reserved += holds ? order->items.items[i].quantity : 0;
        sums->shipped += gone ? order->items.items[i].quantity : 0;
    }
}

static struct sums sums_of(const struct check *check, struct str sku)
{
    struct sums sums = {0};
    for (size_t i = 0; i < check->orders.count; i++)
        sum_order(&sums, check->orders.items[i], sku);
    for (size_t i = 0; i < check->adjustments.count; i++) {
        const struct stock_adjustment *adjustment = check->adjustments.items[i];
        sums.adjusted += str_eq(adjustment->sku, sku) ? adjustment->delta : 0;
    }
    return sums;
}

static void check_stock(const struct check *check, const struct good *good)
{
    const struct stock *stock = NULL;
    for (size_t i = 0; i < check->stocks.count; i++)
        if (str_eq(doc_head(check->stocks.items[i])->id, good->sku))
            stock = check->stocks.items[i];
    if (!stock) {
        fault_fail(check->fault, "the stock of %.*s is gone", STR_FMT(good->sku));
        return;
    }
    const struct sums sums = sums_of(check, good->sku);
    const int64_t on_hand = good->stock - sums.shipped + sums.adjusted;
    if (stock->on_hand != on_hand || stock->reserved != sums.reserved || stock->reserved < 0 ||
        stock->reserved > stock->on_hand)
        fault_fail(check->fault,
                   "stock of %.*s: on hand %" PRId64 ", should be %" PRId64 "; reserved %" PRId64
                   ", should be %" PRId64,
                   STR_FMT(good->sku), stock->on_hand, on_hand, stock->reserved, sums.reserved);
}

/* --- orders ---------------------------------------------------------------------------------------- */

static void check_total(const struct check *check, const struct order *order)
{
    int64_t total = 0;
    for (size_t i = 0; i < order->items.count; i++) {
        const struct order_line *line = &order->items.items[i];
        total += line->line_total.amount;
        if (line->line_total.amount != line->unit_price.amount * line->quantity)
            fault_fail(check->fault, "order %.*s: a line is not price times quantity",
                       STR_FMT(order->number));
    }
    if (total != order->total.amount)
        fault_fail(check->fault, "order %.*s: total %" PRId64 ", lines %" PRId64,
                   STR_FMT(order->number), order->total.amount, total);
}

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
        check_total(check, order);
        if (!map_get(&told, order->head.id))
            fault_fail(fault, "order %.*s was confirmed to nobody", STR_FMT(order->head.id));
    }
}

/* --- one effect per message id --------------------------------------------------------------------- */

static struct journal_key key_of(const struct fault *fault, const struct call *call)
{
    const struct str parts[] = {call->caller, call->message_id};
    struct journal_key key;
    auth_digest(fault->fixtures.keys.digest, parts, 2, key.bytes, sizeof(key.bytes));
    return key;
}

/* A command that was done is in the journal once, with the reply that was given. (Queries and what
 * was only found wrong are not journalled.) */
static void check_call(struct fault *fault, const struct call *call)
{
    struct err err = {0};
    const struct journal_key key = key_of(fault, call);
    struct journal_reply *replies;
    size_t count;
    if (store_journal_find(fault->store, &fault->arena, &key, 1, &replies, &count, &err) !=
        OUTCOME_DONE)
        fault_die("reading the journal", &err);
    if (count != 1)
        fault_fail(fault, "%.*s %.*s is in the journal %zu times", STR_FMT(call->operation),
                   STR_FMT(call->message_id), count);
    else if (replies[0].status != call->status || !str_eq(replies[0].body, call->reply))
        fault_fail(fault, "%.*s %.*s: the journal has another reply:\n  %.*s\n  %.*s",
                   STR_FMT(call->operation), STR_FMT(call->message_id), STR_FMT(call->reply),
                   STR_FMT(replies[0].body));
}

static bool is_command(const struct fault *fault, const struct call *call)
{
    const struct operation *operation = service_operation(&fault->service, call->operation);
    return operation && operation->kind == COMMAND && !operation->secret_reply;
}

static void check_effects(struct check *check)
{
    struct fault *fault = check->fault;
    for (size_t i = 0; i < fault->history.count; i++)
        if (call_has(fault->history.items[i], "ok") && is_command(fault, fault->history.items[i]))
            check_call(fault, fault->history.items[i]);
}

/* --- events ---------------------------------------------------------------------------------------- */

static void spy_saw(void *context, const struct delivery *delivery)
{
    struct check *check = context;
    struct fault *fault = check->fault;
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
    if (!entry->published)
        fault_fail(check->fault, "journal entry %.*s is not published", STR_FMT(entry->id));
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

/* --- all ------------------------------------------------------------------------------------------- */

void check_invariants(struct fault *fault)
{
    struct check check = {.fault = fault};
    load_all(&check);
    for (size_t i = 0; i < fault->good_count; i++)
        check_stock(&check, &fault->goods[i]);
    check_orders(&check);
    check_effects(&check);
    check_events(&check);
    check_counts(&check);
    const int64_t endless = servers_endless_locks(fault);
    if (endless)
        fault_fail(fault, "%" PRId64 " locks in Redis have no end", endless);
}
