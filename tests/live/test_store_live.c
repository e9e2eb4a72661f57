/* test_store_live.c - the store against a real replica set, and against the faults that cost money.
 *
 * CARTWRIGHT_MONGODB_URI names the server; without it every case is skipped. The faults need
 * `mongod --setParameter enableTestCommands=1` (failCommand); those cases are skipped without it.
 * Each case works in a database of its own, dropped at its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/term_cases.h"
#include "store_rig.h"

/* --- what is in the database ------------------------------------------------------------------ */

static int64_t count_of(struct rig *rig, const char *collection)
{
    mongoc_collection_t *from =
        mongoc_client_get_collection(rig->client, rig->database.ptr, collection);
    bson_t all = BSON_INITIALIZER;
    bson_error_t error = {0};
    const int64_t count = mongoc_collection_count_documents(from, &all, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(from);
    if (count < 0)
        fail_msg("count of %s: %s", collection, error.message);
    return count;
}

static const void *load(struct rig *rig, const struct doc_type *type, struct str id)
{
    struct store_find find = {.type = type, .path = "id", .values = &id, .count = 1};
    assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
    return find.found.count ? find.found.items[0] : NULL;
}

static int64_t on_hand(struct rig *rig, const char *sku)
{
    const struct stock *stock = load(rig, &stock_type, str_of(sku));
    return stock ? stock->on_hand : -1;
}

/* --- commits ---------------------------------------------------------------------------------- */

static struct commit commit_of(struct rig *rig, const struct write *writes, size_t write_count,
                               const char *key, size_t event_count)
{
    struct journal_reply *reply = ARENA_NEW(&rig->arena, struct journal_reply);
    struct journal_event *events = arena_array(&rig->arena, event_count, sizeof(*events));
    memcpy(reply->key.bytes, key, strlen(key));
    reply->fingerprint[0] = 77;
    reply->status = 201;
    reply->body = STR("{\"ok\":true}");
    for (size_t i = 0; i < event_count; i++)
        events[i] = (struct journal_event){STR("ev"), STR("ex"), STR("order.placed"), STR("{}"),
                                           STR_ABSENT};
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

/* Takes one piece of stock, guarded by the version given, and inserts a thing. */
static struct commit order_commit(struct rig *rig, const char *key, int64_t base_version)
{
    struct write *writes = arena_array(&rig->arena, 2, sizeof(*writes));
    struct stock *stock = new_stock(&rig->arena, STR("MUG"), 9);
    struct thing *thing = new_thing(&rig->arena, id_new(&rig->arena, clock_now_ms()), str_of(key));
    stock->head.version = base_version + 1;
    writes[0] = (struct write){WRITE_INSERT, &thing_type, thing, 0};
    writes[1] = (struct write){WRITE_REPLACE, &stock_type, stock, base_version};
    return commit_of(rig, writes, 2, key, 1);
}

static void put_stock(struct rig *rig)
{
    const struct write write = {WRITE_INSERT, &stock_type, new_stock(&rig->arena, STR("MUG"), 10),
                                0};
    const struct commit commit = commit_of(rig, &write, 1, "setup", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
}

static void assert_untouched(struct rig *rig)
{
    assert_int_equal(on_hand(rig, "MUG"), 10);
    assert_int_equal(count_of(rig, "things"), 0);
    assert_int_equal(count_of(rig, "journal"), 1);
}

static void assert_applied(struct rig *rig)
{
    assert_int_equal(on_hand(rig, "MUG"), 9);
    assert_int_equal(count_of(rig, "things"), 1);
    assert_int_equal(count_of(rig, "journal"), 2);
}

/* --- failCommand ------------------------------------------------------------------------------ */

/* mode and data are JSON; skips the case when the server has no test commands. */
static void set_fault(struct rig *rig, const char *mode, const char *data)
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
    if (!ok) {
        rig_close(rig);
        skip();
    }
}

static void clear_fault(struct rig *rig)
{
    set_fault(rig, "\"off\"", "{}");
}

/* --- cases ------------------------------------------------------------------------------------ */

void test_store_live__finds_what_was_committed(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct commit commit = order_commit(rig, "one", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_applied(rig);
    const struct thing *sent = commit.writes[0].doc;
    const struct thing *thing = load(rig, &thing_type, sent->head.id);
    assert_non_null(thing);
    assert_true(str_eq(thing->name, sent->name));
    assert_int_equal(thing->lines.count, 2);
    assert_int_equal(thing->lines.items[1].price.amount, 55);
    assert_string_equal(thing->price.currency, "GBP");
    assert_int_equal(thing->seen_at, 1700000000123);
    assert_int_equal(thing->mood, -1);
    assert_null(load(rig, &thing_type, STR("not an id at all")));
    assert_null(load(rig, &thing_type, STR("ffffffffffffffffffffffff")));
    const struct str skus[] = {STR("one"), STR("none")};
    struct store_find find = {.type = &thing_type, .path = "sku", .values = skus, .count = 2};
    assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
    assert_int_equal(find.found.count, 1);
    rig_close(rig);
}

void test_store_live__stale_version_is_a_conflict_and_writes_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct commit stale = order_commit(rig, "one", 7);
    assert_outcome(rig, OUTCOME_CONFLICT, store_commit(rig->store, &stale, &rig->err));
    assert_untouched(rig);
    const struct commit good = order_commit(rig, "one", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &good, &rig->err));
    assert_applied(rig);
    rig_close(rig);
}

void test_store_live__known_message_is_a_conflict_and_writes_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct commit commit = order_commit(rig, "setup", 1);
    assert_outcome(rig, OUTCOME_CONFLICT, store_commit(rig->store, &commit, &rig->err));
    assert_untouched(rig);
    const struct commit alone = commit_of(rig, NULL, 0, "setup", 0);
    assert_outcome(rig, OUTCOME_CONFLICT, store_commit(rig->store, &alone, &rig->err));
    assert_untouched(rig);
    rig_close(rig);
}

