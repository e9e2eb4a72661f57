/* witness.c - what clients were told and what the spy heard, against the journal and the documents.
 *
 * Every effect carries the message id of its cause: events as causationid, steps of an order and
 * lines of the ledger as their note. So effects can be counted for each call. */
#include <inttypes.h>

#include "base/map.h"
#include "cart/cart.h"
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "notification/notification.h"
#include "order/order.h"
#include "sim/sim.h"
#include "wire/json.h"

/* --- the journal --------------------------------------------------------------------------------- */

/* An event as it is written in the journal. */
struct told {
    const struct journal_event *event;
    struct str cause; /* message id; of a notification: absent */
    struct str subject;
    int64_t version;
    int64_t price;     /* of a product; -1: it is no product's event */
    struct str status; /* of a product or order */
    bool heard;
};

struct witness {
    struct sim *sim;
    struct told *told;
    size_t count, capacity;
    struct map by_id;
    struct doc_list orders, adjustments, inboxes, ledger;
};

static void add_event(struct witness *witness, const struct journal_event *event)
{
    struct sim *sim = witness->sim;
    const struct json *json;
    struct err err = {0};
    if (json_parse(&sim->arena, event->body, &json, &err) != OUTCOME_DONE) {
        sim_fail(sim, "event %.*s is not JSON", STR_FMT(event->id));
        return;
    }
    witness->told = arena_grow(&sim->arena, witness->told, witness->count, sizeof(struct told),
                               &witness->capacity);
    witness->told[witness->count++] = (struct told){
        .event = event,
        .cause = json_str(json_at(json, "/causationid")),
        .subject = json_str(json_at(json, "/subject")),
        .version = json_int(json_at(json, "/aggregateversion"), 0),
        .price = json_int(json_at(json, "/data/price/amount"), -1),
        .status = json_str(json_at(json, "/data/status")),
    };
}

static void index_events(struct witness *witness)
{
    map_init(&witness->by_id, &witness->sim->arena);
    for (size_t i = 0; i < witness->count; i++) {
        const struct str id = witness->told[i].event->id;
        if (map_get(&witness->by_id, id))
            sim_fail(witness->sim, "two events have the id %.*s", STR_FMT(id));
        map_set(&witness->by_id, id, &witness->told[i]);
    }
}

static struct witness witness_of(struct sim *sim)
{
    struct witness witness = {.sim = sim};
    struct journal_entry *entries;
    size_t count;
    struct err err = {0};
    if (store_journal_scan(sim->store, &sim->arena, 0, STR_ABSENT, 100000, &entries, &count,
                           &err) != OUTCOME_DONE)
        panic("reading the journal: %s", err.text);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < entries[i].event_count; k++)
            add_event(&witness, &entries[i].events[k]);
    index_events(&witness);
    witness.orders = sim_load(sim, &order_type);
    witness.adjustments = sim_load(sim, &stock_adjustment_type);
    witness.inboxes = sim_load(sim, &inbox_type);
    witness.ledger = sim_load(sim, &stock_ledger);
    return witness;
}

/* --- calls ------------------------------------------------------------------------------------------ */

static bool welcomes_guests(const struct call *call)
{
    return strncmp(call->operation, "auth.", 5) == 0;
}

/* As recall.c makes it: of what guests may ask, the request is part of the key. */
static struct journal_key key_of(struct sim *sim, const struct call *call)
{
    const struct auth_secrets *master = &sim->premises->keys.ring[0];
    const bool is_guest = str_is_absent(call->token);
    struct journal_key key;
    uint8_t of_body[16], fingerprint[16];
    const struct json *body;
    struct err err = {0};
    if (json_parse(&sim->arena, call->body, &body, &err) != OUTCOME_DONE)
        panic("a client sends what is not JSON");
    json_fingerprint(body, of_body);
    const struct str asked[] = {str_of(call->operation), {(const char *)of_body, 16}};
    auth_digest(master->digest, asked, 2, fingerprint, sizeof(fingerprint));
    const struct str caller = is_guest                ? STR_ABSENT
                              : call->user == VISITOR ? sim->visitor.user_id
                                                      : sim_shopper(sim, call->user)->id;
    const struct str parts[] = {caller, call->message_id, {(const char *)fingerprint, 16}};
    auth_digest(master->digest, parts, welcomes_guests(call) ? 3 : 2, key.bytes, sizeof(key.bytes));
    return key;
}

