/* test_store_commit_live.c - commits that are begun and waited for, and the journal that they
 * write, against a real replica set.
 *
 * CARTWRIGHT_MONGODB_URI names the server; without it every case is skipped. One case needs
 * `mongod --setParameter enableTestCommands=1` (failCommand) and is skipped without it. Each case
 * works in a database of its own, dropped at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>

#include "store_rig.h"

#define LONG_BODY ((size_t)200 * 1024)

/* With its length: a text that was cut or that runs on is another one. */
static void assert_text(struct str got, struct str expected)
{
    assert_int_equal(str_is_absent(got), str_is_absent(expected));
    assert_int_equal(got.len, expected.len);
    assert_true(str_eq(got, expected));
    if (got.ptr)
        assert_int_equal(got.ptr[got.len], '\0');
}

/* --- commits ---------------------------------------------------------------------------------- */

/* The n-th event has the id "<key>-<n>". */
static struct commit commit_of(struct rig *rig, const struct write *writes, size_t write_count,
                               const char *key, size_t event_count)
{
    struct journal_reply *reply = ARENA_NEW(&rig->arena, struct journal_reply);
    struct journal_event *events = arena_array(&rig->arena, event_count, sizeof(*events));
    memcpy(reply->key.bytes, key, strlen(key));
    reply->status = 201;
    reply->body = STR("{\"ok\":true}");
    for (size_t i = 0; i < event_count; i++)
        events[i] = (struct journal_event){str_printf(&rig->arena, "%s-%zu", key, i), STR("ex"),
                                           STR("order.placed"), STR("{}"), STR_ABSENT};
    return (struct commit){
        .id = id_new(&rig->arena, clock_now_ms()),
        .now = clock_now_ms(),
        .writes = writes,
        .write_count = write_count,
        .replies = reply,
        .reply_count = 1,
        .events = events,
        .event_count = event_count,
    };
}

/* Puts the stock of the mug to what is given: an insert of version 1, or a guarded replace. */
static struct commit stock_commit(struct rig *rig, const char *key, int64_t base_version,
                                  int64_t number)
{
    struct write *write = ARENA_NEW(&rig->arena, struct write);
    struct stock *stock = new_stock(&rig->arena, STR("MUG"), number);
    stock->head.version = base_version + 1;
    *write = (struct write){base_version ? WRITE_REPLACE : WRITE_INSERT, &stock_type, stock,
                            base_version};
    return commit_of(rig, write, 1, key, 1);
}

static void put_stock(struct rig *rig)
{
    const struct commit commit = stock_commit(rig, "setup", 0, 10);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
}

static int64_t on_hand(struct rig *rig)
{
    const struct str id = STR("MUG");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
    assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
    return find.found.count ? ((const struct stock *)find.found.items[0])->on_hand : -1;
}

static size_t count_replies(struct rig *rig, const char *text)
{
    struct journal_key key = {{0}};
    struct journal_reply *replies = NULL;
    size_t count = 0;
    memcpy(key.bytes, text, strlen(text));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_journal_find(rig->store, &rig->arena, &key, 1, &replies, &count, &rig->err));
    return count;
}

/* --- begin and end ---------------------------------------------------------------------------- */

static bool is_readable(struct rig *rig, int timeout_ms)
{
    struct pollfd end = {.fd = store_commit_fd(rig->store), .events = POLLIN};
    assert_true(end.fd >= 0);
    return poll(&end, 1, timeout_ms) == 1 && end.revents == POLLIN;
}

void test_store_commit_live__the_end_of_a_commit_can_be_waited_for(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    static const char *const keys[] = {"one", "two", "three"};
    for (size_t i = 0; i < COUNT(keys); i++) {
        const int64_t version = (int64_t)i + 1;
        const struct commit commit = stock_commit(rig, keys[i], version, 10 - version);
        assert_false(is_readable(rig, 0));
        assert_false(store_commit_has_ended(rig->store));
        store_commit_begin(rig->store, &commit);
        assert_true(is_readable(rig, 10000));
        assert_true(store_commit_has_ended(rig->store));
        assert_true(is_readable(rig, 0)); /* until somebody asks how it ended */
        assert_outcome(rig, OUTCOME_DONE, store_commit_end(rig->store, &rig->err));
        assert_false(store_commit_has_ended(rig->store));
        assert_false(is_readable(rig, 0));
        assert_int_equal(on_hand(rig), 10 - version);
    }
    rig_close(rig);
}

