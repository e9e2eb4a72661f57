/* test_catalog_live.c - the lists of the catalog on a real database: every one goes by an index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unit/shop_case.h"
#include "base/clock.h"
#include "catalog/operations.h"
#include "catalog/reindex.h"
#include "catalog/search.h"
#include "schemas/category.h"
#include "schemas/product.h"
#include "store/mongoc_headers.h"

#define PRODUCTS   3000
#define CATEGORIES 30

static struct shop shop;
static mongoc_client_t *client; /* the test's own eyes */
static struct str database;

static void quiet(const char *line)
{
    (void)line;
}

static void commit_all(struct write *writes, size_t count)
{
    struct err err = {0};
    const int64_t now = clock_now_ms();
    const struct commit commit = {
        .id = id_new(&shop.arena, now), .now = now, .writes = writes, .write_count = count};
    if (store_commit(shop.lane.store, &commit, &err) != OUTCOME_DONE)
        fail_msg("store_commit: %s", err.text);
}

static void put_categories(void)
{
    struct write writes[CATEGORIES];
    for (int i = 0; i < CATEGORIES; i++) {
        struct category *category = ARENA_NEW(&shop.arena, struct category);
        *category = (struct category){.head = {str_printf(&shop.arena, "%024x", i + 1), 1, 1, 1},
                                      .name = str_printf(&shop.arena, "Shelf number%d", i),
                                      .slug = str_printf(&shop.arena, "shelf-%d", i)};
        writes[i] = (struct write){WRITE_INSERT, &category_type, category, 0};
    }
    commit_all(writes, CATEGORIES);
}

static struct product *new_product(int i)
{
    static const char *const colours[] = {"red", "green", "blue", "grey", "white"};
    struct product *product = ARENA_NEW(&shop.arena, struct product);
    *product = (struct product){
        .head = {str_printf(&shop.arena, "%024x", 0x1000 + i), 1, 1 + i % 7, 1},
        .name = str_printf(&shop.arena, "Mug %s n%d", colours[i % 5], i),
        .slug = str_printf(&shop.arena, "mug-%d", i),
        .description = STR("For tea, coffee and soup."),
        .category_id = str_printf(&shop.arena, "%024x", i % CATEGORIES + 1),
        .price = {i % 900, "GBP"},
        .sku = str_printf(&shop.arena, "SKU-%d", i),
        .status = i % 50 == 0 ? PRODUCT_DRAFT : PRODUCT_PUBLISHED,
        .in_stock = i % 3 != 0,
    };
    return product;
}

/* As a release without keys stored them. */
static void put_products(void)
{
    struct write *writes = arena_array(&shop.arena, PRODUCTS, sizeof(*writes));
    for (int i = 0; i < PRODUCTS; i++)
        writes[i] = (struct write){WRITE_INSERT, &product_type, new_product(i), 0};
    for (size_t i = 0; i < PRODUCTS; i += 500)
        commit_all(writes + i, 500);
}

