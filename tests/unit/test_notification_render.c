/* What notifications say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notification/render.h"

static struct order_line lines[] = {
    {.name = STR("Mug"), .quantity = 2},
    {.name = STR("Tea\r\npot"), .quantity = 1},
};

static struct order some_order(void)
{
    struct order order = {
        .head.id = STR("655f1c2e9b1e8a0012345678"),
        .number = STR("CW-0123456789AB"),
        .status = ORDER_SHIPPED,
        .total = {.amount = 2550, .currency = "GBP"},
        .expected_delivery_date = STR("2026-11-25"),
    };
    order.items.items = lines;
    order.items.count = 2;
    return order;
}

void test_notification_render__order_placed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct order order = some_order();
    const struct notice notice = render_order_placed(&arena, &order, STR("Ada"));
    assert_string_equal(notice.kind, "order_placed");
    assert_string_equal(notice.subject.ptr, "Your order CW-0123456789AB");
    assert_string_equal(notice.text.ptr, "Hello Ada,\n\n"
                                         "thank you for your order CW-0123456789AB.\n\n"
                                         "  2 x Mug\n"
                                         "  1 x Tea  pot\n\n"
                                         "Total: 25.50 GBP\n"
                                         "Expected delivery: 2026-11-25\n");
    assert_string_equal(notice.data.ptr,
                        "{\"orderId\":\"655f1c2e9b1e8a0012345678\",\"number\":\"CW-0123456789AB\","
                        "\"total\":{\"amount\":2550,\"currency\":\"GBP\"},"
                        "\"items\":[{\"name\":\"Mug\",\"quantity\":2},"
                        "{\"name\":\"Tea\\r\\npot\",\"quantity\":1}],"
                        "\"expectedDeliveryDate\":\"2026-11-25\"}");
    arena_release(&arena);
}

void test_notification_render__order_status_changed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct order order = some_order();
    const struct notice notice = render_order_status_changed(&arena, &order, STR("Ada"));
    assert_string_equal(notice.kind, "order_status_changed");
    assert_string_equal(notice.subject.ptr, "Your order CW-0123456789AB is on its way");
    assert_string_equal(notice.text.ptr,
                        "Hello Ada,\n\n"
                        "your order CW-0123456789AB has left us and is on its way to you.\n\n"
                        "Expected delivery: 2026-11-25\n");
    assert_string_equal(notice.data.ptr,
                        "{\"orderId\":\"655f1c2e9b1e8a0012345678\",\"number\":\"CW-0123456789AB\","
                        "\"status\":\"shipped\",\"expectedDeliveryDate\":\"2026-11-25\"}");
    arena_release(&arena);
}

void test_notification_render__every_status_has_its_words(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct order order = some_order();
    for (int status = 0; status < ORDER_STATUS_COUNT; status++) {
        order.status = status;
        const struct notice notice = render_order_status_changed(&arena, &order, STR("Ada"));
        assert_null(strstr(notice.subject.ptr, "(null)"));
        assert_null(strstr(notice.text.ptr, "(null)"));
        const bool over = status == ORDER_DELIVERED || status == ORDER_CANCELLED;
        assert_int_equal(strstr(notice.text.ptr, "Expected delivery") == NULL, over);
    }
    arena_release(&arena);
}

void test_notification_render__nothing_adds_a_header(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct order order = some_order();
    order.number = STR("CW-1\r\nBcc: all@example.com");
    const struct notice placed = render_order_placed(&arena, &order, STR("A\nda\x7f"));
    const struct notice moved = render_order_status_changed(&arena, &order, STR("A\nda\x7f"));
    assert_string_equal(placed.subject.ptr, "Your order CW-1  Bcc: all@example.com");
    assert_null(strpbrk(moved.subject.ptr, "\r\n"));
    assert_int_equal(strncmp(placed.text.ptr, "Hello A da ,\n", 13), 0);
    arena_release(&arena);
}

/* Whoever registers with somebody else's address cannot have words of his own sent to it. */
void test_notification_render__nobody_is_named_without_a_name(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct order order = some_order();
    const struct notice placed = render_order_placed(&arena, &order, STR_ABSENT);
    const struct notice repeated = render_registration_repeated(&arena);
    assert_int_equal(strncmp(placed.text.ptr, "Hello,\n\nthank you", 17), 0);
    assert_int_equal(strncmp(repeated.text.ptr, "Hello,\n\n", 8), 0);
    const struct user stranger = {.name = STR("Buy http://pills.example")};
    const struct user owner = {.name = STR("Ada"), .email_verified = true};
    assert_true(str_is_absent(notice_name(&stranger)));
    assert_true(str_eq(notice_name(&owner), STR("Ada")));
    arena_release(&arena);
}

void test_notification_render__one_line_keeps_utf8_and_nul_ends(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct str out = one_line(&arena, STR("caf\xc3\xa9\t\0x"));
    assert_int_equal(out.len, 8);
    assert_string_equal(out.ptr, "caf\xc3\xa9  x");
    assert_int_equal(one_line(&arena, STR_ABSENT).len, 0);
    arena_release(&arena);
}