const struct journal_reply *call_decision(struct sim *sim, const struct call *call)
{
    const struct journal_key key = key_of(sim, call);
    const struct str context = {(const char *)key.bytes, sizeof(key.bytes)};
    struct journal_reply *replies;
    size_t count;
    struct err err = {0};
    if (store_journal_find(sim->store, &sim->arena, &key, 1, &replies, &count, &err) !=
        OUTCOME_DONE)
        panic("reading the journal: %s", err.text);
    if (count && replies->sealed &&
        !auth_unseal(&sim->arena, &sim->premises->keys, context, replies->body, &replies->body))
        sim_fail(sim, "the answer to %s %.*s cannot be unsealed", call->operation,
                 STR_FMT(call->message_id));
    return count ? replies : NULL;
}

static int events_caused(const struct witness *witness, const struct call *call, const char *type)
{
    int count = 0;
    for (size_t i = 0; i < witness->count; i++)
        count += str_eq(witness->told[i].cause, call->message_id) &&
                 str_eq(witness->told[i].event->routing_key, str_of(type));
    return count;
}

static int cart_updates(const struct witness *witness, const struct call *call)
{
    return events_caused(witness, call, "cart.updated");
}

static int orders_placed(const struct witness *witness, const struct call *call)
{
    return events_caused(witness, call, "order.placed");
}

static int status_changes(const struct witness *witness, const struct call *call)
{
    return events_caused(witness, call, "order.status_changed");
}

static int cancellations(const struct witness *witness, const struct call *call)
{
    return events_caused(witness, call, "order.cancelled");
}

static int product_updates(const struct witness *witness, const struct call *call)
{
    return events_caused(witness, call, "product.updated");
}

static int order_steps(const struct witness *witness, const struct call *call)
{
    int count = 0;
    for (size_t i = 0; i < witness->orders.count; i++) {
        const struct order *order = witness->orders.items[i];
        for (size_t k = 0; k < order->history.count; k++)
            count += str_eq(order->history.items[k].note, call->message_id);
    }
    return count;
}

static int ledger_lines(const struct witness *witness, const struct call *call)
{
    int count = 0;
    for (size_t i = 0; i < witness->adjustments.count; i++) {
        const struct stock_adjustment *line = witness->adjustments.items[i];
        count += str_eq(line->reason, call->message_id);
    }
    return count;
}

/* What a call that was done has done; one that was refused, or is unknown, has done none of it. */
static const struct effect {
    const char *operation;
    const char *what;
    int (*count)(const struct witness *witness, const struct call *call);
    int least, most;
} effects[] = {
    {"cart.item.add", "changes of the cart", cart_updates, 1, 1},
    {"cart.item.update", "changes of the cart", cart_updates, 1, 1},
    {"cart.item.remove", "changes of the cart", cart_updates, 1, 1},
    {"cart.clear", "changes of the cart", cart_updates, 0, 1},
    {"order.place", "orders placed", orders_placed, 1, 1},
    {"order.place", "steps of an order", order_steps, 1, 1},
    {"order.cancel", "changes of status", status_changes, 1, 1},
    {"order.cancel", "cancellations", cancellations, 1, 1},
    {"order.cancel", "steps of an order", order_steps, 1, 1},
    {"order.status.set", "changes of status", status_changes, 1, 1},
    {"order.status.set", "steps of an order", order_steps, 1, 1},
    {"inventory.adjust", "lines of the ledger", ledger_lines, 1, 1},
    {"product.update", "changes of the product", product_updates, 1, 1},
};

static void check_effects(const struct witness *witness, const struct call *call, bool done)
{
    for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
        const struct effect *effect = &effects[i];
        if (strcmp(effect->operation, call->operation) != 0)
            continue;
        const int count = effect->count(witness, call);
        if (count < (done ? effect->least : 0) || count > (done ? effect->most : 0))
            sim_fail(witness->sim, "%s %.*s %s and has caused %d %s", call->operation,
                     STR_FMT(call->message_id), done ? "was done" : "was not done", count,
                     effect->what);
    }
}

