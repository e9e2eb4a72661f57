/* test_catalog_live.c - the lists of the catalog on a real database: every one goes by an index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "catalog/reindex.h"
#include "catalog/search.h"
#include "schemas/category.h"
#include "schemas/product.h"
#include "shop_rig.h"

#define PRODUCTS   3000
#define CATEGORIES 30

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

static int64_t reindexed;

static void count_written(const struct swept *so_far)
{
    reindexed = so_far->written;
}

static void reindex(void)
{
    struct err err = {0};
    struct swept done;
    if (products_reindex(shop.lane.store, count_written, &done, &err) != OUTCOME_DONE)
        fail_msg("products_reindex: %s", err.text);
    assert_int_equal(done.seen, PRODUCTS);
    assert_int_equal(done.written, reindexed);
}

void test_catalog_live__lists_go_by_indexes(void **state)
{
    (void)state;
    open_shop("catalogtest");
    put_categories();
    put_products();
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
