/* The cart: its lines, and the view at today's prices, with sums that must not overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/cart.h"
#include "wire/json.h"

#define MUG_ID STR("655f1c2e9b1e8a000000000a")
#define HAT_ID STR("655f1c2e9b1e8a000000000b")
#define BAG_ID STR("655f1c2e9b1e8a000000000c")

/* A small shop: three products with their stocks, and a cart. */
struct shop {
    struct arena arena;
    struct product mug, hat, bag;
    struct stock mug_stock, hat_stock, bag_stock;
    struct cart cart;
};

static struct product product(struct str id, const char *name, int64_t price)
{
    return (struct product){.head = {.id = id, .version = 1},
                            .name = str_of(name),
                            .sku = str_of(name),
                            .price = {price, "GBP"},
                            .status = PRODUCT_PUBLISHED};
}

static void shop_init(struct shop *shop)
{
    *shop = (struct shop){
        .mug = product(MUG_ID, "mug", 255),
        .hat = product(HAT_ID, "hat", 1000),
        .bag = product(BAG_ID, "bag", 1),
        .mug_stock = {.on_hand = 10},
        .hat_stock = {.on_hand = 10},
        .bag_stock = {.on_hand = 10},
    };
    arena_init(&shop->arena, 4096);
}

static const struct shop_settings settings = {.currency = {"GBP", 3}};

/* The view of a cart whose lines are mug, hat, bag, as far as it has that many. */
static struct cart_view *view(struct shop *shop)
{
    struct product *products[] = {&shop->mug, &shop->hat, &shop->bag};
    struct stock *stocks[] = {&shop->mug_stock, &shop->hat_stock, &shop->bag_stock};
    const struct cart_goods goods = {products, stocks, shop->cart.lines.count, STR("GBP"), true};
    return cart_view(&settings, &shop->arena, &shop->cart, &goods);
}

static void put_all(struct shop *shop)
{
    cart_put(&shop->arena, &shop->cart, &shop->mug, 2);
    cart_put(&shop->arena, &shop->cart, &shop->hat, 1);
    cart_put(&shop->arena, &shop->cart, &shop->bag, 3);
}

void test_cart__lines_keep_their_order(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    put_all(&shop);
    shop.hat.price.amount = 1100;
    cart_put(&shop.arena, &shop.cart, &shop.hat, 5);
    assert_int_equal(shop.cart.lines.count, 3);
    assert_true(str_eq(shop.cart.lines.items[1].product_id, HAT_ID));
    assert_int_equal(shop.cart.lines.items[1].quantity, 5);
    assert_int_equal(shop.cart.lines.items[1].unit_price.amount, 1100);
    assert_ptr_equal(cart_line_of(&shop.cart, BAG_ID), &shop.cart.lines.items[2]);

    assert_true(cart_remove(&shop.cart, MUG_ID));
    assert_false(cart_remove(&shop.cart, MUG_ID));
    assert_null(cart_line_of(&shop.cart, MUG_ID));
    assert_int_equal(shop.cart.lines.count, 2);
    assert_true(str_eq(shop.cart.lines.items[0].product_id, HAT_ID));
    assert_true(str_eq(shop.cart.lines.items[1].product_id, BAG_ID));
    assert_true(cart_remove(&shop.cart, BAG_ID));
    assert_true(cart_remove(&shop.cart, HAT_ID));
    assert_int_equal(shop.cart.lines.count, 0);
    arena_release(&shop.arena);
}

void test_cart__adding_does_not_touch_a_shared_list(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    cart_put(&shop.arena, &shop.cart, &shop.mug, 2);
    const struct cart before = shop.cart;
    cart_put(&shop.arena, &shop.cart, &shop.hat, 1);
    assert_int_equal(before.lines.count, 1);
    assert_ptr_not_equal(before.lines.items, shop.cart.lines.items);
    arena_release(&shop.arena);
}

void test_cart__total_is_the_sum_of_todays_prices(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    put_all(&shop);
    const struct cart_view *v = view(&shop);
    assert_int_equal(v->total.amount, 2 * 255 + 1000 + 3);
    assert_string_equal(v->total.currency, "GBP");
    assert_int_equal(v->items.items[0].line_total.amount, 510);
    assert_int_equal(v->issues.count, 0);
    arena_release(&shop.arena);
}

void test_cart__empty_has_no_total(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    shop.cart.head =
        (struct doc_head){.id = MUG_ID, .version = 0, .created_at = 0, .updated_at = 1};
    const struct cart_view *v = view(&shop);
    assert_true(money_is_absent(v->total));
    assert_string_equal(json_of_shape(&shop.arena, &cart_view_shape, v).ptr,
                        "{\"id\":\"655f1c2e9b1e8a000000000a\",\"version\":0,\"items\":[],"
                        "\"total\":null,\"issues\":[],"
                        "\"updatedAt\":\"1970-01-01T00:00:00.001Z\"}");
    arena_release(&shop.arena);
}

static void expect_issue(const struct cart_view *v, size_t i, const char *code, struct str id)
{
    assert_true(i < v->issues.count);
    assert_string_equal(v->issues.items[i].code.ptr, code);
    assert_true(str_eq(v->issues.items[i].product_id, id));
    assert_true(v->issues.items[i].message.len > 0);
}

