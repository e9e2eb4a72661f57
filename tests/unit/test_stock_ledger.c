/* The stock ledger: every move of stock is in it, with its cause, in the commit that made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/operations.h"
#include "catalog/operations.h"
#include "inventory/operations.h"
#include "order/operations.h"
#include "schemas/cart.h"
#include "schemas/inventory.h"
#include "schemas/order.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;
static struct str mug;

/* "reserve MUG v2 0/+4 10/4; ..." of the page that the last batch wrote; "" when it wrote none. */
static const char *moves_of_last_batch(void)
{
    const struct ledger_page *page =
        store_fake_get(shop.lane.store, &stock_ledger, shop.batch.commit.id);
    struct text text;
    text_init(&text, &shop.arena, 128);
    for (size_t i = 0; page && i < page->entries.count; i++) {
        const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
        text_printf(&text, "%s%s %.*s v%" PRId64 " %+" PRId64 "/%+" PRId64 " %" PRId64 "/%" PRId64,
                    i ? "; " : "", stock_move_names[movement->move], STR_FMT(movement->sku),
                    movement->version, movement->d_on_hand, movement->d_reserved, movement->on_hand,
                    movement->reserved);
    }
    return text_str(&text).ptr ? text_str(&text).ptr : "";
}

static struct str cause_of_last_batch(size_t i)
{
    const struct ledger_page *page =
        store_fake_get(shop.lane.store, &stock_ledger, shop.batch.commit.id);
    assert_non_null(page);
    assert_true(i < page->entries.count);
    return ((const struct stock_movement *)ledger_entry(&stock_ledger, page, i))->cause;
}

static void assert_str(struct str is, struct str should)
{
    if (!str_eq(is, should))
        fail_msg("'%.*s' instead of '%.*s'", STR_FMT(is), STR_FMT(should));
}

static void open_shop(int64_t stock)
{
    shop_open(&shop);
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = STR("Mug"), .price = {255, "GBP"},
                             .sku = STR("MUG"), .stock = {true, stock}));
    mug = product->id;
}

static struct str order_mugs(const char *user, int64_t quantity)
{
    shop_done(shop_customer(&shop, user, cart_item_add, .product_id = mug, .quantity = quantity));
    const struct order *order = shop_done(shop_customer(&shop, user, order_place, 0));
    return order->head.id;
}

void test_stock_ledger__begins_with_the_product(void **state)
{
    (void)state;
    open_shop(10);
    assert_string_equal(moves_of_last_batch(), "open MUG v1 +10/+0 10/0");
    assert_str(cause_of_last_batch(0), mug);
    shop_done(shop_admin(&shop, product_create, .name = STR("Pot"), .price = {255, "GBP"},
                         .sku = STR("POT")));
    assert_string_equal(moves_of_last_batch(), "open POT v1 +0/+0 0/0");
    shop_close(&shop);
}

void test_stock_ledger__follows_an_order_through_its_life(void **state)
{
    (void)state;
    open_shop(10);
    const struct str id = order_mugs(ANNA, 4);
    assert_string_equal(moves_of_last_batch(), "reserve MUG v2 +0/+4 10/4");
    assert_str(cause_of_last_batch(0), id);
    shop_done(shop_admin(&shop, order_status_set, .order_id = id, .status = ORDER_PAID));
    assert_string_equal(moves_of_last_batch(), "");
    shop_done(shop_admin(&shop, order_status_set, .order_id = id, .status = ORDER_PROCESSING));
    shop_done(shop_admin(&shop, order_status_set, .order_id = id, .status = ORDER_SHIPPED));
    assert_string_equal(moves_of_last_batch(), "consume MUG v3 -4/-4 6/0");
    assert_str(cause_of_last_batch(0), id);
    const struct str other = order_mugs(BERT, 6);
    shop_done(shop_customer(&shop, BERT, order_cancel, .order_id = other));
    assert_string_equal(moves_of_last_batch(), "release MUG v5 +0/-6 6/0");
    assert_str(cause_of_last_batch(0), other);
    shop_close(&shop);
}

/* The cause is the adjustment, which knows who and why. */
void test_stock_ledger__names_the_adjustment(void **state)
{
    (void)state;
    open_shop(10);
    shop_done(shop_admin(&shop, inventory_adjust, .product_id = mug, .delta = -3));
    assert_string_equal(moves_of_last_batch(), "adjust MUG v2 -3/+0 7/0");
    const struct stock_adjustment *adjustment =
        store_fake_get(shop.lane.store, &stock_adjustment_type, cause_of_last_batch(0));
    assert_non_null(adjustment);
    assert_int_equal(adjustment->delta, -3);
    shop_done(shop_admin(&shop, inventory_set, .product_id = mug, .on_hand = 12));
    assert_string_equal(moves_of_last_batch(), "adjust MUG v3 +5/+0 12/0");
    shop_done(shop_admin(&shop, inventory_set, .product_id = mug, .on_hand = 12));
    assert_string_equal(moves_of_last_batch(), "");
    shop_close(&shop);
}

/* One page for the whole batch, in the order of the decisions, and nothing of the third, who is
 * refused. */
void test_stock_ledger__one_page_for_a_batch(void **state)
{
    (void)state;
    open_shop(10);
    const struct inventory_adjust_request less = {.product_id = mug, .delta = -4};
    for (int i = 0; i < 3; i++)
        shop_send(&shop, &inventory_adjust, ADMIN, BOSS, &less);
    shop_run(&shop);
    assert_string_equal(moves_of_last_batch(), "adjust MUG v2 -4/+0 6/0; adjust MUG v3 -4/+0 2/0");
    shop_close(&shop);
}

/* When it runs again, because somebody was faster, it has appended once. */
void test_stock_ledger__a_commit_that_failed_leaves_nothing(void **state)
{
    (void)state;
    open_shop(10);
    const size_t pages = store_fake_count(shop.lane.store, &stock_ledger);
    const struct inventory_adjust_request less = {.product_id = mug, .delta = -4};
    struct job *job = shop_send(&shop, &inventory_adjust, ADMIN, BOSS, &less);
    struct err err = {0};
    store_fake_fail(shop.lane.store, STORE_FAKE_COMMIT, 1, OUTCOME_CONFLICT, false);
    assert_int_equal(shop_try(&shop, &err), OUTCOME_CONFLICT);
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), pages);
    job->state = JOB_OPEN;
    shop_run(&shop);
    assert_string_equal(moves_of_last_batch(), "adjust MUG v2 -4/+0 6/0");
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), pages + 1);
    shop_close(&shop);
}
