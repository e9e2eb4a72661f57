/* test_migrate.c - what an older release stored is stored in our form; nothing is lost, whoever is
 * faster. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inventory/stock.h"
#include "migrate.h"
#include "shop_case.h"
#include "store/bson_codec.h"

#define STOCKS 250 /* more than two parts */
#define PART   100

static struct shop shop;
static struct store *store;
static int parts, told;

/* --- what is stored ------------------------------------------------------------------------------- */

static struct str sku(int number)
{
    return str_printf(&shop.arena, "A-SKU-THAT-IS-LONGER-THAN-AN-ID-%04d", number);
}

/* Without the productVersion, which has a fallback, and with a member of a newer release. */
static void put_old(int number)
{
    bson_oid_t product;
    bson_oid_init_from_string(&product, NOBODY);
    bson_t *bson =
        BCON_NEW("_id", sku(number).ptr, "version", BCON_INT64(3), "createdAt", BCON_DATE_TIME(1),
                 "updatedAt", BCON_DATE_TIME(2), "productId", BCON_OID(&product), "onHand",
                 BCON_INT64(10), "reserved", BCON_INT64(4), "color", "blue");
    store_fake_put_stored(store, &stock_type, sku(number),
                          (struct str){(const char *)bson_get_data(bson), bson->len});
    bson_destroy(bson);
}

static const struct stock *stock(int number)
{
    return store_fake_get(store, &stock_type, sku(number));
}

static bool is_old(int number)
{
    return doc_head(stock(number))->older;
}

static void begin(int count)
{
    shop_open(&shop);
    store = shop.lane.store;
    for (int i = 0; i < count; i++)
        put_old(i);
}

static void end(void)
{
    shop_close(&shop);
}

/* --- the run -------------------------------------------------------------------------------------- */

static void (*meanwhile)(void); /* NULL: nothing happens when a document is told of */

static void count_told(void *context, struct str id, struct str why)
{
    (void)context;
    (void)id;
    assert_true(why.len > 0);
    told++;
    if (meanwhile)
        meanwhile();
}

static void count_part(void *context, const struct migrated *so_far)
{
    (void)context;
    (void)so_far;
    parts++;
}

static struct migrated run(enum outcome expected, bool dry_run, int64_t rate)
{
    struct err err = {0};
    struct migrated done;
    const struct migration migration = {.type = &stock_type,
                                        .dry_run = dry_run,
                                        .rate = rate,
                                        .stays = count_told,
                                        .progress = count_part};
    parts = told = 0;
    assert_int_equal(migrate_run(store, &migration, &done, &err), expected);
    return done;
}

void test_migrate__what_is_older_is_stored_anew_and_nothing_else_changes(void **state)
{
    (void)state;
    begin(STOCKS);
    assert_true(is_old(0) && is_old(STOCKS - 1));
    struct migrated done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.seen, STOCKS);
    assert_int_equal(done.older, STOCKS);
    assert_int_equal(done.written, STOCKS);
    assert_int_equal(done.misfits + done.left + told, 0);
    assert_int_equal(parts, 3);
    for (int i = 0; i < STOCKS; i++) {
        assert_false(is_old(i));
        assert_int_equal(stock(i)->head.version, 3);
        assert_int_equal(stock(i)->head.updated_at, 2);
        assert_int_equal(stock(i)->on_hand, 10);
        assert_true(stock(i)->head.kept.len > 0); /* the color */
    }
    const size_t commits = store_fake_commits(store);
    done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.seen, STOCKS);
    assert_int_equal(done.older + done.written, 0);
    assert_int_equal(store_fake_commits(store), commits);
    end();
}

void test_migrate__a_dry_run_only_counts(void **state)
{
    (void)state;
    begin(STOCKS);
    const struct migrated done = run(OUTCOME_DONE, true, 0);
    assert_int_equal(done.older, STOCKS);
    assert_int_equal(done.written, 0);
    assert_int_equal(store_fake_commits(store), 0);
    assert_true(is_old(0));
    end();
}

void test_migrate__goes_on_where_it_ended(void **state)
{
    (void)state;
    begin(STOCKS);
    store_fake_fail(store, STORE_FAKE_COMMIT, 2, OUTCOME_RETRY, false);
    assert_int_equal(run(OUTCOME_RETRY, false, 0).written, PART);
    const struct migrated done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.seen, STOCKS);
    assert_int_equal(done.written, STOCKS - PART);
    end();
}

void test_migrate__what_cannot_be_read_is_told_and_stays(void **state)
{
    (void)state;
    begin(STOCKS);
    for (int i = 0; i < PART; i++) /* a whole part, and then some */
        store_fake_put_misfit(store, &stock_type, sku(i), STR("field x of y is missing"));
    store_fake_put_misfit(store, &stock_type, sku(STOCKS - 1), STR("is not BSON"));
    const struct migrated done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.seen, STOCKS - PART - 1);
    assert_int_equal(done.written, STOCKS - PART - 1);
    assert_int_equal(done.misfits, PART + 1);
    assert_int_equal(told, PART + 1);
    end();
}

