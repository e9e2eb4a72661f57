/* Bytes of replies that a destination may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/allowance.h"

static struct allowance table[ALLOWANCE_SLOTS];
static const struct allowance_rule rule = {.burst = 1000, .rate = 100};

static int64_t take(const char *destination, int64_t bytes, int64_t now_ms)
{
    return allowance_take(table, &rule, str_of(destination), bytes, now_ms * 1000);
}

void test_allowance__a_burst_and_then_as_time_passes(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    assert_int_equal(take("a", 600, 0), 0);
    assert_int_equal(take("a", 400, 0), 0);
    assert_int_equal(take("a", 100, 0), 1001);
    assert_int_equal(take("a", 100, 500), 501);
    assert_int_equal(take("a", 100, 1000), 0);
    assert_int_equal(take("a", 1000, 100000), 0); /* full again, and no more than that */
    assert_int_equal(take("a", 100, 100000), 1001);
}

void test_allowance__each_destination_has_its_own(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    assert_int_equal(take("a", 1000, 0), 0);
    assert_int_equal(take("b", 1000, 0), 0);
    assert_true(take("a", 1, 0) > 0);
}

void test_allowance__what_is_longer_than_the_bucket_goes_when_it_is_full(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    assert_int_equal(take("a", 5000, 0), 0);
    assert_true(take("a", 1, 10000) > 0);
    assert_int_equal(take("a", 1, 51000), 0);
}

void test_allowance__without_a_rate_there_is_no_limit(void **state)
{
    (void)state;
    static const struct allowance_rule none = {.burst = 10, .rate = 0};
    for (int i = 0; i < 10; i++)
        assert_int_equal(allowance_take(table, &none, str_of("a"), 1 << 30, 0), 0);
}
