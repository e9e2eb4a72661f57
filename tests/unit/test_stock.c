/* The arithmetic of stock: every move at its edges, and that nothing ever leaves its range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "inventory/stock.h"

struct move_case {
    const char *name;
    enum stock_move move;
    int64_t on_hand, reserved, quantity;
    bool moved;
    int64_t on_hand_after, reserved_after;
};

#define MAX INT64_MAX
#define MIN INT64_MIN

static const struct move_case move_cases[] = {
    {"adjust up", STOCK_ADJUST, 5, 2, 3, true, 8, 2},
    {"adjust down to what is reserved", STOCK_ADJUST, 5, 2, -3, true, 2, 2},
    {"adjust below what is reserved", STOCK_ADJUST, 5, 2, -4, false, 5, 2},
    {"adjust to nothing", STOCK_ADJUST, 5, 0, -5, true, 0, 0},
    {"adjust below nothing", STOCK_ADJUST, 5, 0, -6, false, 5, 0},
    {"adjust by nothing", STOCK_ADJUST, 5, 2, 0, true, 5, 2},
    {"adjust up to the limit", STOCK_ADJUST, MAX - 1, 0, 1, true, MAX, 0},
    {"adjust over the limit", STOCK_ADJUST, MAX, 0, 1, false, MAX, 0},
    {"adjust by the limit", STOCK_ADJUST, 1, 0, MAX, false, 1, 0},
    {"adjust by the lower limit", STOCK_ADJUST, MAX, 0, MIN, false, MAX, 0},
    {"adjust nothing by the lower limit", STOCK_ADJUST, 0, 0, MIN, false, 0, 0},

    {"reserve some", STOCK_RESERVE, 5, 2, 1, true, 5, 3},
    {"reserve the last", STOCK_RESERVE, 5, 2, 3, true, 5, 5},
    {"reserve one too many", STOCK_RESERVE, 5, 2, 4, false, 5, 2},
    {"reserve of nothing", STOCK_RESERVE, 0, 0, 1, false, 0, 0},
    {"reserve nothing", STOCK_RESERVE, 5, 2, 0, false, 5, 2},
    {"reserve less than nothing", STOCK_RESERVE, 5, 2, -1, false, 5, 2},
    {"reserve the limit", STOCK_RESERVE, MAX, 0, MAX, true, MAX, MAX},
    {"reserve over the limit", STOCK_RESERVE, MAX, MAX, MAX, false, MAX, MAX},
    {"reserve the lower limit", STOCK_RESERVE, 5, 2, MIN, false, 5, 2},

    {"release some", STOCK_RELEASE, 5, 2, 1, true, 5, 1},
    {"release all", STOCK_RELEASE, 5, 2, 2, true, 5, 0},
    {"release one too many", STOCK_RELEASE, 5, 2, 3, false, 5, 2},
    {"release nothing", STOCK_RELEASE, 5, 2, 0, false, 5, 2},
    {"release less than nothing", STOCK_RELEASE, 5, 2, -1, false, 5, 2},
    {"release the limit", STOCK_RELEASE, MAX, MAX, MAX, true, MAX, 0},
    {"release the lower limit", STOCK_RELEASE, 5, 2, MIN, false, 5, 2},

    {"consume some", STOCK_CONSUME, 5, 2, 1, true, 4, 1},
    {"consume all that is reserved", STOCK_CONSUME, 5, 2, 2, true, 3, 0},
    {"consume everything", STOCK_CONSUME, 5, 5, 5, true, 0, 0},
    {"consume what is not reserved", STOCK_CONSUME, 5, 2, 3, false, 5, 2},
    {"consume nothing", STOCK_CONSUME, 5, 2, 0, false, 5, 2},
    {"consume less than nothing", STOCK_CONSUME, 5, 2, -1, false, 5, 2},
    {"consume the limit", STOCK_CONSUME, MAX, MAX, MAX, true, 0, 0},
};

void test_stock__every_move_at_its_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(move_cases) / sizeof(move_cases[0]); i++) {
        const struct move_case *c = &move_cases[i];
        struct stock stock = {.on_hand = c->on_hand, .reserved = c->reserved};
        if (stock_move(&stock, c->move, c->quantity) != c->moved ||
            stock.on_hand != c->on_hand_after || stock.reserved != c->reserved_after)
            fail_msg("%s: onHand %" PRId64 ", reserved %" PRId64, c->name, stock.on_hand,
                     stock.reserved);
    }
}

/* The ledger says what a move added, and what was there then. */
void test_stock__movement_of_every_move(void **state)
{
    (void)state;
    static const struct {
        enum stock_move move;
        int64_t quantity, d_on_hand, d_reserved;
    } rows[] = {
        {STOCK_OPEN, 5, 5, 0},    {STOCK_OPEN, 0, 0, 0},     {STOCK_ADJUST, -3, -3, 0},
        {STOCK_RESERVE, 2, 0, 2}, {STOCK_RELEASE, 2, 0, -2}, {STOCK_CONSUME, 2, -2, -2},
    };
    const struct stock stock = {
        .head = {.id = STR("MUG"), .version = 7}, .on_hand = 9, .reserved = 4};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct stock_movement is =
            stock_movement_of(&stock, rows[i].move, rows[i].quantity, STR("cause"));
        assert_int_equal(is.d_on_hand, rows[i].d_on_hand);
        assert_int_equal(is.d_reserved, rows[i].d_reserved);
        assert_int_equal(is.move, rows[i].move);
        assert_int_equal(is.version, 7);
        assert_int_equal(is.on_hand, 9);
        assert_int_equal(is.reserved, 4);
        assert_string_equal(is.sku.ptr, "MUG");
        assert_string_equal(is.cause.ptr, "cause");
    }
}