/* mode and data are JSON; false when the server has no test commands. */
static bool set_fault(struct rig *rig, const char *mode, const char *data)
{
    bson_error_t error = {0};
    bson_t reply;
    const struct str json =
        str_printf(&rig->arena, "{\"configureFailPoint\":\"failCommand\",\"mode\":%s,\"data\":%s}",
                   mode, data);
    bson_t *command = bson_new_from_json((const uint8_t *)json.ptr, (ssize_t)json.len, &error);
    assert_non_null(command);
    const bool ok =
        mongoc_client_command_simple(rig->client, "admin", command, NULL, &reply, &error);
    bson_destroy(command);
    bson_destroy(&reply);
    return ok;
}

/* The server sits on the last command of the commit, so that all that follows is certain to happen
 * meanwhile. */
void test_store_commit_live__others_read_on_and_do_not_see_a_commit_before_its_end(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    if (!set_fault(rig, "{\"times\":1}",
                   "{\"failCommands\":[\"commitTransaction\"],\"blockConnection\":true,"
                   "\"blockTimeMS\":2000}")) {
        rig_close(rig);
        skip();
    }
    const struct commit commit = stock_commit(rig, "one", 1, 9);
    store_commit_begin(rig->store, &commit);
    for (int i = 0; i < 3; i++)
        assert_int_equal(on_hand(rig), 10);
    assert_int_equal(count_replies(rig, "setup"), 1);
    assert_int_equal(count_replies(rig, "one"), 0);
    assert_false(store_commit_has_ended(rig->store));
    assert_false(is_readable(rig, 0));
    assert_outcome(rig, OUTCOME_DONE, store_commit_end(rig->store, &rig->err));
    assert_int_equal(on_hand(rig), 9);
    assert_int_equal(count_replies(rig, "one"), 1);
    assert_true(set_fault(rig, "\"off\"", "{}"));
    rig_close(rig);
}

static void assert_rehearsal(struct rig *rig, enum outcome expected, const struct commit *commit)
{
    assert_outcome(rig, expected, store_rehearse(rig->store, commit, &rig->err));
    assert_int_equal(on_hand(rig), 10);
}

void test_store_commit_live__a_rehearsal_asks_everything_and_leaves_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct commit good = stock_commit(rig, "good", 1, 9);
    const struct commit stale = stock_commit(rig, "stale", 2, 9);
    const struct commit twice = stock_commit(rig, "twice", 0, 9);
    struct commit known = stock_commit(rig, "setup", 1, 9); /* the journal has this key */
    assert_rehearsal(rig, OUTCOME_DONE, &good);
    assert_rehearsal(rig, OUTCOME_CONFLICT, &stale);
    assert_rehearsal(rig, OUTCOME_CONFLICT, &twice);
    assert_rehearsal(rig, OUTCOME_CONFLICT, &known);
    assert_rehearsal(rig, OUTCOME_DONE, &good);
    assert_int_equal(count_replies(rig, "good"), 0);
    assert_outcome(rig, OUTCOME_CONFLICT, store_resolve(rig->store, &good, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &good, &rig->err));
    assert_int_equal(on_hand(rig), 9);
    rig_close(rig);
}

void test_store_commit_live__a_conflict_is_told_at_the_end_and_the_next_commit_works(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct commit stale = stock_commit(rig, "one", 7, 9);
    const struct commit known = stock_commit(rig, "setup", 1, 9);
    const struct commit *const refused[] = {&stale, &known};
    for (size_t i = 0; i < COUNT(refused); i++) {
        rig->err = (struct err){0};
        store_commit_begin(rig->store, refused[i]);
        assert_true(is_readable(rig, 10000));
        assert_outcome(rig, OUTCOME_CONFLICT, store_commit_end(rig->store, &rig->err));
        assert_non_null(strstr(rig->err.text, i ? "journal" : "stock"));
        assert_false(is_readable(rig, 0));
        assert_int_equal(on_hand(rig), 10);
    }
    assert_int_equal(count_replies(rig, "one"), 0);
    rig->err = (struct err){0};
    const struct commit good = stock_commit(rig, "one", 1, 9);
    store_commit_begin(rig->store, &good);
    assert_outcome(rig, OUTCOME_DONE, store_commit_end(rig->store, &rig->err));
    assert_string_equal(rig->err.text, "");
    assert_int_equal(on_hand(rig), 9);
    assert_int_equal(count_replies(rig, "one"), 1);
    rig_close(rig);
}

