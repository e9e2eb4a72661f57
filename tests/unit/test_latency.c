/* Latencies: percentiles are at most one per cent off, whatever their size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/latency.h"

static struct latency *new_latency(void)
{
    struct latency *latency = calloc(1, sizeof(*latency));
    assert_non_null(latency);
    return latency;
}

void test_latency__empty_is_zero(void **state)
{
    (void)state;
    struct latency *latency = new_latency();
    assert_int_equal(latency_percentile(latency, 50), 0);
    assert_int_equal(latency_percentile(latency, 100), 0);
    free(latency);
}

void test_latency__every_size_is_within_one_per_cent(void **state)
{
    (void)state;
    for (int64_t us = 1; us < (int64_t)1 << 30; us += 1 + us / 77) {
        struct latency *latency = new_latency();
        latency_add(latency, us);
        latency_add(latency, 2 * us);
        const int64_t found = latency_percentile(latency, 50);
        assert_in_range(found, us, us + us / 100);
        assert_int_equal(latency_percentile(latency, 100), 2 * us);
        free(latency);
    }
}

void test_latency__percentiles_of_a_ramp(void **state)
{
    (void)state;
    struct latency *latency = new_latency();
    for (int64_t us = 1; us <= 100000; us++)
        latency_add(latency, us);
    assert_in_range(latency_percentile(latency, 50), 50000, 50500);
    assert_in_range(latency_percentile(latency, 90), 90000, 90900);
    assert_in_range(latency_percentile(latency, 99), 99000, 99990);
    assert_in_range(latency_percentile(latency, 99.9), 99900, 100000);
    assert_int_equal(latency_percentile(latency, 100), 100000);
    free(latency);
}

void test_latency__histograms_add_up(void **state)
{
    (void)state;
    struct latency *sum = new_latency();
    struct latency *more = new_latency();
    for (int i = 0; i < 99; i++)
        latency_add(sum, 10);
    latency_add(more, 5000000);
    latency_merge(sum, more);
    assert_int_equal(sum->count, 100);
    assert_int_equal(sum->max_us, 5000000);
    assert_int_equal(latency_percentile(sum, 99), 10);
    assert_int_equal(latency_percentile(sum, 99.9), 5000000);
    free(sum);
    free(more);
}

void test_latency__what_is_out_of_range_still_counts(void **state)
{
    (void)state;
    struct latency *latency = new_latency();
    latency_add(latency, -5);
    latency_add(latency, (int64_t)1 << 40);
    assert_int_equal(latency->count, 2);
    assert_int_equal(latency_percentile(latency, 50), 0);
    assert_int_equal(latency_percentile(latency, 99), (int64_t)1 << 40);
    free(latency);
}
