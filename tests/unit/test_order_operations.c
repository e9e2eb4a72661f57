/* order.get, order.list, order.status.set, order.cancel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/operations.h"
#include "catalog/operations.h"
#include "order/operations.h"
#include "paging.h"
#include "schemas/cart.h"
#include "schemas/order.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;
static struct str mug;

/* A shop with 10 mugs, 4 of them in an order of Anna's. */
static const struct order *open_with_order(void)
{
    shop_open(&shop);
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = STR("mug"), .sku = STR("mug"),
                             .price = {255, "GBP"}, .stock = {true, 10}));
    mug = product->id;
    shop_done(shop_customer(&shop, ANNA, cart_item_add, .product_id = mug, .quantity = 4));
    return shop_done(shop_customer(&shop, ANNA, order_place, 0));
}

static void assert_stock(int64_t on_hand, int64_t reserved)
{
    const struct stock *stock = store_fake_get(shop.lane.store, &stock_type, STR("mug"));
    assert_int_equal(stock->on_hand, on_hand);
    assert_int_equal(stock->reserved, reserved);
}

static struct job *set(struct str id, enum order_status status)
{
    return shop_admin(&shop, order_status_set, .order_id = id, .status = (int)status);
}

void test_order_operations__get_by_id_or_number(void **state)
{
    (void)state;
    const struct order *order = open_with_order();
    shop_done(shop_customer(&shop, ANNA, order_get, .order_id = order->head.id));
    shop_done(shop_customer(&shop, ANNA, order_get, .number = order->number));
    shop_done(
        shop_customer(&shop, ANNA, order_get, .number = str_lower(&shop.arena, order->number)));
    shop_done(shop_admin(&shop, order_get, .order_id = order->head.id));
    shop_refused(shop_customer(&shop, BERT, order_get, .order_id = order->head.id), E_NOT_FOUND);
    shop_refused(shop_customer(&shop, BERT, order_get, .number = order->number), E_NOT_FOUND);
    shop_refused(shop_customer(&shop, ANNA, order_get, .order_id = STR(NOBODY)), E_NOT_FOUND);
    shop_close(&shop);
}

void test_order_operations__the_whole_life(void **state)
{
    (void)state;
    const struct order *order = open_with_order();
    const struct str id = order->head.id;
    shop_done(set(id, ORDER_PAID));
    assert_string_equal(shop_events(&shop), "order.status_changed");
    shop_done(set(id, ORDER_PROCESSING));
    assert_stock(10, 4);
    shop_done(set(id, ORDER_SHIPPED));
    assert_string_equal(shop_events(&shop), "stock.changed order.status_changed");
    assert_stock(6, 0);
    order = shop_done(shop_admin(&shop, order_status_set, .order_id = id, .status = ORDER_DELIVERED,
                                 .note = STR("left at the door")));
    assert_int_equal(order->head.version, 5);
    assert_int_equal(order->history.count, 5);
    assert_string_equal(order->history.items[4].by.ptr, BOSS);
    assert_string_equal(order->history.items[4].note.ptr, "left at the door");
    assert_stock(6, 0);
    shop_close(&shop);
}

void test_order_operations__illegal_steps(void **state)
{
    (void)state;
    const struct str id = open_with_order()->head.id;
    shop_refused(set(id, ORDER_PENDING), E_ILLEGAL_TRANSITION);
    shop_refused(set(id, ORDER_SHIPPED), E_ILLEGAL_TRANSITION);
    shop_refused(set(STR(NOBODY), ORDER_PAID), E_NOT_FOUND);
    shop_done(set(id, ORDER_CANCELLED));
    assert_string_equal(shop_events(&shop), "stock.changed order.status_changed order.cancelled");
    assert_stock(10, 0);
    shop_refused(set(id, ORDER_PAID), E_ILLEGAL_TRANSITION);
    shop_close(&shop);
}

/* The stock comes back exactly once, and the product with it. */
void test_order_operations__cancel_gives_back(void **state)
{
    (void)state;
    const struct str id = open_with_order()->head.id;
    shop_done(shop_customer(&shop, BERT, cart_item_add, .product_id = mug, .quantity = 6));
    const struct order *of_bert = shop_done(shop_customer(&shop, BERT, order_place, 0));
    assert_stock(10, 10);
    const struct order *order = shop_done(
        shop_customer(&shop, ANNA, order_cancel, .order_id = id, .reason = STR("too slow")));
    assert_string_equal(shop_events(&shop),
                        "product.updated stock.changed order.status_changed order.cancelled");
    assert_int_equal(order->status, ORDER_CANCELLED);
    assert_string_equal(order->history.items[1].note.ptr, "too slow");
    assert_stock(10, 6);
    shop_refused(shop_customer(&shop, ANNA, order_cancel, .order_id = id), E_NOT_CANCELLABLE);
    shop_refused(shop_customer(&shop, ANNA, order_cancel, .order_id = of_bert->head.id),
                 E_NOT_FOUND);
    assert_stock(10, 6);
    shop_close(&shop);
}

void test_order_operations__who_may_cancel_when(void **state)
{
    (void)state;
    const struct str id = open_with_order()->head.id;
    shop_done(set(id, ORDER_PAID));
    shop_done(set(id, ORDER_PROCESSING));
    shop_refused(shop_customer(&shop, ANNA, order_cancel, .order_id = id), E_NOT_CANCELLABLE);
    shop_done(shop_admin(&shop, order_cancel, .order_id = id));
    assert_stock(10, 0);
    shop_close(&shop);
}

void test_order_operations__a_stock_that_contradicts_the_order_is_a_bug(void **state)
{
    (void)state;
    const struct str id = open_with_order()->head.id;
    struct stock stock =
        *(const struct stock *)store_fake_get(shop.lane.store, &stock_type, STR("mug"));
    stock.reserved = 3;
    store_fake_put(shop.lane.store, &stock_type, &stock);
    const struct job *job = shop_customer(&shop, ANNA, order_cancel, .order_id = id);
    assert_int_equal(job->outcome, OUTCOME_BUG);
    assert_stock(10, 3);
    shop_close(&shop);
}

static int64_t total(const struct job *job)
{
    const struct {
        LIST(struct order) items;
        struct paging paging;
    } *page = shop_done(job);
    assert_int_equal(page->items.count, page->paging.total_items.value);
    return page->paging.total_items.value;
}

void test_order_operations__list(void **state)
{
    (void)state;
    open_with_order();
    shop_done(shop_customer(&shop, BERT, cart_item_add, .product_id = mug, .quantity = 1));
    shop_done(shop_customer(&shop, BERT, order_place, 0));
    assert_int_equal(total(shop_customer(&shop, ANNA, order_list, .status = -1)), 1);
    assert_int_equal(total(shop_customer(&shop, ANNA, order_list, .status = ORDER_PAID)), 0);
    assert_int_equal(total(shop_admin(&shop, order_list, .status = -1)), 0);
    assert_int_equal(total(shop_admin(&shop, order_list, .status = -1, .all = {true, true})), 2);
    assert_int_equal(total(shop_admin(&shop, order_list, .status = -1, .user_id = STR(BERT))), 1);
    assert_int_equal(
        total(shop_customer(&shop, ANNA, order_list, .status = -1, .all = {true, false})), 1);
    shop_refused(shop_customer(&shop, ANNA, order_list, .status = -1, .all = {true, true}),
                 E_FORBIDDEN);
    shop_refused(shop_customer(&shop, ANNA, order_list, .status = -1, .user_id = STR(ANNA)),
                 E_FORBIDDEN);
    shop_close(&shop);
}
