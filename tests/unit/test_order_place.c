/* order.place: all of the cart or nothing, at today's prices, and never more than there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/operations.h"
#include "catalog/operations.h"
#include "order/operations.h"
#include "schemas/cart.h"
#include "schemas/order.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;
static struct str mug, hat;

static struct str create(struct str name, int64_t price, int64_t stock)
{
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = name, .sku = name,
                             .price = {price, "GBP"}, .stock = {true, stock}));
    return product->id;
}

static void open_with_goods(void)
{
    shop_open(&shop);
    mug = create(STR("mug"), 255, 10);
    hat = create(STR("hat"), 1000, 20);
}

static void add(const char *user, struct str product, int64_t quantity)
{
    shop_done(
        shop_customer(&shop, user, cart_item_add, .product_id = product, .quantity = quantity));
}

static const struct stock *stock_of(const char *sku)
{
    return store_fake_get(shop.lane.store, &stock_type, str_of(sku));
}

static size_t orders(void)
{
    return store_fake_count(shop.lane.store, &order_type);
}

/* Nothing was reserved, ordered or taken out of the cart. */
static void assert_untouched(void)
{
    const struct cart *cart = store_fake_get(shop.lane.store, &cart_type, STR(ANNA));
    assert_int_equal(orders(), 0);
    assert_int_equal(cart->lines.count, 2);
    assert_int_equal(stock_of("mug")->reserved, 0);
    assert_int_equal(stock_of("hat")->reserved, 0);
    assert_string_equal(shop_events(&shop), "");
}

void test_order_place__takes_all_of_the_cart(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, hat, 1);
    add(ANNA, mug, 2);
    const struct common_address address = {.name = STR("Anna"),
                                           .line1 = STR("1 High St"),
                                           .city = STR("York"),
                                           .postcode = STR("YO1"),
                                           .country = STR("GB")};
    const struct order *order = shop_done(shop_customer(
        &shop, ANNA, order_place, .expected_version = {true, 2}, .expected_total = {1510, "GBP"},
        .shipping_address = &address, .note = STR("ring twice")));
    assert_string_equal(shop_events(&shop), "stock.changed stock.changed order.placed");
    assert_int_equal(order->status, ORDER_PENDING);
    assert_int_equal(order->total.amount, 1510);
    assert_string_equal(order->user_id.ptr, ANNA);
    assert_string_equal(order->items.items[0].name.ptr, "hat"); /* in the order of the cart */
    assert_int_equal(order->items.items[1].line_total.amount, 510);
    assert_string_equal(order->shipping_address->name.ptr, "Anna");
    assert_string_equal(order->expected_delivery_date.ptr, "2025-11-25");
    assert_int_equal(order->history.count, 1);
    assert_string_equal(order->history.items[0].note.ptr, "ring twice");
    assert_string_equal(order->history.items[0].by.ptr, ANNA);
    assert_int_equal(order->number.len, 15);

    const struct cart_view *cart = shop_done(shop_customer(&shop, ANNA, cart_get, 0));
    assert_int_equal(cart->items.count, 0);
    assert_int_equal(cart->version, 3);
    assert_int_equal(stock_of("mug")->reserved, 2);
    assert_int_equal(stock_of("mug")->on_hand, 10);
    assert_int_equal(stock_of("hat")->reserved, 1);
    assert_int_equal(orders(), 1);
    shop_close(&shop);
}

void test_order_place__an_empty_cart(void **state)
{
    (void)state;
    open_with_goods();
    shop_refused(shop_customer(&shop, ANNA, order_place, 0), E_CART_EMPTY);
    add(ANNA, mug, 1);
    shop_done(shop_customer(&shop, ANNA, order_place, 0));
    shop_refused(shop_customer(&shop, ANNA, order_place, 0), E_CART_EMPTY);
    assert_int_equal(orders(), 1);
    shop_close(&shop);
}

void test_order_place__expectations(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, mug, 1);
    add(ANNA, hat, 1);
    shop_refused(shop_customer(&shop, ANNA, order_place, .expected_version = {true, 1}),
                 E_VERSION_CONFLICT);
    assert_untouched();
    shop_refused(shop_customer(&shop, ANNA, order_place, .expected_total = {1254, "GBP"}),
                 E_PRICE_CHANGED);
    assert_untouched();
    shop_refused(shop_customer(&shop, ANNA, order_place, .expected_total = {1255, "EUR"}),
                 E_PRICE_CHANGED);
    assert_untouched();
    shop_close(&shop);
}

