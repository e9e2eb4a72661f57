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

/* --- splitting ------------------------------------------------------------------------------------ */

#define PARTS 3

/* Largest remainder, from its definition: the floors, and one more for those whose remainders are
 * largest, of equal ones the earlier. */
static void assert_split(int64_t total, const int64_t weights[PARTS])
{
    struct money parts[PARTS];
    int64_t sum = 0, given = 0, weight = 0;
    int64_t rest[PARTS];
    bool more[PARTS];
    for (size_t i = 0; i < PARTS; i++)
        weight += weights[i];
    assert_true(money_split(gbp(total), weights, PARTS, parts));
    for (size_t i = 0; i < PARTS; i++) {
        const int64_t floor = total * weights[i] / weight;
        rest[i] = total * weights[i] % weight;
        more[i] = parts[i].amount == floor + 1;
        assert_true(more[i] || parts[i].amount == floor);
        assert_string_equal(parts[i].currency, "GBP");
        sum += parts[i].amount;
        given += more[i];
    }
    assert_int_equal(sum, total);
    assert_true(given < PARTS);
    for (size_t i = 0; i < PARTS; i++)
        for (size_t k = 0; k < PARTS; k++)
            if (more[i] && !more[k])
                assert_true(rest[i] > rest[k] || (rest[i] == rest[k] && i < k));
}

void test_money__every_small_split_is_by_largest_remainder(void **state)
{
    (void)state;
    for (int64_t total = 0; total <= 40; total++)
        for (int64_t code = 1; code < 8 * 8 * 8; code++)
            assert_split(total, (const int64_t[PARTS]){code % 8, code / 8 % 8, code / 64});
}

void test_money__splits_the_largest_amounts(void **state)
{
    (void)state;
    struct money parts[3];
    const int64_t big[] = {INT64_MAX / 3, INT64_MAX / 3, INT64_MAX / 3};
    assert_true(money_split(gbp(INT64_MAX), big, 3, parts));
    assert_int_equal(parts[0].amount, INT64_MAX / 3 + 1);
    assert_int_equal(parts[1].amount, INT64_MAX / 3);
    assert_int_equal(parts[2].amount, INT64_MAX / 3);
    const int64_t lopsided[] = {0, INT64_MAX, 0};
    assert_true(money_split(gbp(INT64_MAX), lopsided, 3, parts));
    assert_int_equal(parts[1].amount, INT64_MAX);
    assert_int_equal(parts[0].amount + parts[2].amount, 0);
}

void test_money__refuses_splits_without_meaning(void **state)
{
    (void)state;
    static const int64_t rows[][3] = {{0, 0, 0}, {1, -1, 1}, {INT64_MAX, 1, 0}, {INT64_MIN, 1, 1}};
    struct money parts[3];
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_false(money_split(gbp(10), rows[i], 3, parts));
    assert_false(money_split(gbp(10), rows[0], 0, parts));
    assert_false(money_split(gbp(-1), (const int64_t[]){1, 1, 1}, 3, parts));
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
