/* test_store_fake.c - the fake keeps the promises that the flow scripts rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "fakes/store_fake.h"
#include "term_cases.h"

struct rig {
    struct arena arena;
    struct store *store;
    struct err err;
};

static struct rig *rig_open(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    arena_init(&rig->arena, 4096);
    rig->store = store_fake_open(test_types, COUNT(test_types));
    return rig;
}

static void rig_close(struct rig *rig)
{
    store_close(rig->store);
    arena_release(&rig->arena);
    free(rig);
}

static struct str id_of(struct rig *rig, unsigned n)
{
    return str_printf(&rig->arena, "%024x", n);
}

static struct commit commit_of(struct rig *rig, unsigned id, const struct write *writes,
                               size_t count, const char *key, size_t events)
{
    struct journal_reply *reply = ARENA_NEW(&rig->arena, struct journal_reply);
    struct journal_event *event = arena_array(&rig->arena, events, sizeof(*event));
    memcpy(reply->key.bytes, key, strlen(key));
    reply->status = 200;
    reply->body = str_of(key);
    for (size_t i = 0; i < events; i++)
        event[i].id = STR("ev");
    return (struct commit){id_of(rig, id), 5000, writes, count, reply, 1, event, events};
}

static enum outcome commit_one(struct rig *rig, unsigned id, enum write_kind kind,
                               const struct doc_type *type, const void *doc, int64_t base)
{
    const struct write write = {kind, type, doc, base};
    const struct str key = str_printf(&rig->arena, "key-%u", id);
    const struct commit commit = commit_of(rig, id, &write, 1, key.ptr, 0);
    return store_commit(rig->store, &commit, &rig->err);
}

static int64_t on_hand(struct rig *rig)
{
    const struct stock *stock = store_fake_get(rig->store, &stock_type, STR("MUG"));
    return stock ? stock->on_hand : -1;
}

void test_store_fake__versions_are_guarded(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct {
        enum write_kind kind;
        int64_t base, version, number;
        enum outcome outcome;
        int64_t after;
    } rows[] = {
        {WRITE_REPLACE, 1, 2, 9, OUTCOME_CONFLICT, -1},
        {WRITE_INSERT, 0, 1, 10, OUTCOME_DONE, 10},
        {WRITE_INSERT, 0, 1, 11, OUTCOME_CONFLICT, 10},
        {WRITE_REPLACE, 2, 3, 9, OUTCOME_CONFLICT, 10},
        {WRITE_REPLACE, 1, 2, 9, OUTCOME_DONE, 9},
        {WRITE_CHECK, 1, 2, 0, OUTCOME_CONFLICT, 9},
        {WRITE_CHECK, 2, 2, 0, OUTCOME_DONE, 9},
        {WRITE_DELETE, 1, 2, 0, OUTCOME_CONFLICT, 9},
        {WRITE_DELETE, 2, 2, 0, OUTCOME_DONE, -1},
        {WRITE_INSERT, 0, 1, 3, OUTCOME_DONE, 3},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stock *stock = new_stock(&rig->arena, STR("MUG"), rows[i].number);
        stock->head.version = rows[i].version;
        const enum outcome outcome =
            commit_one(rig, (unsigned)i, rows[i].kind, &stock_type, stock, rows[i].base);
        if (outcome != rows[i].outcome || on_hand(rig) != rows[i].after)
            fail_msg("row %zu: %s, %lld", i, outcome_name(outcome), (long long)on_hand(rig));
    }
    assert_int_equal(store_fake_commits(rig->store), 5);
    rig_close(rig);
}

void test_store_fake__a_commit_is_all_or_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    store_fake_put(rig->store, &stock_type, new_stock(&rig->arena, STR("MUG"), 10));
    struct stock *less = new_stock(&rig->arena, STR("MUG"), 9);
    less->head.version = 2;
    const struct write writes[] = {
        {WRITE_REPLACE, &stock_type, less, 1},
        {WRITE_INSERT, &thing_type, new_thing(&rig->arena, id_of(rig, 1), STR("A")), 0},
        {WRITE_REPLACE, &stock_type, new_stock(&rig->arena, STR("NONE"), 1), 1},
    };
    const struct commit bad = commit_of(rig, 1, writes, 3, "k", 0);
    assert_int_equal(store_commit(rig->store, &bad, &rig->err), OUTCOME_CONFLICT);
    assert_int_equal(on_hand(rig), 10);
    assert_int_equal(store_fake_count(rig->store, &thing_type), 0);
    const struct commit good = commit_of(rig, 1, writes, 2, "k", 0);
    assert_int_equal(store_commit(rig->store, &good, &rig->err), OUTCOME_DONE);
    const struct commit repeat = commit_of(rig, 2, NULL, 0, "k", 0);
    assert_int_equal(store_commit(rig->store, &repeat, &rig->err), OUTCOME_CONFLICT);
    assert_int_equal(store_fake_count(rig->store, &thing_type), 1);
    rig_close(rig);
}

static enum outcome rehearse_one(struct rig *rig, unsigned id, enum write_kind kind,
                                 const struct doc_type *type, const void *doc, int64_t base,
                                 const char *key)
{
    const struct write write = {kind, type, doc, base};
    const struct commit commit = commit_of(rig, id, &write, 1, key, 1);
    return store_rehearse(rig->store, &commit, &rig->err);
}

void test_store_fake__a_rehearsal_asks_everything_and_leaves_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct thing *other = new_thing(&rig->arena, id_of(rig, 1), STR("A"));
    struct thing *clash = new_thing(&rig->arena, id_of(rig, 2), STR("B"));
    clash->sku = other->sku;
    struct stock *less = new_stock(&rig->arena, STR("MUG"), 9);
    less->head.version = 2;
    store_fake_put(rig->store, &stock_type, new_stock(&rig->arena, STR("MUG"), 10));
    store_fake_put(rig->store, &thing_type, other);
    const struct commit known = commit_of(rig, 9, NULL, 0, "known", 0);
    assert_int_equal(store_commit(rig->store, &known, &rig->err), OUTCOME_DONE);
    const struct {
        enum write_kind kind;
        const struct doc_type *type;
        const void *doc;
        int64_t base;
        const char *key;
        enum outcome outcome;
    } rows[] = {
        {WRITE_REPLACE, &stock_type, less, 1, "new", OUTCOME_DONE},
        {WRITE_REPLACE, &stock_type, less, 2, "new", OUTCOME_CONFLICT},
        {WRITE_INSERT, &thing_type, clash, 0, "new", OUTCOME_CONFLICT},
        {WRITE_REPLACE, &stock_type, less, 1, "known", OUTCOME_CONFLICT},
        {WRITE_REPLACE, &stock_type, less, 1, "new", OUTCOME_DONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const enum outcome outcome = rehearse_one(rig, (unsigned)i, rows[i].kind, rows[i].type,
                                                  rows[i].doc, rows[i].base, rows[i].key);
        if (outcome != rows[i].outcome || on_hand(rig) != 10)
            fail_msg("row %zu: %s, %lld", i, outcome_name(outcome), (long long)on_hand(rig));
    }
    assert_int_equal(store_fake_count(rig->store, &thing_type), 1);
    assert_int_equal(store_fake_commits(rig->store), 1);
    rig_close(rig);
}

void test_store_fake__documents_are_its_own(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct thing *thing = new_thing(&rig->arena, id_of(rig, 1), STR("A"));
    char *name = arena_copy(&rig->arena, "Mug", 4);
    thing->name = (struct str){name, 3};
    assert_int_equal(commit_one(rig, 1, WRITE_INSERT, &thing_type, thing, 0), OUTCOME_DONE);
    name[0] = 'X';
    thing->lines.items[0].quantity = 99;
    const struct thing *kept = store_fake_get(rig->store, &thing_type, id_of(rig, 1));
    assert_string_equal(kept->name.ptr, "Mug");
    assert_int_equal(kept->lines.items[0].quantity, 2);
    rig_close(rig);
}

void test_store_fake__unique_indexes_hold(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct {
        const char *sku, *email;
        enum outcome outcome;
    } rows[] = {
        {"A", NULL, OUTCOME_DONE},        {"A", NULL, OUTCOME_CONFLICT},
        {"B", NULL, OUTCOME_DONE},        {"C", "x@y.z", OUTCOME_DONE},
        {"D", "x@y.z", OUTCOME_CONFLICT}, {"D", "other", OUTCOME_DONE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct thing *thing = new_thing(&rig->arena, id_of(rig, (unsigned)i), str_of(rows[i].sku));
        thing->email = str_of(rows[i].email);
        const enum outcome outcome =
            commit_one(rig, (unsigned)i, WRITE_INSERT, &thing_type, thing, 0);
        if (outcome != rows[i].outcome)
            fail_msg("row %zu: %s", i, outcome_name(outcome));
    }
    rig_close(rig);
}

static void put_things(struct rig *rig)
{
    for (unsigned i = 0; i < 5; i++) {
        struct thing *thing =
            new_thing(&rig->arena, id_of(rig, i), str_printf(&rig->arena, "SKU-%u", i));
        thing->price.amount = (int64_t)(i / 2) * 100;
        thing->state = i == 4 ? DRAFT : PUBLISHED;
        thing->name = i % 2 ? STR("Red Plate") : STR("Blue Mug");
        thing->tags.count = 0;
        if (i == 3)
            thing->parent_id = STR_ABSENT;
        store_fake_put(rig->store, &thing_type, thing);
    }
}

void test_store_fake__query_filters_by_kind(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_things(rig);
    for (size_t i = 0; i < COUNT(term_cases); i++) {
        const struct query query = term_query(&term_cases[i]);
        struct query_page page;
        assert_int_equal(store_query(rig->store, &rig->arena, &query, &page, &rig->err),
                         OUTCOME_DONE);
        if (page.total != term_cases[i].total)
            fail_msg("row %zu: %lld", i, (long long)page.total);
    }
    rig_close(rig);
}

static struct query by_price(void)
{
    struct query query = query_of(&thing_type);
    query_sort(&query, "price.amount", -1);
    query.limit = 2;
    return query;
}

void test_store_fake__query_pages_are_stable(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_things(rig);
    struct query query = by_price();
    query.with_total = true;
    const char *const expected[] = {"SKU-4", "SKU-2", "SKU-3", "SKU-0", "SKU-1"};
    for (size_t at = 0; at < 5; query.skip = (int64_t)at) {
        struct query_page page;
        assert_int_equal(store_query(rig->store, &rig->arena, &query, &page, &rig->err),
                         OUTCOME_DONE);
        assert_int_equal(page.total, 5);
        assert_int_equal(page.docs.count, at < 4 ? 2 : 1);
        for (size_t i = 0; i < page.docs.count; i++)
            assert_string_equal(((const struct thing *)page.docs.items[i])->sku.ptr,
                                expected[at++]);
    }
    struct query_page page;
    /* Keyset pages: what comes behind the last one, until nothing does. */
    struct query behind = by_price();
    size_t seen = 0;
    query_sort(&behind, "id", 1);
    for (page.docs.count = 2; page.docs.count == 2;) {
        assert_int_equal(store_query(rig->store, &rig->arena, &behind, &page, &rig->err),
                         OUTCOME_DONE);
        for (size_t i = 0; i < page.docs.count; i++)
            assert_string_equal(((const struct thing *)page.docs.items[i])->sku.ptr,
                                expected[seen++]);
        if (page.docs.count > 0)
            query_go_on(&behind, page.docs.items[page.docs.count - 1]);
    }
    assert_int_equal(seen, 5);
    rig_close(rig);
}