static void check_call(const struct witness *witness, const struct call *call)
{
    struct sim *sim = witness->sim;
    if (call_is_query(call))
        return;
    const struct journal_reply *decided = call_decision(sim, call);
    const bool is_told = call->replies > 0 && !is_turned_away(call, call->status);
    if (is_told && !decided)
        sim_fail(sim, "%s %.*s was answered %d and is not in the journal", call->operation,
                 STR_FMT(call->message_id), call->status);
    if (is_told && decided &&
        (decided->status != call->status || !str_eq(decided->body, call->reply)))
        sim_fail(sim, "%s %.*s was answered %d %.*s, the journal has %d %.*s", call->operation,
                 STR_FMT(call->message_id), call->status, STR_FMT(call->reply), decided->status,
                 STR_FMT(decided->body));
    if (call->late_in_the_end && decided)
        sim_fail(sim, "%s %.*s was decided in time, and is told that it was not", call->operation,
                 STR_FMT(call->message_id));
    check_effects(witness, call, decided && decided->status < 300);
}

/* --- what was ordered -------------------------------------------------------------------------------- */

static const struct order *order_of(const struct witness *witness, const struct call *call)
{
    for (size_t i = 0; i < witness->orders.count; i++) {
        const struct order *order = witness->orders.items[i];
        if (str_eq(order->history.items[0].note, call->message_id))
            return order;
    }
    return NULL;
}

/* That the product was on sale at this price, at version `since` or later. */
static bool was_offered(const struct witness *witness, const struct good *good, int64_t price,
                        int64_t since)
{
    if (since <= 1 && price == good->price.amount)
        return true;
    for (size_t i = 0; i < witness->count; i++) {
        const struct told *told = &witness->told[i];
        if (str_eq(told->event->routing_key, STR("product.updated")) &&
            str_eq(told->subject, good->id) && told->version >= since && told->price == price &&
            str_eq(told->status, STR("published")))
            return true;
    }
    return false;
}

static int good_of(const struct sim *sim, struct str product_id)
{
    int i = 0;
    while (!str_eq(sim->goods[i].id, product_id))
        i++;
    return i;
}

/* Nobody pays a price, or buys a thing, that was no more when somebody had been told so before the
 * order was asked for. */
static void check_prices(const struct witness *witness, const struct call *call)
{
    const struct order *order =
        strcmp(call->operation, "order.place") == 0 ? order_of(witness, call) : NULL;
    for (size_t i = 0; order && i < order->items.count; i++) {
        const struct order_line *line = &order->items.items[i];
        const int at = good_of(witness->sim, line->product_id);
        const struct good *good = &witness->sim->goods[at];
        if (!was_offered(witness, good, line->unit_price.amount, call->told_versions[at]))
            sim_fail(witness->sim,
                     "%.*s sold %.*s at %" PRId64 ", which was no offer from version %" PRId64
                     " on, known before",
                     STR_FMT(call->message_id), STR_FMT(line->sku), line->unit_price.amount,
                     call->told_versions[at]);
    }
}

void check_history(struct sim *sim)
{
    const struct witness witness = witness_of(sim);
    for (const struct call *call = sim->history.first; call; call = call->next) {
        check_call(&witness, call);
        check_prices(&witness, call);
        if (call->must_be_answered && call->replies == 0)
            sim_fail(sim, "%s %.*s was never answered although nothing was wrong any more",
                     call->operation, STR_FMT(call->message_id));
    }
}

/* --- events ------------------------------------------------------------------------------------------- */

static void check_heard(const struct witness *witness, const struct delivery *heard)
{
    struct sim *sim = witness->sim;
    struct told *told = map_get(&witness->by_id, heard->message_id);
    if (!told)
        sim_fail(sim, "%.*s %.*s was published and is not in the journal",
                 STR_FMT(heard->routing_key), STR_FMT(heard->message_id));
    else if (!str_eq(told->event->routing_key, heard->routing_key) ||
             !str_eq(told->event->body, heard->body))
        sim_fail(sim, "%.*s %.*s was published differently from the journal",
                 STR_FMT(heard->routing_key), STR_FMT(heard->message_id));
    else
        told->heard = true;
}

