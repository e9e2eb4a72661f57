/* inventory.get, inventory.set, inventory.adjust: the stock, its events, its ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "inventory/operations.h"
#include "schemas/inventory.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;

static struct str create(int64_t stock)
{
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = STR("Mug"), .price = {255, "GBP"},
                             .sku = STR("MUG"), .stock = {true, stock}));
    return product->id;
}

static bool is_in_stock(struct str id)
{
    const struct product *product = store_fake_get(shop.lane.store, &product_type, id);
    return product->in_stock;
}

void test_inventory__get(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(10);
    const struct job *job = shop_admin(&shop, inventory_get, .product_id = id);
    shop_done(job);
    assert_string_equal(
        json_of_shape(&shop.arena, job->reply_shape, job->reply_data).ptr,
        str_printf(&shop.arena,
                   "{\"productId\":\"%s\",\"sku\":\"MUG\",\"onHand\":10,\"reserved\":0,"
                   "\"available\":10,\"version\":1}",
                   id.ptr)
            .ptr);
    shop_refused(shop_admin(&shop, inventory_get, .product_id = STR(NOBODY)), E_NOT_FOUND);
    shop_close(&shop);
}

void test_inventory__set_compares_first(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(10);
    shop_refused(
        shop_admin(&shop, inventory_set, .product_id = id, .on_hand = 20, .change_from = {true, 9}),
        E_STALE_QUANTITY);
    const struct stock_view *stock = shop_done(shop_admin(
        &shop, inventory_set, .product_id = id, .on_hand = 20, .change_from = {true, 10}));
    assert_int_equal(stock->on_hand, 20);
    assert_int_equal(stock->version, 2);
    assert_string_equal(shop_events(&shop), "stock.changed");
    shop_close(&shop);
}

void test_inventory__never_below_what_is_reserved(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(10);
    struct stock stock =
        *(const struct stock *)store_fake_get(shop.lane.store, &stock_type, STR("MUG"));
    stock.reserved = 4;
    store_fake_put(shop.lane.store, &stock_type, &stock);
    shop_refused(shop_admin(&shop, inventory_set, .product_id = id, .on_hand = 3),
                 E_NEGATIVE_STOCK);
    shop_refused(shop_admin(&shop, inventory_adjust, .product_id = id, .delta = -7),
                 E_NEGATIVE_STOCK);
    const struct stock_view *after =
        shop_done(shop_admin(&shop, inventory_adjust, .product_id = id, .delta = -6));
    assert_int_equal(after->on_hand, 4);
    assert_int_equal(after->available, 0);
    shop_close(&shop);
}

void test_inventory__alarms_and_the_products_flag(void **state)
{
    (void)state;
    static const struct {
        int64_t on_hand;
        const char *events;
        bool in_stock;
    } rows[] = {
        {6, "stock.changed", true},
        {5, "stock.changed stock.low", true},
        {4, "stock.changed", true},
        {0, "product.updated stock.changed stock.out", false},
        {0, "", false},
        {3, "product.updated stock.changed", true},
        {9, "stock.changed", true},
        {0, "product.updated stock.changed stock.out", false},
        {9, "product.updated stock.changed", true},
    };
    shop_open(&shop);
    const struct str id = create(10);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shop_done(shop_admin(&shop, inventory_set, .product_id = id, .on_hand = rows[i].on_hand));
        assert_string_equal(shop_events(&shop), rows[i].events);
        assert_int_equal(is_in_stock(id), rows[i].in_stock);
    }
    shop_close(&shop);
}

void test_inventory__adjustments_are_kept(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(10);
    shop_done(shop_admin(&shop, inventory_adjust, .product_id = id, .delta = -3,
                         .reason = STR("broken")));
    shop_done(shop_admin(&shop, inventory_set, .product_id = id, .on_hand = 12));
    shop_done(shop_admin(&shop, inventory_adjust, .product_id = id, .delta = 0));
    shop_refused(shop_admin(&shop, inventory_adjust, .product_id = id, .delta = -13),
                 E_NEGATIVE_STOCK);
    assert_int_equal(store_fake_count(shop.lane.store, &stock_adjustment_type), 2);
    shop_close(&shop);
}

/* Many changes of one batch are one write and one stock.changed, the last. */
void test_inventory__a_batch_tells_only_the_last_state(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(10);
    const struct inventory_adjust_request request = {.product_id = id, .delta = 1};
    for (int i = 0; i < 5; i++)
        shop_send(&shop, &inventory_adjust, ADMIN, BOSS, &request);
    shop_run(&shop);
    assert_string_equal(shop_events(&shop), "stock.changed");
    const struct stock *stock = store_fake_get(shop.lane.store, &stock_type, STR("MUG"));
    assert_int_equal(stock->on_hand, 15);
    assert_int_equal(stock->head.version, 6);
    shop_close(&shop);
}