void test_order_place__prices_are_todays(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, mug, 2);
    shop_done(
        shop_admin(&shop, product_update, .product_id = mug, .price = {300, "GBP"}, .status = -1));
    shop_refused(shop_customer(&shop, ANNA, order_place, .expected_total = {510, "GBP"}),
                 E_PRICE_CHANGED);
    const struct order *order = shop_done(shop_customer(&shop, ANNA, order_place, 0));
    assert_int_equal(order->total.amount, 600);
    shop_close(&shop);
}

void test_order_place__one_field_per_line_that_is_short(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, mug, 8);
    add(ANNA, hat, 20);
    add(BERT, mug, 5);
    add(BERT, hat, 5);
    shop_done(shop_customer(&shop, BERT, order_place, 0));
    const struct job *job = shop_customer(&shop, ANNA, order_place, 0);
    shop_refused(job, E_INSUFFICIENT_STOCK);
    assert_int_equal(job->err.field_count, 2);
    assert_string_equal(job->err.fields->pointer.ptr, "/items/0");
    assert_non_null(strstr(job->err.fields->message.ptr, "5 are available"));
    assert_string_equal(job->err.fields->next->pointer.ptr, "/items/1");
    assert_int_equal(stock_of("mug")->reserved, 5);
    shop_close(&shop);
}

void test_order_place__what_is_not_on_sale(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, mug, 1);
    add(ANNA, hat, 1);
    shop_done(shop_admin(&shop, product_update, .product_id = hat, .status = PRODUCT_RETIRED));
    const struct job *job = shop_customer(&shop, ANNA, order_place, 0);
    shop_refused(job, E_NOT_PURCHASABLE);
    assert_int_equal(job->err.field_count, 1);
    assert_string_equal(job->err.fields->pointer.ptr, "/items/1");
    assert_untouched();
    shop_close(&shop);
}

void test_order_place__a_total_too_large_to_count(void **state)
{
    (void)state;
    open_with_goods();
    const struct str gold = create(STR("gold"), INT64_MAX, 1);
    add(ANNA, mug, 1);
    add(ANNA, gold, 1);
    shop_refused(shop_customer(&shop, ANNA, order_place, 0), E_NOT_PURCHASABLE);
    assert_untouched();
    shop_close(&shop);
}

/* The last piece needs the product as well, halfway through: nothing may be done twice. */
void test_order_place__the_last_of_a_product(void **state)
{
    (void)state;
    open_with_goods();
    add(ANNA, mug, 10);
    add(ANNA, hat, 15);
    shop_done(shop_customer(&shop, ANNA, order_place, 0));
    assert_string_equal(
        shop_events(&shop),
        "product.updated stock.changed stock.out stock.changed stock.low order.placed");
    const struct product *product = store_fake_get(shop.lane.store, &product_type, mug);
    assert_false(product->in_stock);
    assert_int_equal(stock_of("mug")->reserved, 10);
    assert_int_equal(stock_of("hat")->reserved, 15);
    assert_int_equal(stock_of("hat")->head.version, 2);
    shop_close(&shop);
}

/* Whoever comes later in the batch sees what the earlier ones took. */
void test_order_place__a_batch_never_oversells(void **state)
{
    (void)state;
    open_with_goods();
    enum { BUYERS = 8, EACH = 3 };
    static const struct order_place_request nothing;
    const char *buyers[BUYERS];
    for (int i = 0; i < BUYERS; i++) {
        buyers[i] = str_printf(&shop.arena, "%024d", i + 1).ptr;
        add(buyers[i], mug, EACH);
        add(buyers[i], hat, 1);
    }
    for (int i = 0; i < BUYERS; i++)
        shop_send(&shop, &order_place, CUSTOMER, buyers[i], &nothing);
    shop_run(&shop);
    for (int i = 0; i < BUYERS; i++)
        if (i < 3)
            shop_done(&shop.jobs[i]);
        else
            shop_refused(&shop.jobs[i], E_INSUFFICIENT_STOCK);
    assert_int_equal(stock_of("mug")->reserved, 3 * EACH);
    assert_int_equal(stock_of("hat")->reserved, 3);
    assert_int_equal(orders(), 3);
    assert_string_equal(shop_events(&shop), "order.placed stock.low order.placed stock.changed "
                                            "stock.changed order.placed");
    shop_close(&shop);
}

void test_order_place__twice_in_one_batch_is_one_order(void **state)
{
    (void)state;
    open_with_goods();
    static const struct order_place_request nothing;
    add(ANNA, mug, 1);
    shop_send(&shop, &order_place, CUSTOMER, ANNA, &nothing);
    shop_send(&shop, &order_place, CUSTOMER, ANNA, &nothing);
    shop_run(&shop);
    shop_done(&shop.jobs[0]);
    shop_refused(&shop.jobs[1], E_CART_EMPTY);
    assert_int_equal(orders(), 1);
    shop_close(&shop);
}
