/* Orders: history, delivery date, the wire form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order/order.h"
#include "wire/json.h"

#define USER_ID  STR("655f1c2e9b1e8a0000000001")
#define ORDER_ID STR("655f1c2e9b1e8a0000000002")

void test_order__delivery_date_is_a_utc_day(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        int64_t days;
        const char *date;
    } rows[] = {
        {"2026-11-20T15:04:05.123Z", 5, "2026-11-25"},
        {"2026-11-20T23:59:59.999Z", 0, "2026-11-20"},
        {"2026-11-20T23:59:59.999Z", 1, "2026-11-21"},
        {"2026-12-29T00:00:00.000Z", 5, "2027-01-03"},
        {"2028-02-25T12:00:00.000Z", 4, "2028-02-29"},
        {"2027-02-25T12:00:00.000Z", 4, "2027-03-01"},
        {"2026-11-20T00:00:00.000Z", 365, "2027-11-20"},
    };
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now;
        assert_true(time_parse(str_of(rows[i].now), &now));
        assert_string_equal(order_delivery_date(&arena, now, rows[i].days).ptr, rows[i].date);
    }
    arena_release(&arena);
}

void test_order__history_grows_and_status_follows(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct order order = {0};
    order_add_step(&arena, &order, ORDER_PENDING, 1, USER_ID, STR("ring twice"));
    const struct order_step *first = order.history.items;
    order_add_step(&arena, &order, ORDER_PAID, 2, USER_ID, STR_ABSENT);
    assert_int_equal(order.history.count, 2);
    assert_int_equal(order.status, ORDER_PAID);
    assert_int_equal(order.history.items[0].status, ORDER_PENDING);
    assert_string_equal(order.history.items[0].note.ptr, "ring twice");
    assert_int_equal(order.history.items[1].at, 2);
    /* The list was copied: a loaded order that shares the old one does not change. */
    assert_ptr_not_equal(order.history.items, first);
    arena_release(&arena);
}

void test_order__wire_form(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct common_address address = {.name = STR("Ada"),
                                           .line1 = STR("1 High St"),
                                           .city = STR("York"),
                                           .postcode = STR("YO1"),
                                           .country = STR("GB")};
    struct order_line line = {
        .product_id = USER_ID,
        .sku = STR("MUG"),
        .name = STR("Mug"),
        .quantity = 2,
        .unit_price = {255, "GBP"},
        .line_total = {510, "GBP"},
    };
    struct order order = {
        .head = {.id = ORDER_ID, .version = 1, .created_at = 1, .updated_at = 2},
        .number = STR("CW-000000000000"),
        .user_id = USER_ID,
        .items = {&line, 1},
        .total = {510, "GBP"},
        .shipping_address = &address,
        .expected_delivery_date = STR("2026-11-25"),
    };
    order_add_step(&arena, &order, ORDER_PENDING, 1, USER_ID, STR_ABSENT);
    assert_string_equal(
        json_of_shape(&arena, &order_shape, &order).ptr,
        "{\"id\":\"655f1c2e9b1e8a0000000002\",\"version\":1,"
        "\"createdAt\":\"1970-01-01T00:00:00.001Z\",\"updatedAt\":\"1970-01-01T00:00:00.002Z\","
        "\"number\":\"CW-000000000000\","
        "\"userId\":\"655f1c2e9b1e8a0000000001\",\"status\":\"pending\","
        "\"items\":[{\"productId\":\"655f1c2e9b1e8a0000000001\",\"sku\":\"MUG\",\"name\":\"Mug\","
        "\"quantity\":2,\"unitPrice\":{\"amount\":255,\"currency\":\"GBP\"},"
        "\"lineTotal\":{\"amount\":510,\"currency\":\"GBP\"}}],"
        "\"total\":{\"amount\":510,\"currency\":\"GBP\"},"
        "\"shippingAddress\":{\"name\":\"Ada\",\"line1\":\"1 High St\",\"city\":\"York\","
        "\"postcode\":\"YO1\",\"country\":\"GB\"},\"expectedDeliveryDate\":\"2026-11-25\","
        "\"history\":[{\"status\":\"pending\",\"at\":\"1970-01-01T00:00:00.001Z\","
        "\"by\":\"655f1c2e9b1e8a0000000001\"}]}");
    arena_release(&arena);
}