static void open_shop(void)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    if (!uri)
        skip();
    struct err err = {0};
    shop_open(&shop);
    store_close(shop.lane.store);
    database = str_printf(&shop.arena, "catalogtest_%s", id_new(&shop.arena, clock_now_ms()).ptr);
    const struct store_options options = {.uri = str_of(uri),
                                          .database = database,
                                          .timeout_ms = 20000,
                                          .types = shop_types,
                                          .type_count =
                                              sizeof(shop_types) / sizeof(shop_types[0]) - 1};
    if (store_open(&options, &shop.lane.store, &err) != OUTCOME_DONE ||
        store_apply_indexes(shop.lane.store, quiet, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
    client = mongoc_client_new(uri);
    put_categories();
    put_products();
}

static void close_shop(void)
{
    bson_error_t error;
    mongoc_database_t *mine = mongoc_client_get_database(client, database.ptr);
    mongoc_database_drop(mine, &error);
    mongoc_database_destroy(mine);
    mongoc_client_destroy(client);
    shop_close(&shop);
}

static void profile(int level)
{
    bson_t command = BSON_INITIALIZER;
    bson_error_t error;
    BCON_APPEND(&command, "profile", BCON_INT32(level));
    if (!mongoc_client_command_simple(client, database.ptr, &command, NULL, NULL, &error))
        fail_msg("profile: %s", error.message);
    bson_destroy(&command);
}

struct plans {
    int64_t count;
    int64_t most_examined; /* documents that one of them looked at */
};

/* The plans of the queries that were profiled; fails at one that read a whole collection. */
static struct plans profiled(void)
{
    const bson_t *doc;
    bson_t filter = BSON_INITIALIZER;
    struct plans plans = {0};
    mongoc_collection_t *profiles =
        mongoc_client_get_collection(client, database.ptr, "system.profile");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(profiles, &filter, NULL, NULL);
    while (mongoc_cursor_next(cursor, &doc)) {
        bson_iter_t plan, examined;
        if (!bson_iter_init_find(&plan, doc, "planSummary"))
            continue;
        if (strstr(bson_iter_utf8(&plan, NULL), "COLLSCAN"))
            fail_msg("%s", bson_as_canonical_extended_json(doc, NULL));
        plans.count++;
        if (bson_iter_init_find(&examined, doc, "docsExamined") &&
            bson_iter_as_int64(&examined) > plans.most_examined)
            plans.most_examined = bson_iter_as_int64(&examined);
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(profiles);
    bson_destroy(&filter);
    return plans;
}

static int64_t reindexed;

static void count_written(const struct reindex *so_far)
{
    reindexed = so_far->written;
}

static void reindex(void)
{
    struct err err = {0};
    struct reindex done;
    if (products_reindex(shop.lane.store, count_written, &done, &err) != OUTCOME_DONE)
        fail_msg("products_reindex: %s", err.text);
    assert_int_equal(done.seen, PRODUCTS);
    assert_int_equal(done.written, reindexed);
}

void test_catalog_live__lists_go_by_indexes(void **state)
{
    (void)state;
    open_shop();
    reindex();
    assert_int_equal(reindexed, PRODUCTS);
    reindex(); /* once is enough */
    assert_int_equal(reindexed, 0);
    /* A rare word is found by its key: all that is looked at are the categories, and the product. */
    profile(2);
    shop_done(shop_customer(&shop, ANNA, product_list, .status = -1, .sort = -1,
                            .search = STR("mug n2998")));
    profile(0);
    assert_true(profiled().count > 0);
    assert_true(profiled().most_examined <= CATEGORIES);
    static const char *const searches[] = {"mug",     "red n17",  "n2999",       "mug re",
                                           "number3", "sku-1234", "tea number5", "?"};
    static const char *const sorts[] = {"relevance", "newest", "name", "priceAsc", "priceDesc"};
    profile(2);
    int64_t asked = 0;
    for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
        const int sort = enum_of(product_list_sort_names, str_of(sorts[i]));
        for (size_t k = 0; k < sizeof(searches) / sizeof(searches[0]); k++, asked++)
            shop_done(shop_customer(&shop, ANNA, product_list, .search = str_of(searches[k]),
                                    .status = -1, .sort = sort));
        shop_done(shop_customer(&shop, ANNA, product_list, .status = -1, .sort = sort));
        shop_done(shop_customer(&shop, ANNA, product_list, .status = -1, .sort = sort,
                                .category_id = STR("000000000000000000000005"),
                                .min_price = {true, 100}, .in_stock = {true, true}));
    }
    shop_done(shop_customer(&shop, ANNA, category_list, .cursor = STR_ABSENT));
    shop_done(shop_customer(&shop, ANNA, category_list, .cursor = STR("")));
    profile(0);
    assert_true(profiled().count >= asked);
    close_shop();
}
