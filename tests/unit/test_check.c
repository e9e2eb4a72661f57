/* What the checker says of the journal, the outbox, leases and transactions; and that little memory
 * only makes it slower. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "check_case.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "inventory/invariants.h"
#include "inventory/stock.h"

#define NOW_MS  1763651045123 /* 2025-11-20T15:04:05.123Z */
#define ENTRY_1 "000000000000000000000001"
#define ENTRY_2 "000000000000000000000002"
#define EVENT                                                                                      \
    {                                                                                              \
        STR("ev1"), STR("t.events"), STR("note.written"), STR("{}"), STR_ABSENT                    \
    }

static const struct doc_type *const types[] = {&stock_type, &stock_ledger, NULL};
static const struct domain *const no_domains[] = {NULL};
static const struct service nothing = {.domains = no_domains, .types = types};

struct rig {
    struct arena arena;
    struct store *store;
    struct lock *lock;
    struct check_case check;
};

static void open_rig(struct rig *rig)
{
    arena_init(&rig->arena, 1 << 16);
    rig->store = store_fake_open(types, 2);
    rig->lock = lock_fake_open();
    store_fake_set_now(rig->store, NOW_MS);
    rig->check = (struct check_case){
        .store = rig->store, .lock = rig->lock, .service = &nothing, .arena = &rig->arena};
}

static void close_rig(struct rig *rig)
{
    store_close(rig->store);
    lock_close(rig->lock);
    arena_release(&rig->arena);
}

static void assert_found(struct rig *rig, const char *expected)
{
    const char *found = check_case_found(&rig->check);
    if (strcmp(found, expected) != 0)
        fail_msg("found:\n%sexpected:\n%s", found, expected);
}

/* An entry of now with a message of this key, or none, and these events. */
static void put_entry(struct rig *rig, const char *id, const char *key,
                      const struct journal_event *events, size_t count)
{
    struct journal_reply reply = {.body = STR("{}")};
    struct commit commit = {.id = str_of(id),
                            .now = NOW_MS,
                            .replies = &reply,
                            .reply_count = key != NULL,
                            .events = events,
                            .event_count = count};
    if (key)
        memcpy(reply.key.bytes, key, strlen(key));
    store_fake_put_entry(rig->store, &commit);
}

/* --- what cannot be read ---------------------------------------------------------------------------------- */

void test_check__what_cannot_be_read_is_found_among_many(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    for (int i = 0; i < 100; i++) {
        const struct stock stock = {
            .head = {.id = str_printf(&rig.arena, "S%03d", i), .version = 1},
            .product_id = STR(ENTRY_1)};
        store_fake_put(rig.store, &stock_type, &stock);
    }
    assert_found(&rig, "");
    store_fake_put_misfit(rig.store, &stock_type, STR("S050"), STR("field x of y is missing"));
    store_fake_put_misfit(rig.store, &stock_type, STR("S099x"), STR("is not BSON"));
    assert_found(&rig, "readable: stock S050: it cannot be read: field x of y is missing\n"
                       "readable: stock S099x: it cannot be read: is not BSON\n");
    close_rig(&rig);
}

/* Whole pages of them do not end the search. */
void test_check__pages_of_what_cannot_be_read_are_gone_through(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    for (int i = 0; i < 100; i++)
        store_fake_put_misfit(rig.store, &stock_type, str_printf(&rig.arena, "S%03d", i),
                              STR("is not BSON"));
    check_case_found(&rig.check);
    assert_int_equal(rig.check.totals.findings, 100);
    close_rig(&rig);
}

/* --- the journal ------------------------------------------------------------------------------------------ */

void test_check__one_effect_per_message(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    put_entry(&rig, ENTRY_1, "a message", NULL, 0);
    put_entry(&rig, ENTRY_2, "another", NULL, 0);
    assert_found(&rig, "");
    put_entry(&rig, "000000000000000000000003", "a message", NULL, 0);
    assert_found(&rig,
                 "journal: journal 000000000000000000000003: the message key "
                 "61206d65737361676500000000000000 stands in the entry " ENTRY_1 " as well\n");
    assert_int_equal(rig.check.totals.findings, 1);
    close_rig(&rig);
}

