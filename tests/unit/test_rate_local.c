/* Rate limits of a process alone: the same rules, whatever becomes of Redis, and a bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fakes/lock_fake.h"
#include "lock/rate_local.h"

static struct rate_limit use(struct rate_local **local, struct str key, enum rate_use kind,
                             int64_t now)
{
    struct rate_limit limit = {.key = key, .burst = 2, .period_ms = 100, .use = kind};
    rate_local_take(local, &limit, 1, now);
    return limit;
}

void test_rate_local__counts_each_key(void **state)
{
    (void)state;
    struct rate_local *local = NULL;
    assert_true(use(&local, STR("a"), RATE_TAKE, 1000).allowed);
    assert_true(use(&local, STR("a"), RATE_TAKE, 1000).allowed);
    const struct rate_limit third = use(&local, STR("a"), RATE_TAKE, 1000);
    assert_false(third.allowed);
    assert_int_equal(third.wait_ms, 100);
    assert_true(use(&local, STR("b"), RATE_TAKE, 1000).allowed);
    use(&local, STR("a"), RATE_GIVE_BACK, 1000);
    assert_true(use(&local, STR("a"), RATE_PEEK, 1000).allowed);
    assert_true(use(&local, STR("a"), RATE_TAKE, 1000).allowed);
    assert_false(use(&local, STR("a"), RATE_PEEK, 1099).allowed);
    assert_true(use(&local, STR("a"), RATE_PEEK, 1100).allowed);
    free(local);
}

/* A flood of other keys may make room for a bucket that is nearly full again, never for all. */
void test_rate_local__keeps_the_emptiest_in_a_flood(void **state)
{
    (void)state;
    struct rate_local *local = NULL;
    char name[32];
    for (int i = 0; i < 2; i++)
        assert_true(use(&local, STR("victim"), RATE_TAKE, 1000).allowed);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "flood-%d", i);
        use(&local, str_of(name), RATE_TAKE, 1000);
    }
    assert_false(use(&local, STR("victim"), RATE_TAKE, 1000).allowed);
    free(local);
}

/* What stands in a bucket and was not written by these rules locks nobody out for long. */
void test_rate_local__believes_no_senseless_bucket(void **state)
{
    (void)state;
    int64_t at = INT64_MAX / 2;
    struct rate_limit limit = {.key = STR("a"), .burst = 2, .period_ms = 100, .use = RATE_TAKE};
    rate_apply(&limit, &at, 1000);
    assert_false(limit.allowed);
    assert_int_equal(limit.wait_ms, 100);
    assert_int_equal(at, 1200);
}

void test_rate_local__takes_over_when_redis_is_away(void **state)
{
    (void)state;
    struct lock *lock = lock_fake_open();
    struct rate_limit limit = {.key = STR("a"), .burst = 1, .period_ms = 100, .use = RATE_TAKE};
    struct err err;
    lock_fake_set_down(lock, true);
    assert_int_equal(rate_take(lock, &limit, 1, &err), OUTCOME_RETRY);
    assert_true(limit.allowed);
    assert_int_equal(rate_take(lock, &limit, 1, &err), OUTCOME_RETRY);
    assert_false(limit.allowed);
    assert_int_equal(limit.wait_ms, 100);
    lock_fake_advance(lock, 100);
    assert_int_equal(rate_take(lock, &limit, 1, &err), OUTCOME_RETRY);
    assert_true(limit.allowed);
    lock_close(lock);
}