void test_store_fake__alternatives_are_ranked(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    for (unsigned i = 0; i < 5; i++)
        store_fake_put(rig->store, &thing_type, tagged_thing(&rig->arena, id_of(rig, i), i));
    const struct query_match blue[] = {{"tags", false, STR("blue"), 4},
                                       {"tags", false, STR("$red"), 4}};
    const struct query_match begun[] = {{"tags", true, STR("kit"), 2},
                                        {"owners", false, STR("bbbbbbbbbbbbbbbbbbbbbbbb"), 3},
                                        {"sku", false, STR("SKU-2"), 7}};
    struct query ranked = query_of(&thing_type);
    query_any(&ranked, blue, COUNT(blue));
    query_any(&ranked, begun, COUNT(begun));
    query_by_relevance(&ranked);
    query_sort(&ranked, "id", 1);
    ranked.limit = 10;
    ranked.with_total = true;
    /* 0: blue and kitchen, 2: $red, and the SKU; 4: blue and an owner. 1 and 3 lack one of both. */
    const char *const expected[] = {"SKU-2", "SKU-4", "SKU-0"};
    struct query_page page;
    assert_int_equal(store_query(rig->store, &rig->arena, &ranked, &page, &rig->err), OUTCOME_DONE);
    assert_int_equal(page.total, 3);
    for (size_t i = 0; i < page.docs.count; i++)
        assert_string_equal(((const struct thing *)page.docs.items[i])->sku.ptr, expected[i]);
    ranked.skip = 1;
    ranked.limit = 1;
    assert_int_equal(store_query(rig->store, &rig->arena, &ranked, &page, &rig->err), OUTCOME_DONE);
    assert_int_equal(page.total, 3);
    assert_int_equal(page.docs.count, 1);
    assert_string_equal(((const struct thing *)page.docs.items[0])->sku.ptr, "SKU-4");
    query_any(&ranked, NULL, 0); /* nothing satisfies it */
    ranked.skip = 0;
    assert_int_equal(store_query(rig->store, &rig->arena, &ranked, &page, &rig->err), OUTCOME_DONE);
    assert_int_equal(page.total, 0);
    rig_close(rig);
}