void test_store_live__unique_clash_is_a_conflict_that_hides_values(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct thing *a = new_thing(&rig->arena, id_new(&rig->arena, 1000), STR("A"));
    struct thing *b = new_thing(&rig->arena, id_new(&rig->arena, 1000), STR("B"));
    a->email = b->email = STR("ann@example.com");
    const struct write first = {WRITE_INSERT, &thing_type, a, 0};
    const struct write second = {WRITE_INSERT, &thing_type, b, 0};
    const struct commit one = commit_of(rig, &first, 1, "one", 0);
    const struct commit two = commit_of(rig, &second, 1, "two", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &one, &rig->err));
    assert_outcome(rig, OUTCOME_CONFLICT, store_commit(rig->store, &two, &rig->err));
    assert_null(strstr(rig->err.text, "ann@"));
    assert_non_null(strstr(rig->err.text, "email"));
    assert_int_equal(count_of(rig, "things"), 1);
    b->email = STR_ABSENT; /* a partial index lets many be without */
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &two, &rig->err));
    rig_close(rig);
}

void test_store_live__check_and_delete_are_guarded(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct stock *stock = load(rig, &stock_type, STR("MUG"));
    const struct {
        enum write_kind kind;
        int64_t base;
        enum outcome outcome;
    } rows[] = {
        {WRITE_CHECK, 2, OUTCOME_CONFLICT},  {WRITE_CHECK, 1, OUTCOME_DONE},
        {WRITE_DELETE, 2, OUTCOME_CONFLICT}, {WRITE_DELETE, 1, OUTCOME_DONE},
        {WRITE_CHECK, 1, OUTCOME_CONFLICT},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct write write = {rows[i].kind, &stock_type, stock, rows[i].base};
        const struct str key = str_printf(&rig->arena, "k%zu", i);
        const struct commit commit = commit_of(rig, &write, 1, key.ptr, 0);
        assert_outcome(rig, rows[i].outcome, store_commit(rig->store, &commit, &rig->err));
        assert_int_equal(on_hand(rig, "MUG"), i < 3 ? 10 : -1);
    }
    rig_close(rig);
}

void test_store_live__two_lanes_cannot_both_pass_a_check(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    /* Another transaction has written the document and is still open. */
    bson_error_t error;
    bson_t opts = BSON_INITIALIZER;
    mongoc_client_session_t *session = mongoc_client_start_session(rig->client, NULL, &error);
    assert_true(mongoc_client_session_start_transaction(session, NULL, &error));
    assert_true(mongoc_client_session_append(session, &opts, &error));
    mongoc_collection_t *stock_c =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "stock");
    bson_t *q = BCON_NEW("_id", "MUG");
    bson_t *u = BCON_NEW("$set", "{", "onHand", BCON_INT64(5), "}");
    assert_true(mongoc_collection_update_one(stock_c, q, u, &opts, NULL, &error));
    const struct write check = {WRITE_CHECK, &stock_type, new_stock(&rig->arena, STR("MUG"), 10),
                                1};
    const struct commit commit = commit_of(rig, &check, 1, "one", 0);
    assert_outcome(rig, OUTCOME_CONFLICT, store_commit(rig->store, &commit, &rig->err));
    /* The supervisor ends the other lane's transaction by its id. */
    uint8_t lsid[STORE_SESSION_BYTES];
    bson_iter_t id;
    bson_subtype_t subtype;
    uint32_t len;
    const uint8_t *bytes;
    assert_true(bson_iter_init_find(&id, mongoc_client_session_get_lsid(session), "id"));
    bson_iter_binary(&id, &subtype, &len, &bytes);
    memcpy(lsid, bytes, sizeof(lsid));
    assert_outcome(rig, OUTCOME_DONE, store_kill_session(rig->store, lsid, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_int_equal(on_hand(rig, "MUG"), 10);
    bson_destroy(q);
    bson_destroy(u);
    bson_destroy(&opts);
    mongoc_collection_destroy(stock_c);
    mongoc_client_session_destroy(session);
    rig_close(rig);
}

/* --- what is not there ------------------------------------------------------------------------- */

static struct write absent(struct rig *rig, const struct doc_type *type, const char *id,
                           const char *field, const char *value)
{
    struct absence *absence = ARENA_NEW(&rig->arena, struct absence);
    *absence = (struct absence){.head.id = str_of(id), .field = field, .value = str_of(value)};
    return (struct write){WRITE_ABSENT, type, absence, 0};
}

/* A commit that rests on all of these. */
static enum outcome prove(struct rig *rig, const char *key, const struct write *writes,
                          size_t count)
{
    const struct commit commit = commit_of(rig, writes, count, key, 0);
    return store_commit(rig->store, &commit, &rig->err);
}

/* Inserts a thing in a session of its own. */
static mongoc_client_session_t *insert_and_wait(struct rig *rig, const char *sku)
{
    bson_error_t error;
    bson_t opts = BSON_INITIALIZER;
    mongoc_client_session_t *session = mongoc_client_start_session(rig->client, NULL, &error);
    assert_true(mongoc_client_session_start_transaction(session, NULL, &error));
    assert_true(mongoc_client_session_append(session, &opts, &error));
    mongoc_collection_t *things =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "things");
    bson_oid_t id;
    bson_oid_init_from_string(&id, "0123456789abcdef01234567");
    bson_t *thing = BCON_NEW("_id", BCON_OID(&id), "sku", sku, "email", sku);
    assert_true(mongoc_collection_insert_one(things, thing, &opts, NULL, &error));
    bson_destroy(thing);
    bson_destroy(&opts);
    mongoc_collection_destroy(things);
    return session;
}