void test_stock__what_is_available(void **state)
{
    (void)state;
    assert_int_equal(stock_available(NULL), 0);
    assert_int_equal(stock_available(&(struct stock){.on_hand = 7, .reserved = 7}), 0);
    assert_int_equal(stock_available(&(struct stock){.on_hand = 7, .reserved = 2}), 5);
    assert_true(stock_available(&(struct stock){.on_hand = MAX}) == MAX);
}

void test_stock__status_by_threshold(void **state)
{
    (void)state;
    static const struct {
        int64_t available, threshold;
        enum stock_status status;
    } rows[] = {
        {0, 5, STOCK_OUT_OF_STOCK},  {1, 5, STOCK_LOW_STOCK},    {5, 5, STOCK_LOW_STOCK},
        {6, 5, STOCK_IN_STOCK},      {0, 0, STOCK_OUT_OF_STOCK}, {1, 0, STOCK_IN_STOCK},
        {MAX, MAX, STOCK_LOW_STOCK}, {MAX, 5, STOCK_IN_STOCK},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(stock_status_of(rows[i].available, rows[i].threshold), rows[i].status);
    assert_string_equal(stock_status_names[STOCK_IN_STOCK], "in_stock");
    assert_string_equal(stock_status_names[STOCK_LOW_STOCK], "low_stock");
    assert_string_equal(stock_status_names[STOCK_OUT_OF_STOCK], "out_of_stock");
}

void test_stock__an_alarm_only_where_a_threshold_is_crossed_downwards(void **state)
{
    (void)state;
    static const struct {
        int64_t before, after;
        const struct event_type *alarm;
    } rows[] = {
        {10, 6, NULL},      {6, 5, &stock_low}, {6, 1, &stock_low}, {5, 4, NULL},
        {5, 0, &stock_out}, {9, 0, &stock_out}, {1, 0, &stock_out}, {0, 0, NULL},
        {0, 3, NULL},       {3, 9, NULL},       {0, 9, NULL},       {6, 6, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_ptr_equal(stock_alarm(rows[i].before, rows[i].after, 5), rows[i].alarm);
    }
}

/* A fixed pseudo-random walk: the same on every machine. */
static uint32_t step(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

void test_stock__a_long_walk_keeps_the_books(void **state)
{
    (void)state;
    static const enum stock_move moves[] = {STOCK_ADJUST, STOCK_RESERVE, STOCK_RELEASE,
                                            STOCK_CONSUME};
    struct stock stock = {0};
    int64_t adjusted = 0, consumed = 0, held = 0;
    uint32_t seed = 42;
    for (int i = 0; i < 200000; i++) {
        const uint32_t which = step(&seed) % 4;
        const int64_t quantity = (int64_t)(step(&seed) % 41) - (which == 0 ? 20 : 0);
        if (!stock_move(&stock, moves[which], quantity))
            continue;
        adjusted += which == 0 ? quantity : 0;
        held += which == 1 ? quantity : which >= 2 ? -quantity : 0;
        consumed += which == 3 ? quantity : 0;
        assert_true(stock.reserved >= 0 && stock.reserved <= stock.on_hand);
        assert_true(stock.on_hand == adjusted - consumed);
        assert_true(stock.reserved == held);
    }
    assert_true(consumed > 0);
}
