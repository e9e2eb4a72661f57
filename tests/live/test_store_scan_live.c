/* Going through everything: the fake and MongoDB give the same pages; and what is left open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/store_fake.h"
#include "store_rig.h"

/* In an order of their own, so that nobody gives them back as they came. */
static const char *const skus[] = {"b", "a", "ab",    "B",  "\xc3\xa4", "a ",
                                   "",  "~", "a\xff", "10", "9"};

static void commit_to(struct rig *rig, struct store *store, const struct commit *commit)
{
    assert_outcome(rig, OUTCOME_DONE, store_commit(store, commit, &rig->err));
}

/* The same documents and journal in both stores. */
static void fill(struct rig *rig, struct store *fake)
{
    struct write writes[COUNT(skus) + 5];
    size_t count = 0;
    for (; count < COUNT(skus); count++)
        writes[count] = (struct write){WRITE_INSERT, &stock_type,
                                       new_stock(&rig->arena, str_of(skus[count]), 1), 0};
    for (unsigned i = 0; i < 5; i++) {
        const struct str id = str_printf(&rig->arena, "%02x0000000000000000000000", i * 77 % 256);
        writes[count++] =
            (struct write){WRITE_INSERT, &thing_type,
                           new_thing(&rig->arena, id, str_printf(&rig->arena, "sku-%u", i)), 0};
    }
    const struct journal_event event = {STR("ev"), STR("ex"), STR("rk"), STR("{}"), STR_ABSENT};
    struct journal_reply replies[2] = {{.key = {"one"}, .body = STR("{}")},
                                       {.key = {"t\0o"}, .body = STR("{}")}};
    const struct commit commits[] = {
        {STR("300000000000000000000001"), 1000, writes, count, replies, 2, &event, 1},
        {STR("100000000000000000000002"), 2000, NULL, 0, NULL, 0, &event, 1},
        {STR("200000000000000000000003"), 3000, NULL, 0,
         &(struct journal_reply){.key = {"three"}, .body = STR("{}")}, 1, NULL, 0},
    };
    for (size_t i = 0; i < COUNT(commits); i++) {
        commit_to(rig, rig->store, &commits[i]);
        commit_to(rig, fake, &commits[i]);
    }
}

/* "done: a b c" or the outcome alone. */
static struct str scanned(struct rig *rig, struct store *store, const struct doc_type *type,
                          struct str after, size_t max)
{
    struct doc_list page = {0};
    const enum outcome outcome = store_scan(store, &rig->arena, type, after, max, &page, &rig->err);
    struct str seen = str_of(outcome_name(outcome));
    for (size_t i = 0; i < page.count; i++)
        seen = str_join(&rig->arena, seen, '|', doc_head(page.items[i])->id);
    return seen;
}

static struct str journal_scanned(struct rig *rig, struct store *store, int64_t since_ms,
                                  struct str after, size_t max)
{
    struct journal_entry *page = NULL;
    size_t count = 0;
    const enum outcome outcome =
        store_journal_scan(store, &rig->arena, since_ms, after, max, &page, &count, &rig->err);
    struct str seen = str_of(outcome_name(outcome));
    for (size_t i = 0; i < count; i++) {
        const struct str keys =
            hex_of(&rig->arena, page[i].keys, page[i].key_count * JOURNAL_KEY_BYTES);
        seen = str_printf(&rig->arena, "%.*s|%.*s %d %zu %.*s", STR_FMT(seen), STR_FMT(page[i].id),
                          page[i].published, page[i].event_count, STR_FMT(keys));
    }
    return seen;
}

static void assert_same(struct str real, struct str fake)
{
    if (!str_eq(real, fake))
        fail_msg("MongoDB '%.*s'\n   fake '%.*s'", STR_FMT(real), STR_FMT(fake));
}