void test_store_live__what_is_absent_stays_absent_and_leaves_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct write both[] = {
        absent(rig, &thing_type, "0123456789abcdef01234567", NULL, NULL),
        absent(rig, &thing_type, "0123456789abcdef01234568", NULL, NULL),
        absent(rig, &thing_type, "0123456789abcdef01234569", "sku", "a@example.com"),
        absent(rig, &thing_type, "0123456789abcdef0123456a", "sku", "b@example.com"),
        absent(rig, &thing_type, "0123456789abcdef0123456b", "email", "a@example.com"),
        absent(rig, &stock_type, "MUG", NULL, NULL),
    };
    assert_outcome(rig, OUTCOME_DONE, prove(rig, "one", both, COUNT(both)));
    assert_outcome(rig, OUTCOME_DONE, prove(rig, "two", both, COUNT(both)));
    assert_int_equal(count_of(rig, "things"), 0);
    assert_int_equal(count_of(rig, "stock"), 0);
    put_stock(rig);
    assert_outcome(rig, OUTCOME_CONFLICT, prove(rig, "three", &both[5], 1));
    assert_outcome(rig, OUTCOME_DONE, prove(rig, "four", both, 5));
    rig_close(rig);
}

void test_store_live__what_comes_while_its_absence_is_proved_is_a_conflict(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    bson_error_t error;
    const struct write rows[] = {
        absent(rig, &thing_type, "0123456789abcdef01234567", NULL, NULL),
        absent(rig, &thing_type, "0123456789abcdef01234569", "sku", "a@example.com"),
        absent(rig, &thing_type, "0123456789abcdef01234569", "email", "a@example.com"),
    };
    const struct write others[] = {
        absent(rig, &thing_type, "0123456789abcdef01234568", NULL, NULL),
        absent(rig, &thing_type, "0123456789abcdef01234569", "sku", "b@example.com"),
        absent(rig, &thing_type, "0123456789abcdef01234569", "email", "b@example.com"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        mongoc_client_session_t *session = insert_and_wait(rig, "a@example.com");
        assert_outcome(rig, OUTCOME_CONFLICT, prove(rig, "open", &rows[i], 1));
        assert_outcome(rig, OUTCOME_DONE,
                       prove(rig, str_printf(&rig->arena, "others%zu", i).ptr, &others[i], 1));
        assert_true(mongoc_client_session_abort_transaction(session, &error));
        assert_outcome(rig, OUTCOME_DONE,
                       prove(rig, str_printf(&rig->arena, "aborted%zu", i).ptr, &rows[i], 1));
        mongoc_client_session_destroy(session);
        session = insert_and_wait(rig, "a@example.com");
        assert_true(mongoc_client_session_commit_transaction(session, NULL, &error));
        assert_outcome(rig, OUTCOME_CONFLICT, prove(rig, "committed", &rows[i], 1));
        mongoc_client_session_destroy(session);
        mongoc_collection_t *things =
            mongoc_client_get_collection(rig->client, rig->database.ptr, "things");
        const bson_t all = BSON_INITIALIZER;
        assert_true(mongoc_collection_delete_many(things, &all, NULL, NULL, &error));
        mongoc_collection_destroy(things);
    }
    rig_close(rig);
}

/* The driver repeats once by itself, the store goes on from there. */
void test_store_live__commit_answer_lost_is_repeated(void **state)
{
    (void)state;
    static const char *const times[] = {"{\"times\":1}", "{\"times\":4}"};
    for (size_t i = 0; i < COUNT(times); i++) {
        struct rig *rig = rig_open();
        put_stock(rig);
        set_fault(rig, times[i],
                  "{\"failCommands\":[\"commitTransaction\"],\"closeConnection\":true}");
        const struct commit commit = order_commit(rig, "one", 1);
        assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
        clear_fault(rig);
        assert_applied(rig);
        rig_close(rig);
    }
}

/* The commit is carried out, but every answer says that it is not yet known to be safe. */
void test_store_live__uncertain_commit_that_happened_resolves_to_done(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    set_fault(rig, "\"alwaysOn\"",
              "{\"failCommands\":[\"commitTransaction\"],\"writeConcernError\":{\"code\":64,"
              "\"errmsg\":\"waiting for replication timed out\"}}");
    const struct commit commit = order_commit(rig, "one", 1);
    assert_outcome(rig, OUTCOME_UNCERTAIN, store_commit(rig->store, &commit, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_resolve(rig->store, &commit, &rig->err));
    clear_fault(rig);
    assert_applied(rig);
    assert_outcome(rig, OUTCOME_DONE, store_resolve(rig->store, &commit, &rig->err));
    const struct commit next = order_commit(rig, "two", 2);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &next, &rig->err));
    rig_close(rig);
}

void test_store_live__uncertain_commit_that_did_not_happen_resolves_to_conflict(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    set_fault(rig, "\"alwaysOn\"",
              "{\"failCommands\":[\"commitTransaction\"],\"closeConnection\":true}");
    const struct commit commit = order_commit(rig, "one", 1);
    assert_outcome(rig, OUTCOME_UNCERTAIN, store_commit(rig->store, &commit, &rig->err));
    assert_outcome(rig, OUTCOME_CONFLICT, store_resolve(rig->store, &commit, &rig->err));
    clear_fault(rig);
    assert_untouched(rig);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_applied(rig);
    rig_close(rig);
}