void test_store_fake__finds_by_id_and_unique_field(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_things(rig);
    const struct str ids[] = {id_of(rig, 1), id_of(rig, 9), STR("no id"), id_of(rig, 1)};
    const struct str skus[] = {STR("SKU-1"), STR("SKU-2"), STR("none")};
    struct store_find by_id = {.type = &thing_type, .path = "id", .values = ids, .count = 4};
    struct store_find by_sku = {.type = &thing_type, .path = "sku", .values = skus, .count = 3};
    assert_int_equal(store_find(rig->store, &rig->arena, &by_id, &rig->err), OUTCOME_DONE);
    assert_int_equal(by_id.found.count, 1);
    assert_int_equal(store_find(rig->store, &rig->arena, &by_sku, &rig->err), OUTCOME_DONE);
    assert_int_equal(by_sku.found.count, 2);
    rig_close(rig);
}

void test_store_fake__journal_and_outbox(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct commit loud = commit_of(rig, 1, NULL, 0, "loud", 2);
    const struct commit silent = commit_of(rig, 2, NULL, 0, "silent", 0);
    assert_int_equal(store_commit(rig->store, &loud, &rig->err), OUTCOME_DONE);
    assert_int_equal(store_commit(rig->store, &silent, &rig->err), OUTCOME_DONE);
    const struct journal_key keys[] = {{"silent"}, {"nobody"}};
    struct journal_reply *replies = NULL;
    struct journal_entry *entries = NULL;
    size_t count = 0;
    assert_int_equal(
        store_journal_find(rig->store, &rig->arena, keys, 2, &replies, &count, &rig->err),
        OUTCOME_DONE);
    assert_int_equal(count, 1);
    assert_string_equal(replies[0].body.ptr, "silent");
    const struct {
        int64_t now;
        size_t count;
    } rows[] = {{5999, 0}, {6000, 1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        store_fake_set_now(rig->store, rows[i].now);
        assert_int_equal(
            store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 1000, 9, &entries, &count, &rig->err),
            OUTCOME_DONE);
        assert_int_equal(count, rows[i].count);
    }
    assert_int_equal(entries[0].event_count, 2);
    for (int64_t pause = 1000; pause <= 4000; pause += pause < 2000 ? 1000 : 2000) {
        assert_int_equal(store_put_off(rig->store, &loud.id, 1, 1000, 4000, &rig->err),
                         OUTCOME_DONE);
        store_fake_set_now(rig->store, rows[1].now + pause - 1);
        assert_int_equal(
            store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 1000, 9, &entries, &count, &rig->err),
            OUTCOME_DONE);
        assert_int_equal(count, 0);
        store_fake_set_now(rig->store, rows[1].now);
    }
    store_fake_set_now(rig->store, rows[1].now + 4000);
    assert_int_equal(store_mark_published(rig->store, &loud.id, 1, &rig->err), OUTCOME_DONE);
    assert_int_equal(
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 9, &entries, &count, &rig->err),
        OUTCOME_DONE);
    assert_int_equal(count, 0);
    rig_close(rig);
}

