/* test_reindex.c - products get the keys that their texts say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "catalog/reindex.h"
#include "schemas/product.h"
#include "shop_case.h"

#define PRODUCTS 450 /* more than two parts */

static struct shop shop;
static int parts;

static void count_parts(const struct swept *so_far)
{
    (void)so_far;
    parts++;
}

static void put_old_products(void)
{
    for (int i = 0; i < PRODUCTS; i++) {
        const struct product product = {
            .head = {str_printf(&shop.arena, "%024x", i + 1), 3, 1, 1},
            .name = str_printf(&shop.arena, "Mug n%d", i),
            .slug = str_printf(&shop.arena, "mug-%d", i),
            .description = STR(""),
            .price = {1, "GBP"},
            .sku = str_printf(&shop.arena, "SKU-%d", i),
            .status = PRODUCT_PUBLISHED,
        };
        store_fake_put(shop.lane.store, &product_type, &product);
    }
}

static struct swept reindex(enum outcome expected)
{
    struct err err = {0};
    struct swept done;
    assert_int_equal(products_reindex(shop.lane.store, count_parts, &done, &err), expected);
    return done;
}

static size_t found(const char *search)
{
    const struct {
        LIST(struct product_view) items;
    } *page = shop_done(shop_customer(&shop, ANNA, product_list, .search = str_of(search),
                                      .sort = -1, .status = -1));
    return page->items.count;
}

void test_reindex__old_products_are_found_after_it(void **state)
{
    (void)state;
    shop_open(&shop);
    put_old_products();
    assert_int_equal(found("n449"), 0);
    parts = 0;
    const struct swept done = reindex(OUTCOME_DONE);
    assert_int_equal(done.seen, PRODUCTS);
    assert_int_equal(done.written, PRODUCTS);
    assert_int_equal(parts, 3);
    assert_int_equal(found("n448"), 1);
    const struct product *product =
        store_fake_get(shop.lane.store, &product_type, STR("000000000000000000000001"));
    assert_int_equal(product->head.version, 4);
    assert_int_equal(product->head.updated_at, 1);
    assert_int_equal(reindex(OUTCOME_DONE).written, 0);
    shop_close(&shop);
}

/* What was done stays done; somebody who was faster is looked at again. */
void test_reindex__goes_on_where_it_ended(void **state)
{
    (void)state;
    shop_open(&shop);
    put_old_products();
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 2, OUTCOME_RETRY, false);
    assert_int_equal(reindex(OUTCOME_RETRY).written, 200);
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 1, OUTCOME_CONFLICT, false);
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 2, OUTCOME_UNCERTAIN, true);
    const struct swept done = reindex(OUTCOME_DONE);
    assert_int_equal(done.seen, PRODUCTS);
    assert_int_equal(found("n0"), 1);
    assert_int_equal(found("n449"), 1);
    shop_close(&shop);
}