void test_store_live__transient_errors_write_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct {
        const char *fault;
        enum outcome outcome;
    } rows[] = {
        {"{\"failCommands\":[\"commitTransaction\"],\"errorCode\":251,"
         "\"errorLabels\":[\"TransientTransactionError\"]}",
         OUTCOME_CONFLICT},
        {"{\"failCommands\":[\"insert\"],\"errorCode\":112,"
         "\"errorLabels\":[\"TransientTransactionError\"]}",
         OUTCOME_CONFLICT},
        {"{\"failCommands\":[\"insert\"],\"closeConnection\":true}", OUTCOME_RETRY},
        {"{\"failCommands\":[\"update\"],\"errorCode\":10107}", OUTCOME_RETRY},
        {"{\"failCommands\":[\"update\"],\"errorCode\":8000}", OUTCOME_BUG},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        set_fault(rig, "{\"times\":1}", rows[i].fault);
        const struct commit commit = order_commit(rig, "one", 1);
        assert_outcome(rig, rows[i].outcome, store_commit(rig->store, &commit, &rig->err));
        clear_fault(rig);
        assert_untouched(rig);
    }
    const struct commit commit = order_commit(rig, "one", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_applied(rig);
    rig_close(rig);
}

void test_store_live__journal_alone_survives_one_cut_and_is_uncertain_after_two(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    set_fault(rig, "{\"times\":1}", "{\"failCommands\":[\"insert\"],\"closeConnection\":true}");
    const struct commit one = commit_of(rig, NULL, 0, "one", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &one, &rig->err));
    assert_int_equal(count_of(rig, "journal"), 1);
    set_fault(rig, "{\"times\":2}", "{\"failCommands\":[\"insert\"],\"closeConnection\":true}");
    const struct commit two = commit_of(rig, NULL, 0, "two", 0);
    assert_outcome(rig, OUTCOME_UNCERTAIN, store_commit(rig->store, &two, &rig->err));
    assert_outcome(rig, OUTCOME_CONFLICT, store_resolve(rig->store, &two, &rig->err));
    clear_fault(rig);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &two, &rig->err));
    rig_close(rig);
}

void test_store_live__find_that_is_cut_is_not_empty(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const struct str id = STR("MUG");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
    set_fault(rig, "{\"times\":2}", "{\"failCommands\":[\"find\"],\"closeConnection\":true}");
    assert_outcome(rig, OUTCOME_RETRY, store_find(rig->store, &rig->arena, &find, &rig->err));
    clear_fault(rig);
    assert_int_equal(on_hand(rig, "MUG"), 10);
    rig_close(rig);
}

void test_store_live__journal_answers_repeats(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct journal_reply replies[3] = {
        {{"key-0"}, {1}, 201, false, .body = STR("{\"n\":0}")},
        {{"key-1"}, {2}, 200, true, .body = STR("c2VhbGVk")},
        {{"key-2"}, {3}, 409, false, .body = STR("")},
    };
    struct commit commit = commit_of(rig, NULL, 0, "x", 0);
    commit.replies = replies;
    commit.reply_count = 3;
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    const struct journal_key keys[] = {{"key-1"}, {"nobody"}};
    struct journal_reply *found = NULL;
    size_t count = 0;
    assert_outcome(rig, OUTCOME_DONE,
                   store_journal_find(rig->store, &rig->arena, keys, 2, &found, &count, &rig->err));
    assert_int_equal(count, 1);
    assert_memory_equal(found[0].key.bytes, "key-1", 6);
    assert_int_equal(found[0].fingerprint[0], 2);
    assert_int_equal(found[0].status, 200);
    assert_true(found[0].sealed);
    assert_true(str_eq(found[0].body, STR("c2VhbGVk")));
    /* Entries without replies do not clash with each other. */
    for (int i = 0; i < 2; i++) {
        struct commit empty = commit_of(rig, NULL, 0, "x", 1);
        empty.reply_count = 0;
        assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &empty, &rig->err));
    }
    rig_close(rig);
}

static size_t due_entries(struct rig *rig)
{
    struct journal_entry *entries = NULL;
    size_t count = 0;
    assert_outcome(
        rig, OUTCOME_DONE,
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 10, &entries, &count, &rig->err));
    return count;
}

/* Marks are written with w:1, and the outbox is read from what a majority has: that takes a moment. */
static void await_due_entries(struct rig *rig, size_t expected)
{
    for (int i = 0; i < 200 && due_entries(rig) != expected; i++)
        usleep(50000);
    assert_int_equal(due_entries(rig), expected);
}

void test_store_live__outbox_gives_what_is_not_published(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct journal_entry *entries = NULL;
    size_t count = 0;
    struct commit old = commit_of(rig, NULL, 0, "old", 2);
    old.now -= 60000;
    const struct commit young = commit_of(rig, NULL, 0, "young", 1);
    const struct commit silent = commit_of(rig, NULL, 0, "silent", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &young, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &old, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &silent, &rig->err));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 30000, 10, &entries, &count, &rig->err));
    assert_int_equal(count, 1);
    assert_true(str_eq(entries[0].id, old.id));
    assert_int_equal(entries[0].at, old.now);
    assert_int_equal(entries[0].event_count, 2);
    assert_true(str_eq(entries[0].events[1].routing_key, STR("order.placed")));
    assert_true(str_is_absent(entries[0].events[1].traceparent));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 10, &entries, &count, &rig->err));
    assert_int_equal(count, 2);
    assert_true(str_eq(entries[0].id, old.id));
    const struct str ids[] = {old.id, young.id};
    for (int i = 0; i < 2; i++)
        assert_outcome(rig, OUTCOME_DONE, store_mark_published(rig->store, ids, 2, &rig->err));
    await_due_entries(rig, 0);
    rig_close(rig);
}

static void set_profiling(struct rig *rig, int32_t level)
{
    bson_error_t error = {0};
    bson_t *command = BCON_NEW("profile", BCON_INT32(level));
    const bool ok =
        mongoc_client_command_simple(rig->client, rig->database.ptr, command, NULL, NULL, &error);
    bson_destroy(command);
    if (!ok)
        fail_msg("profile: %s", error.message);
}

