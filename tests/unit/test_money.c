/* Amounts: nothing overflows in silence, and parts sum to the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/money.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct money gbp(int64_t amount)
{
    return (struct money){amount, "GBP"};
}

void test_money__equal_means_amount_and_currency(void **state)
{
    (void)state;
    assert_true(money_eq(gbp(5), gbp(5)));
    assert_false(money_eq(gbp(5), gbp(6)));
    assert_false(money_eq(gbp(5), (struct money){5, "GBX"}));
    assert_true(money_is_absent((struct money){0}));
    assert_false(money_is_absent(gbp(0)));
}

void test_money__sums_fit_or_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, sum;
        bool ok;
    } rows[] = {
        {1, 2, 3, true},           {INT64_MAX - 1, 1, INT64_MAX, true},
        {INT64_MAX, 1, 0, false},  {INT64_MAX, INT64_MAX, 0, false},
        {INT64_MIN, -1, 0, false}, {INT64_MIN, INT64_MAX, -1, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct money sum = {4711, "???"};
        assert_int_equal(money_add(gbp(rows[i].a), gbp(rows[i].b), &sum), rows[i].ok);
        assert_true(money_eq(sum, rows[i].ok ? gbp(rows[i].sum) : (struct money){4711, "???"}));
    }
    struct money sum = {4711, "???"};
    assert_false(money_add(gbp(1), (struct money){1, "EUR"}, &sum));
    assert_int_equal(sum.amount, 4711);
}

void test_money__products_fit_or_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t unit, count, product;
        bool ok;
    } rows[] = {
        {255, 12, 3060, true},
        {INT64_MAX, 1, INT64_MAX, true},
        {INT64_MAX / 2, 2, INT64_MAX - 1, true},
        {INT64_MAX / 2 + 1, 2, 0, false},
        {INT64_MAX, INT64_MAX, 0, false},
        {INT64_MIN, -1, 0, false},
        {922337203685477581, 10, 0, false},
        {922337203685477580, 10, 9223372036854775800, true},
        {0, INT64_MAX, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct money product = {4711, "???"};
        assert_int_equal(money_times(gbp(rows[i].unit), rows[i].count, &product), rows[i].ok);
        assert_true(
            money_eq(product, rows[i].ok ? gbp(rows[i].product) : (struct money){4711, "???"}));
    }
}

/* --- for people ----------------------------------------------------------------------------------- */

void test_money__reads_as_people_write_it(void **state)
{
    (void)state;
    static const struct {
        struct money money;
        const char *text;
    } rows[] = {
        {{1250, "GBP"}, "12.50 GBP"},
        {{5, "GBP"}, "0.05 GBP"},
        {{0, "EUR"}, "0.00 EUR"},
        {{300, "JPY"}, "300 JPY"},
        {{1234, "KWD"}, "1.234 KWD"},
        {{12345, "CLF"}, "1.2345 CLF"},
        {{7, "XYZ"}, "0.07 XYZ"},
        {{-50, "GBP"}, "-0.50 GBP"},
        {{-1250, "GBP"}, "-12.50 GBP"},
        {{-3, "JPY"}, "-3 JPY"},
        {{INT64_MAX, "GBP"}, "92233720368547758.07 GBP"},
        {{INT64_MIN, "GBP"}, "-92233720368547758.08 GBP"},
    };
    struct arena arena;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(money_text(&arena, rows[i].money).ptr, rows[i].text);
    arena_release(&arena);
}