/* Entry n has n events, but for the fifth, which has none; the third is older than the others. */
static void put_entries(struct rig *rig)
{
    static const unsigned order[] = {4, 2, 5, 1, 3};
    for (size_t i = 0; i < COUNT(order); i++) {
        const struct str key = str_printf(&rig->arena, "key-%u", order[i]);
        struct commit commit =
            commit_of(rig, order[i], NULL, 0, key.ptr, order[i] == 5 ? 0 : order[i]);
        commit.now = order[i] == 3 ? 4999 : 5000 + (int64_t)i;
        assert_int_equal(store_commit(rig->store, &commit, &rig->err), OUTCOME_DONE);
    }
}

/* In pages of two, each behind the last entry of the page before. */
static void assert_scan(struct rig *rig, const bool published[6])
{
    static const unsigned expected[] = {1, 2, 4, 5};
    struct str after = STR_ABSENT;
    for (size_t page = 0; page < 3; page++) {
        struct journal_entry *entries = NULL;
        size_t count = 0;
        assert_int_equal(store_journal_scan(rig->store, &rig->arena, 5000, after, 2, &entries,
                                            &count, &rig->err),
                         OUTCOME_DONE);
        assert_int_equal(count, page < 2 ? 2 : 0);
        for (size_t i = 0; i < count; i++) {
            const unsigned n = expected[page * 2 + i];
            after = entries[i].id;
            assert_string_equal(after.ptr, id_of(rig, n).ptr);
            assert_int_equal(entries[i].published, published[n]);
            assert_int_equal(entries[i].event_count, n == 5 ? 0 : n);
            for (size_t j = 0; j < entries[i].event_count; j++)
                assert_string_equal(entries[i].events[j].id.ptr, "ev");
        }
    }
}