/* With this read concern; NULL: with any. */
static int64_t reads_of(struct rig *rig, const char *collection, const char *level)
{
    mongoc_collection_t *profile =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "system.profile");
    bson_t *filter = level ? BCON_NEW("command.find", BCON_UTF8(collection),
                                      "command.readConcern.level", BCON_UTF8(level))
                           : BCON_NEW("command.find", BCON_UTF8(collection));
    bson_error_t error = {0};
    const int64_t count =
        mongoc_collection_count_documents(profile, filter, NULL, NULL, NULL, &error);
    bson_destroy(filter);
    mongoc_collection_destroy(profile);
    if (count < 0)
        fail_msg("system.profile: %s", error.message);
    return count;
}

/* A reply that is sent again, and an event that is published again, must not be rolled back later. */
void test_store_live__what_the_journal_tells_others_is_what_a_majority_has(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct journal_key key = {{1}};
    struct journal_reply *replies = NULL;
    struct journal_entry *entries = NULL;
    size_t count = 0;
    set_profiling(rig, 2);
    assert_outcome(
        rig, OUTCOME_DONE,
        store_journal_find(rig->store, &rig->arena, &key, 1, &replies, &count, &rig->err));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_outbox(rig->store, &rig->arena, OUTBOX_DUE, 0, 10, &entries, &count, &rig->err));
    set_profiling(rig, 0);
    assert_int_equal(reads_of(rig, "journal", NULL), 2);
    assert_int_equal(reads_of(rig, "journal", "majority"), 2);
    rig_close(rig);
}

/* The checker compares what it finds with what its scans saw. */
void test_store_live__documents_are_found_as_a_majority_has_them_if_wanted(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct str sku = STR("MUG");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &sku, .count = 1};
    set_profiling(rig, 2);
    assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
    find.of_majority = true;
    assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
    set_profiling(rig, 0);
    assert_int_equal(reads_of(rig, "stock", NULL), 2);
    assert_int_equal(reads_of(rig, "stock", "majority"), 1);
    rig_close(rig);
}

/* A document type that somebody forgot to register. */
void test_store_live__a_type_that_is_in_no_table_is_named(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct doc_type stranger = stock_type;
    stranger.collection = "strangers";
    const struct str id = STR("MUG");
    struct store_find find = {.type = &stranger, .path = "_id", .values = &id, .count = 1};
    assert_outcome(rig, OUTCOME_BUG, store_find(rig->store, &rig->arena, &find, &rig->err));
    assert_non_null(strstr(rig->err.text, "collection strangers is in no table"));
    assert_non_null(strstr(rig->err.text, "workers/shop.c"));
    const struct stock stock = {.head = {.id = STR("CUP"), .version = 1}};
    const struct write write = {.kind = WRITE_INSERT, .type = &stranger, .doc = &stock};
    const struct commit commit = commit_of(rig, &write, 1, "x", 0);
    assert_outcome(rig, OUTCOME_BUG, store_commit(rig->store, &commit, &rig->err));
    assert_non_null(strstr(rig->err.text, "collection strangers is in no table"));
    rig_close(rig);
}

static int64_t retry_in_ms(struct rig *rig, struct str id)
{
    const bson_t *found = NULL;
    bson_t filter = BSON_INITIALIZER;
    bson_iter_t at;
    bson_oid_t oid;
    int64_t retry_at = 0;
    bson_oid_init_from_string(&oid, id.ptr);
    bson_append_oid(&filter, "_id", -1, &oid);
    mongoc_collection_t *journal =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "journal");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(journal, &filter, NULL, NULL);
    if (mongoc_cursor_next(cursor, &found) && bson_iter_init_find(&at, found, "retryAt"))
        retry_at = bson_iter_date_time(&at);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(journal);
    bson_destroy(&filter);
    return retry_at - clock_now_ms();
}

/* Twice as long each time, up to a bound; and the others are not held up. */
void test_store_live__outbox_leaves_out_what_was_put_off(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct commit stuck = commit_of(rig, NULL, 0, "stuck", 1);
    const struct commit other = commit_of(rig, NULL, 0, "other", 1);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &stuck, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &other, &rig->err));
    const int64_t bounds[][2] = {{500, 1000}, {1500, 2000}, {2500, 3000}, {2500, 3000}}; /* s */
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        assert_outcome(rig, OUTCOME_DONE,
                       store_put_off(rig->store, &stuck.id, 1, 1000000, 3000000, &rig->err));
        assert_in_range(retry_in_ms(rig, stuck.id), bounds[i][0] * 1000, bounds[i][1] * 1000);
        await_due_entries(rig, 1);
    }
    assert_outcome(rig, OUTCOME_DONE, store_put_off(rig->store, &other.id, 1, 0, 0, &rig->err));
    await_due_entries(rig, 1);
    rig_close(rig);
}