void test_check__no_event_twice(void **state)
{
    (void)state;
    struct rig rig;
    const struct journal_event event = EVENT;
    open_rig(&rig);
    put_entry(&rig, ENTRY_1, NULL, &event, 1);
    put_entry(&rig, ENTRY_2, NULL, &event, 1);
    assert_found(&rig, "journal: journal " ENTRY_2 ": the event ev1 stands in the entry " ENTRY_1
                       " as well\n");
    close_rig(&rig);
}

void test_check__events_are_whole(void **state)
{
    (void)state;
    struct rig rig;
    struct journal_event events[] = {EVENT, EVENT, EVENT, EVENT};
    open_rig(&rig);
    events[0].body = events[1].exchange = events[2].routing_key = events[3].id = STR("");
    events[1].id = STR("ev2");
    events[2].id = STR("ev3");
    put_entry(&rig, ENTRY_1, NULL, events, 4);
    assert_found(&rig,
                 "journal: journal " ENTRY_1 ": the event 'ev1' (note.written) is without a body\n"
                 "journal: journal " ENTRY_1
                 ": the event 'ev2' (note.written) is without an exchange\n"
                 "journal: journal " ENTRY_1 ": the event 'ev3' () is without a routing key\n"
                 "journal: journal " ENTRY_1 ": the event '' (note.written) is without an id\n");
    close_rig(&rig);
}

void test_check__events_are_published_in_time(void **state)
{
    (void)state;
    struct rig rig;
    struct err err = {0};
    const struct journal_event event = EVENT;
    const struct str id = STR(ENTRY_1);
    open_rig(&rig);
    put_entry(&rig, ENTRY_1, NULL, &event, 1);
    assert_found(&rig, "");
    store_fake_set_now(rig.store, NOW_MS + 60000);
    assert_found(&rig, "outbox: journal " ENTRY_1
                       ": events that are not published, 60 s after the commit or more: 1, first "
                       "note.written\n");
    rig.check.quiesced = true;
    assert_found(&rig, "journal: journal " ENTRY_1
                       ": events that are not published: 1, first note.written\n");
    assert_int_equal(store_mark_published(rig.store, &id, 1, &err), OUTCOME_DONE);
    assert_found(&rig, "");
    close_rig(&rig);
}

/* Many parts: the digests of 5,000 keys and events do not fit into 8 KiB. */
void test_check__little_memory_for_a_long_journal(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    rig.check.memory_max = 8192;
    for (unsigned i = 1; i <= 2500; i++) {
        const struct journal_event event = {str_printf(&rig.arena, "event-%u", i), STR("e"),
                                            STR("r"), STR("{}"), STR_ABSENT};
        put_entry(&rig, str_printf(&rig.arena, "%024x", i).ptr,
                  str_printf(&rig.arena, "key-%u", i).ptr, &event, 1);
    }
    assert_found(&rig, "");
    assert_true(rig.check.totals.documents > 10 * 2500);
    put_entry(&rig, "00000000000000000000ffff", "key-1234", NULL, 0);
    assert_found(&rig, "journal: journal 00000000000000000000ffff: the message key "
                       "6b65792d313233340000000000000000 stands in the entry "
                       "0000000000000000000004d2 as well\n");
    close_rig(&rig);
}

/* --- leases and transactions ------------------------------------------------------------------------------ */

void test_check__leases(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    lock_fake_hold(rig.lock, STR("stock:MUG"), 700);
    lock_fake_hold(rig.lock, STR("relay"), 700);
    assert_found(&rig, "");
    rig.check.quiesced = true;
    assert_found(&rig, "leases: lease stock:MUG: it is held, for another 700 ms, though nothing is "
                       "under way\n");
    lock_fake_advance(rig.lock, 700);
    lock_fake_hold(rig.lock, STR("relay"), -1);
    rig.check.quiesced = false;
    assert_found(&rig, "leases: lease relay: it would never end\n");
    rig.check.lock = NULL;
    assert_found(&rig, "");
    close_rig(&rig);
}