/* --- what the journal keeps ------------------------------------------------------------------- */

/* UTF-8 of exactly that many bytes, with characters of one to four, that hardly repeats. */
static struct str text_of(struct rig *rig, size_t len)
{
    static const char *const characters[] = {
        "a", "\"", "\n", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9D\x84\x9E",
    };
    char *text = arena_bytes(&rig->arena, len + 1);
    uint32_t random = 1;
    for (size_t at = 0; at < len;) {
        random = random * 1664525 + 1013904223;
        const char *character = characters[(random >> 16) % COUNT(characters)];
        const size_t size = strlen(character);
        if (size > len - at)
            continue;
        memcpy(text + at, character, size);
        at += size;
    }
    text[len] = '\0';
    return (struct str){text, len};
}

static void assert_reply(const struct journal_reply *got, const struct journal_reply *expected)
{
    assert_memory_equal(got->key.bytes, expected->key.bytes, sizeof(got->key.bytes));
    assert_memory_equal(got->fingerprint, expected->fingerprint, sizeof(got->fingerprint));
    assert_int_equal(got->status, expected->status);
    assert_int_equal(got->sealed, expected->sealed);
    assert_text(got->body, expected->body);
}

void test_store_commit_live__replies_come_back_byte_for_byte(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct journal_reply replies[] = {
        {{"key-0"}, {1, 0, 255}, 200, false, .body = STR("7")},
        {{"key-1"}, {2}, 201, true, .body = text_of(rig, LONG_BODY)},
        {{"key-2"}, {3}, 409, false, .body = text_of(rig, LONG_BODY + 1)},
        {{"key-3"}, {4}, 422, true, .body = STR("\xF0\x9D\x84\x9E")},
        {{"key-4"}, {5}, 204, false, .body = STR("")},
    };
    struct commit commit = commit_of(rig, NULL, 0, "x", 2);
    commit.replies = replies;
    commit.reply_count = COUNT(replies);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct journal_reply *found = NULL;
        size_t count = 0;
        assert_outcome(rig, OUTCOME_DONE,
                       store_journal_find(rig->store, &rig->arena, &replies[i].key, 1, &found,
                                          &count, &rig->err));
        assert_int_equal(count, 1);
        assert_reply(found, &replies[i]);
        assert_int_equal(found->at, commit.now);
        assert_int_equal(found->event_count, 2);
        assert_text(found->events[1].routing_key, STR("order.placed"));
    }
    rig_close(rig);
}

static void assert_event(const struct journal_event *got, const struct journal_event *expected)
{
    assert_text(got->id, expected->id);
    assert_text(got->exchange, expected->exchange);
    assert_text(got->routing_key, expected->routing_key);
    assert_text(got->body, expected->body);
    assert_text(got->traceparent, expected->traceparent);
}

void test_store_commit_live__events_come_back_byte_for_byte(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct str trace = STR("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    const struct journal_event events[] = {
        {STR("ev-0"), STR("ex"), STR("order.placed"), STR("7"), STR_ABSENT},
        {STR("ev-1"), STR("other"), STR("order.paid"), text_of(rig, LONG_BODY), trace},
        {STR("ev-2"), STR("ex"), STR("order.\xC3\xA4"), text_of(rig, LONG_BODY + 3), STR_ABSENT},
        {STR("ev-3"), STR("ex"), STR(""), STR("\xE2\x82\xAC"), trace},
    };
    struct journal_entry *entries = NULL;
    size_t count = 0;
    struct commit commit = commit_of(rig, NULL, 0, "x", 0);
    commit.events = events;
    commit.event_count = COUNT(events);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 10, &entries, &count, &rig->err));
    assert_int_equal(count, 1);
    assert_text(entries[0].id, commit.id);
    assert_int_equal(entries[0].at, commit.now);
    assert_false(entries[0].published);
    assert_int_equal(entries[0].event_count, COUNT(events));
    for (size_t i = 0; i < COUNT(events); i++)
        assert_event(&entries[0].events[i], &events[i]);
    rig_close(rig);
}