/* How many events of a type and subject there are, and how many of one version. */
static int count_told(const struct witness *witness, const char *type, struct str subject,
                      int64_t version)
{
    int count = 0;
    for (size_t i = 0; i < witness->count; i++) {
        const struct told *told = &witness->told[i];
        count += str_eq(told->event->routing_key, str_of(type)) && str_eq(told->subject, subject) &&
                 (version == 0 || told->version == version);
    }
    return count;
}

static void check_order_events(const struct witness *witness, const struct order *order)
{
    struct sim *sim = witness->sim;
    const struct str id = order->head.id;
    if (count_told(witness, "order.placed", id, 1) != 1 ||
        count_told(witness, "order.placed", id, 0) != 1)
        sim_fail(sim, "order %.*s was not announced exactly once", STR_FMT(id));
    for (int64_t version = 2; version <= order->head.version; version++)
        if (count_told(witness, "order.status_changed", id, version) != 1)
            sim_fail(sim, "order %.*s: no single event tells version %" PRId64, STR_FMT(id),
                     version);
    if (count_told(witness, "order.status_changed", id, 0) != order->head.version - 1)
        sim_fail(sim, "order %.*s: more changes of status are told than there were", STR_FMT(id));
}

static int orders_of(const struct witness *witness, struct str user)
{
    int count = 0;
    for (size_t i = 0; i < witness->orders.count; i++)
        count += str_eq(((const struct order *)witness->orders.items[i])->user_id, user);
    return count;
}

/* Each version was made by one change of the cart, or by one order. */
static void check_cart_events(const struct witness *witness, const struct cart *cart)
{
    struct sim *sim = witness->sim;
    const struct str id = cart->head.id;
    for (int64_t version = 1; version <= cart->head.version; version++)
        if (count_told(witness, "cart.updated", id, version) > 1)
            sim_fail(sim, "cart %.*s: version %" PRId64 " is told twice", STR_FMT(id), version);
    const int updates = count_told(witness, "cart.updated", id, 0);
    const int orders = orders_of(witness, id);
    if (updates + orders != cart->head.version)
        sim_fail(sim, "cart %.*s: version %" PRId64 " after %d changes and %d orders", STR_FMT(id),
                 cart->head.version, updates, orders);
}

static const struct told *told_version(const struct witness *witness, const char *type,
                                       struct str subject, int64_t version)
{
    for (size_t i = 0; i < witness->count; i++) {
        const struct told *told = &witness->told[i];
        if (str_eq(told->event->routing_key, str_of(type)) && str_eq(told->subject, subject) &&
            told->version == version)
            return told;
    }
    return NULL;
}

/* What changed a partitioned cart did so in the order in which it reached the queue. */
static void check_cart_order(const struct witness *witness, const struct cart *cart)
{
    struct sim *sim = witness->sim;
    const struct call *last = NULL;
    for (int64_t version = 1; version <= cart->head.version; version++) {
        const struct told *told = told_version(witness, "cart.updated", cart->head.id, version);
        const struct call *call = told ? client_call(sim, told->cause) : NULL;
        if (!call || call->lost_place)
            continue;
        if (last && call->arrived < last->arrived)
            sim_fail(sim, "cart %.*s: %.*s came before %.*s and was done after it",
                     STR_FMT(cart->head.id), STR_FMT(call->message_id), STR_FMT(last->message_id));
        last = call;
    }
}

/* The version at which what is in stock last changed: another offer changes nothing of it. */
static int64_t last_move(const struct witness *witness, const struct stock *stock)
{
    int64_t last = 0;
    for (size_t i = 0; i < witness->ledger.count; i++) {
        const struct ledger_page *page = witness->ledger.items[i];
        for (size_t k = 0; k < page->entries.count; k++) {
            const struct stock_movement *movement = ledger_entry(&stock_ledger, page, k);
            if (str_eq(movement->sku, stock->head.id) && movement->move != STOCK_OFFER &&
                movement->version > last)
                last = movement->version;
        }
    }
    return last;
}