void test_store_fake__the_journal_is_scanned_page_by_page(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    bool published[6] = {[5] = true}; /* there was nothing to publish */
    struct journal_entry *entries = NULL;
    size_t count = 0;
    put_entries(rig);
    assert_scan(rig, published);
    const struct str ids[] = {id_of(rig, 2), id_of(rig, 4)};
    assert_int_equal(store_mark_published(rig->store, ids, 2, &rig->err), OUTCOME_DONE);
    published[2] = published[4] = true;
    assert_scan(rig, published);
    assert_int_equal(store_journal_scan(rig->store, &rig->arena, 4999, id_of(rig, 2), 2, &entries,
                                        &count, &rig->err),
                     OUTCOME_DONE);
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].id.ptr, id_of(rig, 3).ptr);
    assert_int_equal(entries[0].at, 4999);
    rig_close(rig);
}

void test_store_fake__fails_on_demand(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct str id = STR("MUG");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
    store_fake_fail(rig->store, STORE_FAKE_FIND, 2, OUTCOME_RETRY, false);
    const enum outcome expected[] = {OUTCOME_DONE, OUTCOME_RETRY, OUTCOME_DONE};
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(store_find(rig->store, &rig->arena, &find, &rig->err), expected[i]);
    for (int applied = 0; applied < 2; applied++) {
        const struct str key = str_printf(&rig->arena, "key-%d", applied);
        const struct commit commit = commit_of(rig, 10 + (unsigned)applied, NULL, 0, key.ptr, 0);
        store_fake_fail(rig->store, STORE_FAKE_COMMIT, 1, OUTCOME_UNCERTAIN, applied);
        assert_int_equal(store_commit(rig->store, &commit, &rig->err), OUTCOME_UNCERTAIN);
        assert_int_equal(store_resolve(rig->store, &commit, &rig->err),
                         applied ? OUTCOME_DONE : OUTCOME_CONFLICT);
    }
    rig_close(rig);
}