/* --- an entry that is broken ------------------------------------------------------------------ */

/* The packed bytes of the only entry. */
static struct str packed_bytes(struct rig *rig)
{
    mongoc_collection_t *journal =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "journal");
    bson_t all = BSON_INITIALIZER;
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(journal, &all, NULL, NULL);
    const bson_t *entry = NULL;
    bson_iter_t at;
    bson_subtype_t subtype;
    uint32_t len = 0;
    const uint8_t *bytes = NULL;
    assert_true(mongoc_cursor_next(cursor, &entry));
    assert_true(bson_iter_init_find(&at, entry, "packed") && BSON_ITER_HOLDS_BINARY(&at));
    bson_iter_binary(&at, &subtype, &len, &bytes);
    const struct str packed = {arena_copy(&rig->arena, bytes, len), len};
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(journal);
    return packed;
}

/* Takes the update, which it destroys, to the only entry. */
static void change_entry(struct rig *rig, bson_t *update)
{
    mongoc_collection_t *journal =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "journal");
    bson_t all = BSON_INITIALIZER;
    bson_t reply;
    bson_iter_t changed;
    assert_true(mongoc_collection_update_one(journal, &all, update, NULL, &reply, NULL));
    assert_true(bson_iter_init_find(&changed, &reply, "modifiedCount"));
    assert_int_equal(bson_iter_as_int64(&changed), 1);
    bson_destroy(&reply);
    bson_destroy(update);
    mongoc_collection_destroy(journal);
}

static void set_packed(struct rig *rig, struct str bytes)
{
    change_entry(rig, BCON_NEW("$set", "{", "packed",
                               BCON_BIN(BSON_SUBTYPE_BINARY, (const uint8_t *)bytes.ptr,
                                        (uint32_t)bytes.len),
                               "}"));
}

static void assert_journal(struct rig *rig, const char *what, enum outcome expected)
{
    const struct journal_key key = {"one"};
    struct journal_reply *replies = NULL;
    struct journal_entry *entries = NULL;
    size_t count = 0;
    const enum outcome outcomes[] = {
        store_journal_find(rig->store, &rig->arena, &key, 1, &replies, &count, &rig->err),
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 10, &entries, &count, &rig->err),
        store_journal_scan(rig->store, &rig->arena, 0, STR_ABSENT, 10, &entries, &count, &rig->err),
    };
    for (size_t i = 0; i < COUNT(outcomes); i++)
        if (outcomes[i] != expected)
            fail_msg("packed %s, call %zu: %s", what, i, outcome_name(outcomes[i]));
    if (expected == OUTCOME_BUG)
        assert_non_null(strstr(rig->err.text, "journal"));
}

#define FRAME "\x28\xB5\x2F\xFD" /* the magic number of Zstandard */

void test_store_commit_live__packed_that_cannot_be_read_is_a_bug(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct commit commit = commit_of(rig, NULL, 0, "one", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    const struct str good = packed_bytes(rig);
    const struct {
        const char *what;
        struct str bytes;
    } rows[] = {
        {"empty", STR("")},
        {"of another format", STR("\x1F\x8B\x08 certainly not Zstandard")},
        {"without its last byte", {good.ptr, good.len - 1}},
        {"followed by more", str_join(&rig->arena, good, '+', STR("more"))},
        {"cut in the middle", {good.ptr, good.len / 2}},
        {"cut in its header", {good.ptr, 5}},
        {"of something else", STR(FRAME "\x20\x05\x29\x00\x00hello")},
        {"of nothing", STR(FRAME "\x20\x00\x01\x00\x00")},
        {"shorter than it says", STR(FRAME "\x20\x50\x29\x00\x00hello")},
        {"longer than it says", STR(FRAME "\x20\x02\x29\x00\x00hello")},
        {"of many terabytes", STR(FRAME "\xE0\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x29\x00\x00hello")},
    };
    assert_journal(rig, "as it was", OUTCOME_DONE);
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_packed(rig, rows[i].bytes);
        assert_journal(rig, rows[i].what, OUTCOME_BUG);
    }
    set_packed(rig, good);
    assert_journal(rig, "as it was", OUTCOME_DONE);
    rig_close(rig);
}

