/* cart.get, cart.item.add, cart.item.update, cart.item.remove, cart.clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/operations.h"
#include "catalog/operations.h"
#include "schemas/cart.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;
static struct str mug, hat;

static struct str create(struct str name, int64_t price)
{
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = name, .sku = name,
                             .price = {price, "GBP"}, .stock = {true, 10}));
    return product->id;
}

static void open_with_goods(void)
{
    shop_open(&shop);
    mug = create(STR("mug"), 255);
    hat = create(STR("hat"), 1000);
}

static struct job *add(const char *user, struct str product, int64_t quantity)
{
    return shop_customer(&shop, user, cart_item_add, .product_id = product, .quantity = quantity);
}

static struct job *update(struct str product, int64_t quantity)
{
    return shop_customer(&shop, ANNA, cart_item_update, .product_id = product,
                         .quantity = quantity);
}

void test_cart_operations__there_is_always_a_cart(void **state)
{
    (void)state;
    open_with_goods();
    const struct cart_view *cart = shop_done(shop_customer(&shop, ANNA, cart_get, 0));
    assert_string_equal(cart->id.ptr, ANNA);
    assert_int_equal(cart->version, 0);
    assert_true(money_is_absent(cart->total));
    cart = shop_done(shop_customer(&shop, ANNA, cart_clear, 0));
    assert_int_equal(cart->version, 0);
    assert_string_equal(shop_events(&shop), "");
    assert_int_equal(store_fake_count(shop.lane.store, &cart_type), 0);
    shop_close(&shop);
}

void test_cart_operations__adding_again_adds_up(void **state)
{
    (void)state;
    open_with_goods();
    const struct cart_view *cart = shop_done(add(ANNA, mug, 2));
    assert_string_equal(shop_events(&shop), "cart.updated");
    assert_int_equal(cart->version, 1);
    shop_done(add(ANNA, hat, 1));
    cart = shop_done(add(ANNA, mug, 3));
    assert_int_equal(cart->version, 3);
    assert_int_equal(cart->items.count, 2);
    assert_int_equal(cart->items.items[0].quantity, 5);
    assert_int_equal(cart->items.items[0].available, 10);
    assert_int_equal(cart->total.amount, 5 * 255 + 1000);
    shop_close(&shop);
}

void test_cart_operations__carts_are_their_owners(void **state)
{
    (void)state;
    open_with_goods();
    shop_done(add(ANNA, mug, 2));
    const struct cart_view *cart = shop_done(shop_customer(&shop, BERT, cart_get, 0));
    assert_int_equal(cart->items.count, 0);
    shop_refused(shop_customer(&shop, BERT, cart_item_remove, .product_id = mug), E_NOT_FOUND);
    shop_close(&shop);
}

void test_cart_operations__add_refuses(void **state)
{
    (void)state;
    open_with_goods();
    shop_refused(add(ANNA, STR(NOBODY), 1), E_NOT_FOUND);
    shop_refused(add(ANNA, mug, 11), E_INSUFFICIENT_STOCK);
    shop_done(add(ANNA, mug, 6));
    const struct job *job = add(ANNA, mug, 5);
    shop_refused(job, E_INSUFFICIENT_STOCK);
    assert_string_equal(job->err.fields->pointer.ptr, "/quantity");
    assert_string_equal(job->err.fields->message.ptr, "10 are available");
    shop_refused(add(ANNA, mug, CART_QUANTITY_MAX - 5), E_QUANTITY_LIMIT);
    shop_done(shop_admin(&shop, product_update, .product_id = hat, .status = PRODUCT_DRAFT));
    shop_refused(add(ANNA, hat, 1), E_NOT_PURCHASABLE);
    shop_close(&shop);
}

void test_cart_operations__so_many_lines_and_no_more(void **state)
{
    (void)state;
    open_with_goods();
    struct cart full = {.head = {.id = STR(ANNA), .version = 1}};
    full.lines.count = CART_LINES_MAX;
    full.lines.items = arena_array(&shop.arena, CART_LINES_MAX, sizeof(struct cart_line));
    for (int i = 0; i < CART_LINES_MAX; i++)
        full.lines.items[i] = (struct cart_line){.product_id = str_printf(&shop.arena, "%024d", i),
                                                 .sku = STR("gone"),
                                                 .quantity = 1,
                                                 .unit_price = {1, "GBP"}};
    full.lines.items[7].product_id = mug;
    full.lines.items[7].sku = STR("mug");
    store_fake_put(shop.lane.store, &cart_type, &full);
    shop_refused(add(ANNA, hat, 1), E_QUANTITY_LIMIT);
    const struct cart_view *cart = shop_done(add(ANNA, mug, 1));
    assert_int_equal(cart->items.count, CART_LINES_MAX);
    assert_int_equal(cart->items.items[7].quantity, 2);
    shop_close(&shop);
}

void test_cart_operations__a_price_too_large_to_multiply(void **state)
{
    (void)state;
    open_with_goods();
    const struct str gold = create(STR("gold"), INT64_MAX);
    shop_refused(add(ANNA, gold, 2), E_QUANTITY_LIMIT);
    shop_done(add(ANNA, gold, 1));
    shop_close(&shop);
}

void test_cart_operations__update_sets_or_removes(void **state)
{
    (void)state;
    open_with_goods();
    shop_refused(update(mug, 1), E_NOT_FOUND);
    shop_done(add(ANNA, mug, 2));
    shop_refused(update(hat, 1), E_NOT_FOUND);
    shop_refused(update(mug, 11), E_INSUFFICIENT_STOCK);
    const struct cart_view *cart = shop_done(update(mug, 10));
    assert_int_equal(cart->items.items[0].quantity, 10);
    cart = shop_done(update(mug, 0));
    assert_string_equal(shop_events(&shop), "cart.updated");
    assert_int_equal(cart->items.count, 0);
    shop_refused(update(mug, 0), E_NOT_FOUND);
    shop_close(&shop);
}

void test_cart_operations__writing_a_line_takes_todays_price(void **state)
{
    (void)state;
    open_with_goods();
    shop_done(add(ANNA, mug, 2));
    shop_done(
        shop_admin(&shop, product_update, .product_id = mug, .price = {300, "GBP"}, .status = -1));
    const struct cart_view *cart = shop_done(shop_customer(&shop, ANNA, cart_get, 0));
    assert_int_equal(cart->total.amount, 600);
    assert_int_equal(cart->issues.count, 1);
    assert_string_equal(cart->issues.items[0].code.ptr, "price_changed");
    cart = shop_done(update(mug, 2));
    assert_int_equal(cart->issues.count, 0);
    shop_close(&shop);
}

void test_cart_operations__what_is_not_on_sale_can_still_be_removed(void **state)
{
    (void)state;
    open_with_goods();
    shop_done(add(ANNA, mug, 2));
    shop_done(shop_admin(&shop, product_update, .product_id = mug, .status = PRODUCT_RETIRED));
    shop_refused(update(mug, 1), E_NOT_PURCHASABLE);
    shop_done(shop_customer(&shop, ANNA, cart_item_remove, .product_id = mug));
    shop_refused(shop_customer(&shop, ANNA, cart_item_remove, .product_id = mug), E_NOT_FOUND);
    shop_close(&shop);
}

void test_cart_operations__clear(void **state)
{
    (void)state;
    open_with_goods();
    shop_done(add(ANNA, mug, 2));
    shop_done(add(ANNA, hat, 2));
    const struct cart_view *cart = shop_done(shop_customer(&shop, ANNA, cart_clear, 0));
    assert_string_equal(shop_events(&shop), "cart.updated");
    assert_int_equal(cart->version, 3);
    assert_int_equal(cart->items.count, 0);
    shop_close(&shop);
}