void test_store_scan_live__fake_and_server_give_the_same_pages(void **state)
{
    (void)state;
    static const struct str afters[] = {
        {NULL, 0},
        {"", 0},
        {"a", 1},
        {"aa", 2},
        {"~~", 2},
        {"\xff", 1},
        {"odd\0one", 7},
        {"4d0000000000000000000000", 24},
        {"4d0000000000000000000001", 24},
        {"ffffffffffffffffffffffff", 24},
        {"FFFFFFFFFFFFFFFFFFFFFFFF", 24},
        {"4d", 2},
    };
    static const size_t maxima[] = {0, 1, 3, 1000, SIZE_MAX / 4};
    struct rig *rig = rig_open();
    struct store *fake = store_fake_open(test_types, COUNT(test_types));
    fill(rig, fake);
    for (size_t i = 0; i < COUNT(afters); i++)
        for (size_t k = 0; k < COUNT(maxima); k++) {
            const struct doc_type *types[] = {&thing_type, &stock_type, &order_type};
            for (size_t t = 0; t < COUNT(types); t++)
                assert_same(scanned(rig, rig->store, types[t], afters[i], maxima[k]),
                            scanned(rig, fake, types[t], afters[i], maxima[k]));
            for (int64_t since = -1; since <= 3000; since += 1500)
                assert_same(journal_scanned(rig, rig->store, since, afters[i], maxima[k]),
                            journal_scanned(rig, fake, since, afters[i], maxima[k]));
        }
    store_close(fake);
    rig_close(rig);
}

/* That they are also right is seen on one of them. */
void test_store_scan_live__pages_follow_the_ids(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct store *fake = store_fake_open(test_types, COUNT(test_types));
    fill(rig, fake);
    assert_string_equal(scanned(rig, fake, &stock_type, STR_ABSENT, 4).ptr, "done||10|9|B");
    assert_string_equal(scanned(rig, fake, &stock_type, STR("B"), 9).ptr,
                        "done|a|a |ab|a\xff|b|~|\xc3\xa4");
    assert_string_equal(scanned(rig, fake, &stock_type, STR("B"), 0).ptr, "done");
    assert_string_equal(scanned(rig, fake, &thing_type, STR("no id"), 9).ptr, "bug");
    assert_string_equal(journal_scanned(rig, fake, 0, STR("100000000000000000000002"), 9).ptr,
                        "done|200000000000000000000003 1 0 74687265650000000000000000000000"
                        "|300000000000000000000001 0 1 6f6e6500000000000000000000000000"
                        "74006f00000000000000000000000000");
    assert_string_equal(journal_scanned(rig, fake, 0, STR("no id"), 9).ptr, "bug");
    assert_string_equal(journal_scanned(rig, fake, 0, STR_ABSENT, 0).ptr, "done");
    store_close(fake);
    rig_close(rig);
}

static int64_t open_for(struct rig *rig, int64_t age_ms)
{
    int64_t count = -1;
    assert_outcome(rig, OUTCOME_DONE,
                   store_open_transactions(rig->store, age_ms, &count, &rig->err));
    return count;
}

void test_store_scan_live__a_transaction_that_was_left_open(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    bson_error_t error;
    bson_t options = BSON_INITIALIZER, document = BSON_INITIALIZER;
    assert_int_equal(open_for(rig, 0), 0);
    mongoc_client_session_t *session = mongoc_client_start_session(rig->client, NULL, &error);
    assert_non_null(session);
    assert_true(mongoc_client_session_start_transaction(session, NULL, &error));
    assert_true(mongoc_client_session_append(session, &options, &error));
    mongoc_collection_t *carts =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "carts");
    assert_true(mongoc_collection_insert_one(carts, &document, &options, NULL, &error));
    assert_int_equal(open_for(rig, 0), 1);
    assert_int_equal(open_for(rig, 60000), 0);
    assert_true(mongoc_client_session_abort_transaction(session, &error));
    assert_int_equal(open_for(rig, 0), 0);
    mongoc_collection_destroy(carts);
    mongoc_client_session_destroy(session);
    bson_destroy(&options);
    bson_destroy(&document);
    rig_close(rig);
}