void test_cart__a_new_price_is_counted_and_told(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    put_all(&shop);
    shop.mug.price.amount = 300;
    const struct cart_view *v = view(&shop);
    assert_int_equal(v->items.items[0].unit_price.amount, 300);
    assert_int_equal(v->total.amount, 2 * 300 + 1000 + 3);
    assert_int_equal(v->issues.count, 1);
    expect_issue(v, 0, "price_changed", MUG_ID);
    assert_string_equal(v->issues.items[0].message.ptr, "the price was 2.55 GBP and is 3.00 GBP");
    arena_release(&shop.arena);
}

void test_cart__too_little_stock_is_told_and_counted(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    put_all(&shop);
    shop.bag_stock.reserved = 8;
    shop.bag.price.amount = 2;
    const struct cart_view *v = view(&shop);
    assert_int_equal(v->items.items[2].available, 2);
    assert_int_equal(v->total.amount, 2 * 255 + 1000 + 3 * 2);
    assert_int_equal(v->issues.count, 2);
    expect_issue(v, 0, "price_changed", BAG_ID);
    expect_issue(v, 1, "insufficient_stock", BAG_ID);
    arena_release(&shop.arena);
}

void test_cart__exactly_enough_stock_is_no_issue(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    put_all(&shop);
    shop.bag_stock.reserved = 7;
    assert_int_equal(view(&shop)->issues.count, 0);
    arena_release(&shop.arena);
}

void test_cart__what_cannot_be_ordered_is_shown_but_not_counted(void **state)
{
    (void)state;
    static const int statuses[] = {PRODUCT_DRAFT, PRODUCT_RETIRED};
    for (size_t i = 0; i < 2; i++) {
        struct shop shop;
        shop_init(&shop);
        put_all(&shop);
        shop.hat.status = statuses[i];
        shop.hat.price.amount = 7777;
        const struct cart_view *v = view(&shop);
        assert_int_equal(v->items.items[1].unit_price.amount, 1000);
        assert_int_equal(v->items.items[1].available, 0);
        assert_int_equal(v->total.amount, 2 * 255 + 3);
        assert_int_equal(v->issues.count, 1);
        expect_issue(v, 0, "unavailable", HAT_ID);
        arena_release(&shop.arena);
    }
}

void test_cart__a_product_that_is_gone_keeps_its_line(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    cart_put(&shop.arena, &shop.cart, &shop.mug, 2);
    struct product *products[] = {NULL};
    struct stock *stocks[] = {NULL};
    const struct cart_goods goods = {products, stocks, 1, STR("GBP"), true};
    const struct cart_view *v = cart_view(&settings, &shop.arena, &shop.cart, &goods);
    assert_string_equal(v->items.items[0].name.ptr, "mug"); /* its SKU */
    assert_int_equal(v->items.items[0].line_total.amount, 510);
    assert_int_equal(v->total.amount, 0);
    assert_string_equal(v->total.currency, "GBP");
    expect_issue(v, 0, "unavailable", MUG_ID);
    arena_release(&shop.arena);
}

void test_cart__sums_do_not_overflow(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    shop.mug.price.amount = INT64_MAX / 2;
    shop.hat.price.amount = INT64_MAX / 2;
    put_all(&shop); /* 2 mugs fit exactly, with 1 to spare; the hat does not fit any more */
    const struct cart_view *v = view(&shop);
    assert_true(v->items.items[0].line_total.amount == INT64_MAX - 1);
    assert_true(v->total.amount == INT64_MAX - 1);
    assert_int_equal(v->issues.count, 2);
    expect_issue(v, 0, "unavailable", HAT_ID);
    expect_issue(v, 1, "unavailable", BAG_ID);
    arena_release(&shop.arena);
}

void test_cart__a_line_that_overflows_is_not_counted(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    shop.mug.price.amount = INT64_MAX;
    put_all(&shop);
    const struct cart_view *v = view(&shop);
    assert_int_equal(v->items.items[0].line_total.amount, 0);
    assert_int_equal(v->total.amount, 1000 + 3);
    assert_int_equal(v->issues.count, 1);
    expect_issue(v, 0, "unavailable", MUG_ID);
    arena_release(&shop.arena);
}

void test_cart__the_largest_cart_has_room_for_all_issues(void **state)
{
    (void)state;
    struct shop shop;
    shop_init(&shop);
    struct product *products[CART_LINES_MAX];
    struct stock *stocks[CART_LINES_MAX];
    struct product all[CART_LINES_MAX];
    for (int i = 0; i < CART_LINES_MAX; i++) {
        all[i] = product(str_printf(&shop.arena, "655f1c2e9b1e8a00000%05d", i), "thing", 5);
        cart_put(&shop.arena, &shop.cart, &all[i], CART_QUANTITY_MAX);
        all[i].price.amount = 6;
        products[i] = &all[i];
        stocks[i] = NULL;
    }
    const struct cart_goods goods = {products, stocks, CART_LINES_MAX, STR("GBP"), true};
    const struct cart_view *v = cart_view(&settings, &shop.arena, &shop.cart, &goods);
    assert_int_equal(v->items.count, CART_LINES_MAX);
    assert_int_equal(v->issues.count, 2 * CART_LINES_MAX);
    assert_int_equal(v->total.amount, 6 * CART_QUANTITY_MAX * CART_LINES_MAX);
    arena_release(&shop.arena);
}
