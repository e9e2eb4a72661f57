/* How many lanes of a pool work at a time: fewer when they meet, one more after a pause that grows
 * while the tries fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/concurrency.h"

static struct concurrency c;
static struct pool_work work;
static int64_t now_ms;

static void begin(int64_t lanes)
{
    now_ms = 1000;
    work = (struct pool_work){0};
    concurrency_init(&c, lanes, now_ms);
}

/* Half a second of work. */
static bool half_second(int64_t settled, int64_t deferred)
{
    now_ms += 500;
    work.settled += settled;
    work.deferred += deferred;
    return concurrency_adapt(&c, work, now_ms);
}

static void quiet(int64_t seconds)
{
    for (int64_t i = 0; i < 2 * seconds; i++)
        half_second(1000, 0);
}

void test_concurrency__all_lanes_work_while_they_seldom_meet(void **state)
{
    (void)state;
    begin(4);
    for (int i = 0; i < 100; i++)
        assert_false(half_second(1000, 250));
    assert_int_equal(c.limit, 4);
}

void test_concurrency__lanes_that_meet_are_halved_down_to_one(void **state)
{
    (void)state;
    begin(5);
    assert_true(half_second(1000, 251));
    assert_int_equal(c.limit, 3);
    assert_true(half_second(1000, 400));
    assert_int_equal(c.limit, 2);
    assert_true(half_second(1000, 400));
    assert_int_equal(c.limit, 1);
    assert_false(half_second(1000, 400));
    assert_int_equal(c.limit, 1);
}

void test_concurrency__few_messages_say_nothing(void **state)
{
    (void)state;
    begin(2);
    assert_false(half_second(99, 100));
    assert_true(half_second(100, 100));
}

void test_concurrency__it_looks_at_what_is_new_and_twice_a_second_at_most(void **state)
{
    (void)state;
    begin(2);
    half_second(1000000, 1000);
    now_ms += 499;
    work.deferred += 100000;
    assert_false(concurrency_adapt(&c, work, now_ms));
    now_ms += 1;
    assert_true(concurrency_adapt(&c, work, now_ms));
}

void test_concurrency__one_more_is_tried_after_a_pause(void **state)
{
    (void)state;
    begin(4);
    half_second(1000, 1000);
    half_second(1000, 1000);
    assert_int_equal(c.limit, 1);
    quiet(19); /* the second step down: 20 s */
    assert_int_equal(c.limit, 1);
    quiet(1);
    assert_int_equal(c.limit, 2);
}

void test_concurrency__the_pause_doubles_while_tries_fail(void **state)
{
    (void)state;
    begin(2);
    for (int64_t pause_s = 10; pause_s <= 300; pause_s = pause_s * 2 < 300 ? pause_s * 2 : 300) {
        assert_true(half_second(1000, 1000));
        quiet(pause_s - 1);
        assert_int_equal(c.limit, 1);
        quiet(1);
        assert_int_equal(c.limit, 2);
        if (pause_s == 300)
            break;
    }
}

void test_concurrency__a_try_that_lasts_makes_the_pause_short_again(void **state)
{
    (void)state;
    begin(2);
    half_second(1000, 1000);
    quiet(10);
    assert_true(half_second(1000, 1000)); /* the first try fails: 20 s */
    quiet(20);
    assert_int_equal(c.limit, 2);
    quiet(40); /* the second one lasts */
    assert_true(half_second(1000, 1000));
    quiet(10);
    assert_int_equal(c.limit, 2);
}

void test_concurrency__a_pool_of_one_lane_never_changes(void **state)
{
    (void)state;
    begin(1);
    for (int i = 0; i < 100; i++)
        assert_false(half_second(1000, 1000));
    assert_int_equal(c.limit, 1);
}