/* The last state of a stock that changed is told; each state once. */
static void check_stock_events(const struct witness *witness, const struct stock *stock)
{
    struct sim *sim = witness->sim;
    const struct str id = stock->product_id;
    const int64_t last = last_move(witness, stock);
    if (last > 1 && count_told(witness, "stock.changed", id, last) != 1)
        sim_fail(sim, "stock of %.*s: version %" PRId64 " is not told once", STR_FMT(id), last);
    for (int64_t version = 2; version < stock->head.version; version++)
        if (count_told(witness, "stock.changed", id, version) > 1)
            sim_fail(sim, "stock of %.*s: version %" PRId64 " is told twice", STR_FMT(id), version);
}

static const struct told *told_by_id(const struct witness *witness, struct str id)
{
    return map_get(&witness->by_id, id);
}

/* Events about orders of a user that nobody could take up. */
static int64_t poisoned_events(const struct witness *witness, const struct order *order)
{
    int64_t count = 0;
    for (const struct poison *poison = witness->sim->poisons; poison; poison = poison->next) {
        const struct told *told = told_by_id(witness, poison->message_id);
        count += told && str_eq(told->subject, order->head.id);
    }
    return count;
}

/* Everything that happened to an order was told to its customer once. */
static void check_told_customer(const struct witness *witness, struct str user)
{
    int64_t events = 0;
    int64_t told = 0;
    for (size_t i = 0; i < witness->orders.count; i++) {
        const struct order *order = witness->orders.items[i];
        if (str_eq(order->user_id, user))
            events += order->head.version - poisoned_events(witness, order);
    }
    for (size_t i = 0; i < witness->inboxes.count; i++) {
        const struct inbox *inbox = witness->inboxes.items[i];
        told += str_eq(inbox->head.id, user) ? inbox->last_seq : 0;
    }
    if (told != events)
        sim_fail(witness->sim, "%.*s was told %" PRId64 " times of %" PRId64 " events",
                 STR_FMT(user), told, events);
}

static void check_told_all(const struct witness *witness)
{
    for (size_t i = 0; i < witness->count; i++)
        if (!witness->told[i].heard)
            sim_fail(witness->sim, "%.*s %.*s was never published",
                     STR_FMT(witness->told[i].event->routing_key),
                     STR_FMT(witness->told[i].event->id));
}

void check_events(struct sim *sim)
{
    const struct witness witness = witness_of(sim);
    for (size_t i = 0; i < sim->heard_count; i++)
        check_heard(&witness, sim->heard[i]);
    check_told_all(&witness);
    for (size_t i = 0; i < witness.orders.count; i++)
        check_order_events(&witness, witness.orders.items[i]);
    const struct doc_list carts = sim_load(sim, &cart_type);
    for (size_t i = 0; i < carts.count; i++)
        check_cart_events(&witness, carts.items[i]);
    for (size_t i = 0; i < carts.count && sim->plan.partitioned; i++)
        check_cart_order(&witness, carts.items[i]);
    const struct doc_list stocks = sim_load(sim, &stock_type);
    for (size_t i = 0; i < stocks.count; i++)
        check_stock_events(&witness, stocks.items[i]);
    /* A dead letter may be an event that nobody took up; which ones poison has is known. */
    for (int i = 0; i < sim->plan.users && !sim->may_bury; i++)
        check_told_customer(&witness, sim->users[i].id);
}

/* --- quiet --------------------------------------------------------------------------------------------- */

void check_quiet(struct sim *sim)
{
    const struct bus_topology *topology = &sim->premises->topology;
    for (size_t i = 0; i < topology->queue_count; i++) {
        const struct str name = topology->queues[i].name;
        const size_t depth = bus_fake_depth(sim->broker, name);
        if (depth > 0)
            sim_fail(sim, "%zu messages are left in %.*s", depth, STR_FMT(name));
    }
    if (bus_fake_unacked(sim->broker) > 0)
        sim_fail(sim, "%zu messages are not acknowledged", bus_fake_unacked(sim->broker));
    const size_t leases = lock_fake_held(sim->redis);
    if (leases > (lock_fake_is_held(sim->redis, STR("relay")) ? 1 : 0))
        sim_fail(sim, "%zu leases are left", leases);
}