static void put_things(struct rig *rig)
{
    struct write writes[5];
    for (size_t i = 0; i < COUNT(writes); i++) {
        struct thing *thing = new_thing(&rig->arena, id_new(&rig->arena, 1000),
                                        str_printf(&rig->arena, "SKU-%zu", i));
        thing->price.amount = (int64_t)(i / 2) * 100;
        thing->state = i == 4 ? DRAFT : PUBLISHED;
        thing->name = i % 2 ? STR("Red Plate") : STR("Blue Mug");
        thing->tags.count = 0;
        if (i == 3)
            thing->parent_id = STR_ABSENT;
        writes[i] = (struct write){WRITE_INSERT, &thing_type, thing, 0};
    }
    const struct commit commit = commit_of(rig, writes, COUNT(writes), "things", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
}

void test_store_live__query_filters_by_kind(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_things(rig);
    for (size_t i = 0; i < COUNT(term_cases); i++) {
        const struct query query = term_query(&term_cases[i]);
        struct query_page page;
        assert_outcome(rig, OUTCOME_DONE,
                       store_query(rig->store, &rig->arena, &query, &page, &rig->err));
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

void test_store_live__query_pages_are_stable(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_things(rig);
    struct query query = by_price();
    query.with_total = true;
    const char *const expected[] = {"SKU-4", "SKU-2", "SKU-3", "SKU-0", "SKU-1"};
    for (size_t at = 0; at < 5; query.skip = (int64_t)at) {
        struct query_page page;
        assert_outcome(rig, OUTCOME_DONE,
                       store_query(rig->store, &rig->arena, &query, &page, &rig->err));
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
        assert_outcome(rig, OUTCOME_DONE,
                       store_query(rig->store, &rig->arena, &behind, &page, &rig->err));
        for (size_t i = 0; i < page.docs.count; i++)
            assert_string_equal(((const struct thing *)page.docs.items[i])->sku.ptr,
                                expected[seen++]);
        if (page.docs.count > 0)
            query_go_on(&behind, page.docs.items[page.docs.count - 1]);
    }
    assert_int_equal(seen, 5);
    rig_close(rig);
}

void test_store_live__alternatives_are_ranked(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    struct write writes[5];
    for (unsigned i = 0; i < COUNT(writes); i++)
        writes[i] = (struct write){WRITE_INSERT, &thing_type,
                                   tagged_thing(&rig->arena, id_new(&rig->arena, 1000 + i), i), 0};
    const struct commit commit = commit_of(rig, writes, COUNT(writes), "tagged", 0);
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
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
    assert_outcome(rig, OUTCOME_DONE,
                   store_query(rig->store, &rig->arena, &ranked, &page, &rig->err));
    assert_int_equal(page.total, 3);
    for (size_t i = 0; i < page.docs.count; i++)
        assert_string_equal(((const struct thing *)page.docs.items[i])->sku.ptr, expected[i]);
    ranked.skip = 1;
    ranked.limit = 1;
    assert_outcome(rig, OUTCOME_DONE,
                   store_query(rig->store, &rig->arena, &ranked, &page, &rig->err));
    assert_int_equal(page.total, 3);
    assert_int_equal(page.docs.count, 1);
    assert_string_equal(((const struct thing *)page.docs.items[0])->sku.ptr, "SKU-4");
    query_any(&ranked, NULL, 0); /* nothing satisfies it */
    ranked.skip = 0;
    assert_outcome(rig, OUTCOME_DONE,
                   store_query(rig->store, &rig->arena, &ranked, &page, &rig->err));
    assert_int_equal(page.total, 0);
    rig_close(rig);
}

/* MongoDB itself refuses what no release of ours writes. */
void test_store_live__validators_refuse_what_does_not_fit(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    mongoc_collection_t *stock_c =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "stock");
#define HEAD                                                                                       \
    "version", BCON_INT64(1), "createdAt", BCON_DATE_TIME(1), "updatedAt", BCON_DATE_TIME(1)
    const struct {
        bson_t *doc;
        bool fits;
    } rows[] = {
        {BCON_NEW("_id", "A", HEAD, "onHand", BCON_INT64(1)), true},
        {BCON_NEW("_id", "B", HEAD, "onHand", BCON_INT32(1), "new", "of a newer release"), true},
        {BCON_NEW("_id", "C", HEAD, "onHand", "one"), false},
        {BCON_NEW("_id", "D", HEAD), false},
        {BCON_NEW("_id", "E", "version", BCON_INT64(1), "onHand", BCON_INT64(1)), false},
        {BCON_NEW("_id", "F"), true}, /* a placeholder */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const bool inserted = mongoc_collection_insert_one(stock_c, rows[i].doc, NULL, NULL, NULL);
        if (inserted != rows[i].fits)
            fail_msg("row %zu was %s", i, inserted ? "inserted" : "refused");
        bson_destroy(rows[i].doc);
    }
    mongoc_collection_destroy(stock_c);
    rig_close(rig);
}

void test_store_live__misfitting_document_is_named(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    mongoc_collection_t *stock_c =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "stock");
    bson_t *docs[] = {BCON_NEW("_id", "BAD", "version", BCON_INT64(1), "createdAt",
                               BCON_DATE_TIME(1), "updatedAt", BCON_DATE_TIME(1), "onHand", "x"),
                      BCON_NEW("_id", "OK", "version", BCON_INT32(1), "createdAt",
                               BCON_DATE_TIME(1), "updatedAt", BCON_DATE_TIME(1), "onHand",
                               BCON_INT32(4), "checks", BCON_INT32(2))};
    bson_t *past = BCON_NEW("bypassDocumentValidation", BCON_BOOL(true));
    for (size_t i = 0; i < COUNT(docs); i++) {
        assert_true(mongoc_collection_insert_one(stock_c, docs[i], past, NULL, NULL));
        bson_destroy(docs[i]);
    }
    bson_destroy(past);
    mongoc_collection_destroy(stock_c);
    assert_int_equal(on_hand(rig, "OK"), 4);
    const struct str id = STR("BAD");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
    assert_outcome(rig, OUTCOME_BUG, store_find(rig->store, &rig->arena, &find, &rig->err));
    assert_string_equal(rig->err.text, "stock BAD: field onHand of Stock has the wrong type");
    /* Whoever reads many goes on without it, and counts it. */
    const struct query all = {.type = &stock_type, .limit = 10, .with_total = true};
    struct query_page page;
    struct doc_list scanned;
    assert_outcome(rig, OUTCOME_DONE, store_query(rig->store, &rig->arena, &all, &page, &rig->err));
    assert_outcome(
        rig, OUTCOME_DONE,
        store_scan(rig->store, &rig->arena, &stock_type, STR_ABSENT, 10, &scanned, &rig->err));
    const struct doc_list *lists[] = {&page.docs, &scanned};
    for (size_t i = 0; i < COUNT(lists); i++) {
        assert_int_equal(lists[i]->count, 1);
        assert_int_equal(lists[i]->misfit_count, 1);
        assert_string_equal(doc_head(lists[i]->items[0])->id.ptr, "OK");
        assert_string_equal(lists[i]->misfits[0].id.ptr, "BAD");
        assert_string_equal(lists[i]->misfits[0].why.ptr,
                            "field onHand of Stock has the wrong type");
    }
    assert_int_equal(page.total, 2);
    assert_string_equal(doc_list_last(&scanned).ptr, "OK");
    rig_close(rig);
}

/* --- a server that goes away: everything passes through a child process that can be killed ---- */

struct tunnel {
    struct str server; /* host:port */
    uint16_t port;
    pid_t pid;
};

static int connect_to(struct str address)
{
    char host[128];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    snprintf(host, sizeof(host), "%.*s", STR_FMT(address));
    char *port = strrchr(host, ':');
    if (!port)
        return -1;
    *port++ = '\0';
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    const int rc = connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return rc == 0 ? fd : -1;
}

static bool pass_on(int from, int to)
{
    char bytes[16384];
    const ssize_t got = read(from, bytes, sizeof(bytes));
    return got > 0 && write(to, bytes, (size_t)got) == got;
}

static _Noreturn void carry(int client, struct str server)
{
    const int upstream = connect_to(server);
    struct pollfd ends[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
    while (upstream >= 0 && poll(ends, 2, -1) > 0)
        if ((ends[0].revents && !pass_on(client, upstream)) ||
            (ends[1].revents && !pass_on(upstream, client)))
            break;
    _exit(0);
}

static int listen_on(uint16_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void tunnel_start(struct tunnel *tunnel)
{
    const int door = listen_on(&tunnel->port);
    tunnel->pid = fork();
    if (tunnel->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a case that fails leaves no door open */
        for (;;) {
            const int client = accept(door, NULL, NULL);
            if (client >= 0 && fork() == 0)
                carry(client, tunnel->server);
            close(client);
        }
    }
    setpgid(tunnel->pid, tunnel->pid);
    close(door);
}

static void tunnel_stop(struct tunnel *tunnel)
{
    kill(-tunnel->pid, SIGKILL); /* the door and every connection */
    waitpid(tunnel->pid, NULL, 0);
}

/* The driver leaves a server that refused it alone for 5 s. */
static void wait_for_server(struct rig *rig)
{
    for (int i = 0; i < 100 && store_ping(rig->store, &rig->err) != OUTCOME_DONE; i++)
        usleep(100000);
    assert_outcome(rig, OUTCOME_DONE, store_ping(rig->store, &rig->err));
}

void test_store_live__server_away_is_retry_and_the_same_store_works_again(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    put_stock(rig);
    const mongoc_host_list_t *host = mongoc_uri_get_hosts(mongoc_client_get_uri(rig->client));
    struct tunnel tunnel = {.server = str_of(host->host_and_port)};
    tunnel_start(&tunnel);
    struct store *direct = rig->store;
    rig->store = open_store(
        rig, str_printf(&rig->arena, "mongodb://127.0.0.1:%u/?directConnection=true", tunnel.port),
        2000);
    assert_int_equal(on_hand(rig, "MUG"), 10);
    const struct commit commit = order_commit(rig, "one", 1);
    const struct commit alone = commit_of(rig, NULL, 0, "alone", 0);
    const struct str id = STR("MUG");
    struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
    for (int round = 0; round < 2; round++) {
        tunnel_stop(&tunnel);
        const enum outcome lost = store_commit(rig->store, &alone, &rig->err);
        assert_true(lost == OUTCOME_RETRY || lost == OUTCOME_UNCERTAIN);
        assert_outcome(rig, OUTCOME_RETRY, store_resolve(rig->store, &alone, &rig->err));
        assert_outcome(rig, OUTCOME_RETRY, store_find(rig->store, &rig->arena, &find, &rig->err));
        assert_outcome(rig, OUTCOME_RETRY, store_commit(rig->store, &commit, &rig->err));
        assert_outcome(rig, OUTCOME_RETRY, store_ping(rig->store, &rig->err));
        tunnel_start(&tunnel);
        wait_for_server(rig);
        assert_untouched(rig);
    }
    assert_outcome(rig, OUTCOME_CONFLICT, store_resolve(rig->store, &alone, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
    assert_applied(rig);
    store_close(rig->store);
    rig->store = direct;
    tunnel_stop(&tunnel);
    rig_close(rig);
}

static int reported;

static void count_report(const char *line)
{
    (void)line;
    reported++;
}

void test_store_live__indexes_are_made_once_and_checked(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    assert_outcome(rig, OUTCOME_DONE, store_check_indexes(rig->store, &rig->err));
    reported = 0;
    assert_outcome(rig, OUTCOME_DONE, store_apply_indexes(rig->store, count_report, &rig->err));
    assert_int_equal(reported, 0);
    mongoc_collection_t *things =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "things");
    assert_true(mongoc_collection_drop_index(things, "sku", NULL));
    assert_outcome(rig, OUTCOME_BUG, store_check_indexes(rig->store, &rig->err));
    bson_t *other = BCON_NEW("createIndexes", "things", "indexes", "[", "{", "name", "sku", "key",
                             "{", "sku", BCON_INT32(-1), "}", "}", "]");
    assert_true(mongoc_client_write_command_with_opts(rig->client, rig->database.ptr, other, NULL,
                                                      NULL, NULL));
    bson_destroy(other);
    assert_outcome(rig, OUTCOME_BUG, store_check_indexes(rig->store, &rig->err));
    assert_outcome(rig, OUTCOME_BUG, store_apply_indexes(rig->store, quiet, &rig->err));
    assert_non_null(strstr(rig->err.text, "sku"));
    assert_true(mongoc_collection_drop_index(things, "sku", NULL));
    assert_outcome(rig, OUTCOME_DONE, store_apply_indexes(rig->store, count_report, &rig->err));
    assert_int_equal(reported, 1);
    mongoc_collection_destroy(things);
    rig_close(rig);
}

void test_store_live__changed_retention_moves_the_expiry(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    const struct store_options options = {.uri = rig->uri,
                                          .database = rig->database,
                                          .journal_retention_s = 3600,
                                          .types = test_types,
                                          .type_count = COUNT(test_types)};
    struct store *other = NULL;
    assert_outcome(rig, OUTCOME_DONE, store_open(&options, &other, &rig->err));
    assert_outcome(rig, OUTCOME_BUG, store_check_indexes(other, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_apply_indexes(other, quiet, &rig->err));
    assert_outcome(rig, OUTCOME_DONE, store_check_indexes(other, &rig->err));
    store_close(other);
    rig_close(rig);
}

/* The lookup of message keys runs for every batch: it must use the partial index. */
void test_store_live__journal_lookup_uses_its_index(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    bson_error_t error = {0};
    bson_t reply;
    const char json[] =
        "{\"explain\":{\"find\":\"journal\",\"filter\":{\"keys\":{\"$in\":["
        "{\"$binary\":{\"base64\":\"AAAAAAAAAAAAAAAAAAAAAA==\",\"subType\":\"00\"}},"
        "{\"$binary\":{\"base64\":\"AQAAAAAAAAAAAAAAAAAAAA==\",\"subType\":\"00\"}}]}}}}";
    bson_t *command = bson_new_from_json((const uint8_t *)json, -1, &error);
    assert_non_null(command);
    assert_true(mongoc_client_command_simple(rig->client, rig->database.ptr, command, NULL, &reply,
                                             &error));
    char *text = bson_as_canonical_extended_json(&reply, NULL);
    if (!strstr(text, "IXSCAN") || strstr(text, "COLLSCAN"))
        fail_msg("%s", text);
    bson_free(text);
    bson_destroy(&reply);
    bson_destroy(command);
    rig_close(rig);
}

/* --- how long it takes: for information, never asserted --------------------------------------- */

#define ORDERS 100
#define STOCKS 180
#define CARTS  100
#define EVENTS 200

static struct str kilobyte(struct rig *rig)
{
    char *bytes = arena_bytes(&rig->arena, 1025);
    memset(bytes, 'x', 1024);
    bytes[1024] = '\0';
    return (struct str){bytes, 1024};
}

static struct thing *new_order(struct rig *rig, const char *kind, int round, int n, int64_t version)
{
    struct thing *thing = new_thing(&rig->arena, id_new(&rig->arena, clock_now_ms()),
                                    str_printf(&rig->arena, "%s-%d-%d", kind, round, n));
    thing->data = str_printf(&rig->arena, "%.500s", kilobyte(rig).ptr);
    thing->head.version = version;
    return thing;
}

/* What one batch of 100 orders writes: orders, stock, carts, and a journal entry with every reply
 * and event. */
static struct commit big_commit(struct rig *rig, int round, struct thing **carts)
{
    struct write *writes = arena_array(&rig->arena, ORDERS + STOCKS + CARTS, sizeof(*writes));
    struct journal_reply *replies = arena_array(&rig->arena, ORDERS, sizeof(*replies));
    struct journal_event *events = arena_array(&rig->arena, EVENTS, sizeof(*events));
    const struct str body = kilobyte(rig);
    size_t n = 0;
    for (int i = 0; i < ORDERS; i++) {
        writes[n++] =
            (struct write){WRITE_INSERT, &order_type, new_order(rig, "order", round, i, 1), 0};
        id_to_bytes(id_new(&rig->arena, clock_now_ms()), replies[i].key.bytes);
        replies[i].status = 201;
        replies[i].body = body;
    }
    for (int i = 0; i < STOCKS; i++) {
        struct stock *stock =
            new_stock(&rig->arena, str_printf(&rig->arena, "SKU-%d", i), 1000 - round);
        stock->head.version = round + 1;
        writes[n++] =
            (struct write){round ? WRITE_REPLACE : WRITE_INSERT, &stock_type, stock, round};
    }
    for (int i = 0; i < CARTS; i++) {
        if (round == 0)
            carts[i] = new_order(rig, "cart", 0, i, 1);
        carts[i]->head.version = round + 1;
        writes[n++] =
            (struct write){round ? WRITE_REPLACE : WRITE_INSERT, &cart_type, carts[i], round};
    }
    for (int i = 0; i < EVENTS; i++)
        events[i] = (struct journal_event){id_new(&rig->arena, clock_now_ms()), STR("events"),
                                           STR("order.placed"), body, STR_ABSENT};
    return (struct commit){id_new(&rig->arena, clock_now_ms()),
                           clock_now_ms(),
                           writes,
                           n,
                           replies,
                           ORDERS,
                           events,
                           EVENTS};
}

static int by_number(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int64_t cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

void test_store_live__prints_how_long_a_big_commit_takes(void **state)
{
    (void)state;
    enum { ROUNDS = 41 };
    struct rig *rig = rig_open();
    struct thing *carts[CARTS];
    int64_t took[ROUNDS], cpu = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const struct commit commit = big_commit(rig, round, carts);
        const int64_t from = clock_monotonic_us(), cpu_from = cpu_us();
        assert_outcome(rig, OUTCOME_DONE, store_commit(rig->store, &commit, &rig->err));
        took[round] = clock_monotonic_us() - from;
        cpu += cpu_us() - cpu_from;
    }
    qsort(took, ROUNDS, sizeof(took[0]), by_number);
    print_message("commit of %d inserts, %d replaces, %d replies, %d events: median %.1f ms, best "
                  "%.1f ms, own CPU %.2f ms\n",
                  ORDERS, STOCKS + CARTS, ORDERS, EVENTS, (double)took[ROUNDS / 2] / 1000,
                  (double)took[0] / 1000, (double)cpu / 1000 / ROUNDS);
    rig_close(rig);
}