static enum outcome two_open(struct store *store, int64_t age_ms, int64_t *out, struct err *err)
{
    (void)store;
    (void)err;
    *out = age_ms <= 60000 ? 2 : 0;
    return OUTCOME_DONE;
}

void test_check__transactions_that_were_left_open(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig);
    struct store_ops ops = busy_ops;
    ops.open_transactions = two_open;
    struct busy_store store = {.base.ops = &ops, .inner = rig.store, .nth = -1};
    rig.check.store = &store.base;
    assert_found(&rig, "transactions: transactions: 2 are open and wait for a client, for 60000 ms "
                       "or longer\n");
    close_rig(&rig);
}

void test_check__a_server_that_is_away(void **state)
{
    (void)state;
    struct rig rig;
    struct err err = {0};
    open_rig(&rig);
    store_fake_fail(rig.store, STORE_FAKE_OUTBOX, 1, OUTCOME_RETRY, false);
    assert_int_equal(check_case_run(&rig.check, &err), OUTCOME_RETRY);
    lock_fake_set_down(rig.lock, true);
    assert_int_equal(check_case_run(&rig.check, &err), OUTCOME_RETRY);
    assert_string_equal(err.text, "the fake Redis is down");
    close_rig(&rig);
}

/* --- joins ------------------------------------------------------------------------------------------------ */

#define STOCKS 3000

static void put_stock(struct rig *rig, int i, int64_t on_hand)
{
    const struct stock stock = {.head = {.id = str_printf(&rig->arena, "S%04d", i), .version = 1},
                                .product_id = STR(ENTRY_1),
                                .on_hand = on_hand};
    store_fake_put(rig->store, &stock_type, &stock);
}

/* All begin with 5 of each; ten to a page. */
static void put_stocks(struct rig *rig)
{
    struct stock_movement movements[10];
    for (int i = 0; i < STOCKS; i++) {
        const struct stock stock = {
            .head = {.id = str_printf(&rig->arena, "S%04d", i), .version = 1}, .on_hand = 5};
        put_stock(rig, i, 5);
        movements[i % 10] = stock_movement_of(&stock, STOCK_OPEN, 5, STR(ENTRY_1));
        if (i % 10 < 9)
            continue;
        const struct ledger_page page = {{.id = str_printf(&rig->arena, "%024x", i), .version = 1},
                                         {movements, 10}};
        store_fake_put(rig->store, &stock_ledger, &page);
    }
}

void test_check__little_memory_for_many_subjects(void **state)
{
    (void)state;
    static const size_t memory[] = {0, 100000, 20000};
    static const struct invariant *const only_stock[] = {&stock_invariant, NULL};
    static const struct domain domain = {.name = "stock", .invariants = only_stock};
    static const struct domain *const domains[] = {&domain, NULL};
    static const struct service service = {.domains = domains, .types = types};
    struct rig rig;
    open_rig(&rig);
    rig.check.service = &service;
    put_stocks(&rig);
    int64_t before = 0;
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        rig.check.memory_max = memory[i];
        assert_found(&rig, "");
        assert_true(rig.check.totals.documents > before); /* in more and more passes */
        before = rig.check.totals.documents;
    }
    put_stock(&rig, 0, 4);
    put_stock(&rig, 1717, 4);
    put_stock(&rig, STOCKS - 1, 4);
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        rig.check.memory_max = memory[i];
        assert_found(&rig, "stock: stock S0000: at version 1 it has 4 on hand, 0 reserved; its 1 "
                           "movements make 5, 0\n"
                           "stock: stock S1717: at version 1 it has 4 on hand, 0 reserved; its 1 "
                           "movements make 5, 0\n"
                           "stock: stock S2999: at version 1 it has 4 on hand, 0 reserved; its 1 "
                           "movements make 5, 0\n");
    }
    close_rig(&rig);
}