void test_store_commit_live__packed_that_is_missing_is_a_bug(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct commit commit = commit_of(rig, NULL, 0, "one", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_journal(rig, "as it was", OUTCOME_DONE);
    change_entry(rig, BCON_NEW("$set", "{", "packed", "a text", "}"));
    assert_journal(rig, "a text", OUTCOME_BUG);
    change_entry(rig, BCON_NEW("$unset", "{", "packed", "", "}"));
    assert_journal(rig, "missing", OUTCOME_BUG);
    rig_close(rig);
}

/* --- the whole journal ------------------------------------------------------------------------ */

static struct str numbered_id(struct rig *rig, unsigned n)
{
    return str_printf(&rig->arena, "%024x", n);
}

/* Entry n has n events, but for the fifth, which has none; the third is older than the others. */
static void put_entries(struct rig *rig, int64_t since)
{
    static const unsigned order[] = {4, 2, 5, 1, 3};
    for (size_t i = 0; i < COUNT(order); i++) {
        const unsigned n = order[i];
        const struct str key = str_printf(&rig->arena, "key-%u", n);
        struct commit commit = commit_of(rig, NULL, 0, key.ptr, n == 5 ? 0 : n);
        commit.id = numbered_id(rig, n);
        commit.now = n == 3 ? since - 1 : since + (int64_t)i;
        assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    }
}

static void assert_entry(struct rig *rig, const struct journal_entry *entry, unsigned n,
                         bool published)
{
    assert_text(entry->id, numbered_id(rig, n));
    assert_int_equal(entry->published, published);
    assert_int_equal(entry->event_count, n == 5 ? 0 : n);
    for (size_t i = 0; i < entry->event_count; i++) {
        assert_text(entry->events[i].id, str_printf(&rig->arena, "key-%u-%zu", n, i));
        assert_text(entry->events[i].routing_key, STR("order.placed"));
        assert_text(entry->events[i].body, STR("{}"));
    }
}

/* In pages of two, each behind the last entry of the page before. */
static void assert_scan(struct rig *rig, int64_t since, const bool published[6])
{
    static const unsigned expected[] = {1, 2, 4, 5};
    struct str after = STR_ABSENT;
    for (size_t page = 0; page < 3; page++) {
        struct journal_entry *entries = NULL;
        size_t count = 0;
        assert_outcome(rig, OUTCOME_DONE,
                       store_journal_scan(rig->store, &rig->arena, since, after, 2, &entries,
                                          &count, &rig->err));
        assert_int_equal(count, page < 2 ? 2 : 0);
        for (size_t i = 0; i < count; i++) {
            const unsigned n = expected[page * 2 + i];
            assert_entry(rig, &entries[i], n, published[n]);
            after = entries[i].id;
        }
    }
}

/* A mark waits for no majority, and a scan sees only what a majority has; a commit that follows the
 * mark waits for both. Its entry is too old for the scans. */
static void await_majority(struct rig *rig, int64_t since)
{
    struct commit commit = commit_of(rig, NULL, 0, "key-6", 0);
    commit.id = numbered_id(rig, 6);
    commit.now = since - 2;
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
}

void test_store_commit_live__the_journal_is_scanned_page_by_page(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const int64_t since = clock_now_ms() - 60000;
    bool published[6] = {[5] = true}; /* there was nothing to publish */
    struct journal_entry *entries = NULL;
    size_t count = 0;
    put_entries(rig, since);
    assert_scan(rig, since, published);
    const struct str ids[] = {numbered_id(rig, 2), numbered_id(rig, 4)};
    assert_outcome(rig, OUTCOME_DONE, store_mark_published(rig->store, ids, 2, &rig->err));
    published[2] = published[4] = true;
    await_majority(rig, since);
    assert_scan(rig, since, published);
    assert_outcome(rig, OUTCOME_DONE,
                   store_journal_scan(rig->store, &rig->arena, since - 1, numbered_id(rig, 2), 2,
                                      &entries, &count, &rig->err));
    assert_int_equal(count, 2);
    assert_entry(rig, &entries[0], 3, false);
    assert_int_equal(entries[0].at, since - 1);
    assert_outcome(rig, OUTCOME_BUG,
                   store_journal_scan(rig->store, &rig->arena, since, STR("no id"), 2, &entries,
                                      &count, &rig->err));
    rig_close(rig);
}