/* As when an upgraded document has a value that another one has in a unique index. */
void test_migrate__what_cannot_be_written_is_left_alone(void **state)
{
    (void)state;
    begin(5);
    store_fake_fail(store, STORE_FAKE_COMMIT, 1, OUTCOME_BUG, false);
    store_fake_fail(store, STORE_FAKE_COMMIT, 3, OUTCOME_BUG, false);
    struct migrated done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.written, 4);
    assert_int_equal(done.left, 1);
    assert_int_equal(told, 1);
    assert_true(is_old(1));
    assert_false(is_old(0) || is_old(2) || is_old(4));
    for (int i = 1; i <= 11; i++) /* the part, and every try of the one that is left */
        store_fake_fail(store, STORE_FAKE_COMMIT, i, OUTCOME_CONFLICT, false);
    done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(done.left, 1);
    assert_int_equal(run(OUTCOME_DONE, false, 0).written, 1);
    end();
}

void test_migrate__a_commit_of_unknown_fate_is_looked_at_again(void **state)
{
    (void)state;
    for (int applied = 0; applied < 2; applied++) {
        begin(5);
        store_fake_fail(store, STORE_FAKE_COMMIT, 1, OUTCOME_UNCERTAIN, applied);
        const struct migrated done = run(OUTCOME_DONE, false, 0);
        assert_int_equal(done.written, applied ? 0 : 5);
        assert_int_equal(done.left, 0);
        assert_false(is_old(0) || is_old(4));
        end();
    }
}

/* --- at a bounded rate ---------------------------------------------------------------------------- */

static int64_t paused_ms;

static int64_t stands_still(void)
{
    return 1700000000000;
}

static void count_pause(int64_t ms)
{
    paused_ms += ms;
}

void test_migrate__writes_at_a_bounded_rate(void **state)
{
    (void)state;
    static const struct clock_source source = {stands_still, stands_still, count_pause};
    begin(STOCKS);
    paused_ms = 0;
    clock_set_source(&source);
    run(OUTCOME_DONE, true, 50);
    assert_int_equal(paused_ms, 0);
    run(OUTCOME_DONE, false, 50);
    assert_int_equal(paused_ms, STOCKS / 50 * MS_PER_SECOND);
    run(OUTCOME_DONE, false, 50); /* reading is not bounded */
    assert_int_equal(paused_ms, STOCKS / 50 * MS_PER_SECOND);
    clock_set_source(NULL);
    end();
}

/* --- beside workers ------------------------------------------------------------------------------- */

static void (*before_commit)(void);

/* Takes a piece. Between its loading and its commit something happens, once. */
static enum outcome take_piece(struct job *job, const void *request, struct err *err)
{
    struct stock *one = NULL;
    (void)request;
    (void)err;
    NEED(job, job_doc(job, &stock_type, sku(1), DOC_FOR_UPDATE, (void **)&one));
    if (before_commit)
        before_commit();
    before_commit = NULL;
    one->on_hand--;
    job_changed(job, one);
    return reply_empty(job);
}

static const struct operation take_operation = {.name = "inventory.take", .handle = take_piece};

static void take_one(void)
{
    meanwhile = NULL;
    shop_done(shop_do(&shop, &take_operation, ADMIN, BOSS, NULL));
}

/* The command commits after the documents were read here, and before they are written. */
void test_migrate__a_command_that_is_faster_loses_nothing(void **state)
{
    (void)state;
    begin(5);
    store_fake_put_misfit(store, &stock_type, sku(4), STR("is told of in between"));
    before_commit = NULL;
    meanwhile = take_one;
    const struct migrated done = run(OUTCOME_DONE, false, 0);
    assert_int_equal(stock(1)->on_hand, 9);
    assert_int_equal(stock(1)->head.version, 4);
    assert_int_equal(done.older, 4);
    assert_int_equal(done.written, 3); /* the command has stored our form */
    for (int i = 0; i < 4; i++)
        assert_false(is_old(i));
    end();
}

static void migrate_now(void)
{
    assert_int_equal(run(OUTCOME_DONE, false, 0).written, 5);
    assert_int_equal(stock(1)->head.version, 3);
}

/* The documents are written here after the command has loaded one, and before it commits: the version
 * that it loaded still holds, and so does what it decided. */
void test_migrate__a_command_that_is_slower_loses_nothing(void **state)
{
    (void)state;
    begin(5);
    before_commit = migrate_now;
    meanwhile = NULL;
    shop_done(shop_do(&shop, &take_operation, ADMIN, BOSS, NULL));
    assert_int_equal(stock(1)->on_hand, 9);
    assert_int_equal(stock(1)->head.version, 4);
    assert_false(is_old(1));
    assert_int_equal(shop.lane.counters.conflicts, 0);
    end();
}