/* --- commits step by step, by several handles ------------------------------------------------------- */

struct pair {
    struct rig *rig;
    struct store *other;
    struct write writes[2]; /* one for each, of the same document */
    struct commit mine, theirs;
};

static struct pair pair_open(void)
{
    struct rig *rig = rig_open();
    struct pair pair = {.rig = rig, .other = store_fake_join(rig->store)};
    store_fake_put(rig->store, &stock_type, new_stock(&rig->arena, STR("MUG"), 10));
    for (int i = 0; i < 2; i++) {
        struct stock *stock = new_stock(&rig->arena, STR("MUG"), 8 + i);
        stock->head.version = 2;
        pair.writes[i] = (struct write){WRITE_REPLACE, &stock_type, stock, 1};
    }
    return pair;
}

static void pair_begin(struct pair *pair)
{
    pair->mine = commit_of(pair->rig, 1, &pair->writes[0], 1, "mine", 0);
    pair->theirs = commit_of(pair->rig, 2, &pair->writes[1], 1, "theirs", 0);
    store_commit_begin(pair->rig->store, &pair->mine);
    store_commit_begin(pair->other, &pair->theirs);
}

static void pair_close(struct pair *pair)
{
    store_close(pair->other);
    rig_close(pair->rig);
}

void test_store_fake__an_open_transaction_is_in_the_way(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct err err = {0};
    pair_begin(&pair);
    store_fake_send_writes(pair.rig->store);
    assert_true(store_fake_is_open(pair.rig->store));
    assert_int_equal(on_hand(pair.rig), 10);
    store_fake_send_writes(pair.other);
    assert_false(store_fake_is_open(pair.other));
    assert_int_equal(store_commit_end(pair.other, &err), OUTCOME_CONFLICT);
    store_fake_carry_out(pair.rig->store);
    assert_int_equal(on_hand(pair.rig), 8);
    assert_int_equal(store_commit_end(pair.rig->store, &err), OUTCOME_DONE);
    pair_close(&pair);
}

void test_store_fake__a_killed_transaction_is_out_of_the_way(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct err err = {0};
    uint8_t session[STORE_SESSION_BYTES];
    pair_begin(&pair);
    store_fake_send_writes(pair.rig->store);
    store_session(pair.rig->store, session);
    assert_int_equal(store_kill_session(pair.other, session, &err), OUTCOME_DONE);
    assert_int_equal(store_commit_end(pair.other, &err), OUTCOME_DONE);
    assert_int_equal(on_hand(pair.rig), 9);
    store_fake_carry_out(pair.rig->store);
    assert_int_equal(on_hand(pair.rig), 9);
    assert_int_equal(store_commit_end(pair.rig->store, &err), OUTCOME_CONFLICT);
    pair_close(&pair);
}

void test_store_fake__a_message_is_journalled_by_one_of_two(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct err err = {0};
    pair.mine = commit_of(pair.rig, 1, NULL, 0, "same", 0);
    pair.theirs = commit_of(pair.rig, 2, NULL, 0, "same", 0);
    store_commit_begin(pair.rig->store, &pair.mine);
    store_commit_begin(pair.other, &pair.theirs);
    store_fake_send_writes(pair.rig->store);
    assert_int_equal(store_commit_end(pair.other, &err), OUTCOME_CONFLICT);
    assert_int_equal(store_commit_end(pair.rig->store, &err), OUTCOME_DONE);
    pair_close(&pair);
}

void test_store_fake__resolving_ends_what_is_under_way(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct err err = {0};
    pair_begin(&pair);
    store_fake_send_writes(pair.rig->store);
    assert_int_equal(store_resolve(pair.rig->store, &pair.mine, &err), OUTCOME_CONFLICT);
    store_fake_carry_out(pair.other);
    assert_int_equal(store_resolve(pair.other, &pair.theirs, &err), OUTCOME_DONE);
    assert_int_equal(on_hand(pair.rig), 9);
    pair_close(&pair);
}
