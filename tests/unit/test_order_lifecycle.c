/* The life cycle of an order: the whole square of (from, to), and who may cancel when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order/order.h"

/* Rows: from; columns: to. '.' no; otherwise what happens to the stock: '-' nothing, 'r' released,
 * 'c' consumed. */
static const char *const square[ORDER_STATUS_COUNT] = {
    /*                    pending paid processing shipped delivered cancelled */
    [ORDER_PENDING] = ".-...r", [ORDER_PAID] = "..-..r",      [ORDER_PROCESSING] = "...c.r",
    [ORDER_SHIPPED] = "....-.", [ORDER_DELIVERED] = "......", [ORDER_CANCELLED] = "......",
};

static char seen(enum order_status from, enum order_status to)
{
    const struct order_edge *edge = order_edge(from, to);
    if (!edge)
        return '.';
    assert_int_equal(edge->from, from);
    assert_int_equal(edge->to, to);
    if (edge->move == STOCK_STAYS)
        return '-';
    return edge->move == STOCK_RELEASE ? 'r' : edge->move == STOCK_CONSUME ? 'c' : '?';
}

void test_order_lifecycle__the_whole_square(void **state)
{
    (void)state;
    for (int from = 0; from < ORDER_STATUS_COUNT; from++)
        for (int to = 0; to < ORDER_STATUS_COUNT; to++) {
            const char is = seen((enum order_status)from, (enum order_status)to);
            if (is != square[from][to])
                fail_msg("%s -> %s: '%c' instead of '%c'", order_status_names[from],
                         order_status_names[to], is, square[from][to]);
        }
}

void test_order_lifecycle__who_may_cancel_when(void **state)
{
    (void)state;
    /* pending paid processing shipped delivered cancelled */
    static const char *const may[] = {
        [GUEST] = "......",
        [CUSTOMER] = "yy....",
        [ADMIN] = "yyy...",
        [SUPERADMIN] = "yyy...",
    };
    for (int who = GUEST; who <= SUPERADMIN; who++)
        for (int status = 0; status < ORDER_STATUS_COUNT; status++)
            if (order_may_cancel((enum order_status)status, (enum who)who) !=
                (may[who][status] == 'y'))
                fail_msg("%s cancels while %s", who_names[who], order_status_names[status]);
}

void test_order_lifecycle__names_are_those_of_the_wire(void **state)
{
    (void)state;
    static const char *const names[] = {"pending", "paid",      "processing",
                                        "shipped", "delivered", "cancelled"};
    for (int status = 0; status < ORDER_STATUS_COUNT; status++)
        assert_string_equal(order_status_names[status], names[status]);
    assert_null(order_status_names[ORDER_STATUS_COUNT]);
}

/* Every path from the start ends, and leaves nothing reserved. */
static void walk(enum order_status at, int64_t reserved, int depth)
{
    assert_true(depth <= ORDER_STATUS_COUNT);
    bool ends = true;
    for (int to = 0; to < ORDER_STATUS_COUNT; to++) {
        const struct order_edge *edge = order_edge(at, (enum order_status)to);
        if (!edge)
            continue;
        ends = false;
        struct stock stock = {.on_hand = 10, .reserved = reserved};
        if (edge->move != STOCK_STAYS)
            assert_true(stock_move(&stock, edge->move, reserved));
        walk(edge->to, stock.reserved, depth + 1);
    }
    if (ends)
        assert_int_equal(reserved, 0);
}

void test_order_lifecycle__every_path_gives_back_what_was_reserved(void **state)
{
    (void)state;
    walk(ORDER_PENDING, 3, 1);
}
