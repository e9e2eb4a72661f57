/* When a lane counts as hanging: a handler that runs on, a lane that tells nothing; and when it does
 * not, although nothing moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "supervisor/stall.h"

static const struct stall_limits limits = {.handler_ms = 1000, .lane_ms = 5000};
static struct stall stall;
static struct stall_sight sight;
static int64_t now_ms;

static void begin(void)
{
    now_ms = 100000;
    sight = (struct stall_sight){.alive_ms = now_ms};
    stall_init(&stall, now_ms);
}

/* The supervisor looks every 100 ms; the first finding ends it. */
static enum stall_kind look_for(int64_t ms)
{
    int64_t since_ms;
    enum stall_kind kind = STALL_NONE;
    for (int64_t end_ms = now_ms + ms; now_ms < end_ms && kind == STALL_NONE;) {
        now_ms += 100;
        kind = stall_look(&stall, &sight, &limits, now_ms, &since_ms);
    }
    return kind;
}

void test_stall__a_run_that_lasts_too_long_hangs(void **state)
{
    (void)state;
    begin();
    sight.handles = true;
    sight.run = 7;
    assert_int_equal(look_for(1000), STALL_NONE);
    assert_int_equal(look_for(200), STALL_HANDLER);
}

void test_stall__a_thousand_short_runs_do_not(void **state)
{
    (void)state;
    begin();
    sight.handles = true; /* whenever one looks */
    for (int i = 0; i < 100; i++) {
        sight.run++;
        sight.alive_ms = now_ms;
        assert_int_equal(look_for(900), STALL_NONE);
    }
}

void test_stall__the_time_between_two_runs_does_not_count(void **state)
{
    (void)state;
    begin();
    sight.handles = true;
    assert_int_equal(look_for(900), STALL_NONE);
    sight.handles = false;
    assert_int_equal(look_for(100), STALL_NONE);
    sight.handles = true; /* the same number: it was seen before and after */
    assert_int_equal(look_for(900), STALL_NONE);
}

void test_stall__a_silent_lane_hangs(void **state)
{
    (void)state;
    begin();
    int64_t since_ms;
    assert_int_equal(look_for(5000), STALL_NONE);
    now_ms += 100;
    assert_int_equal(stall_look(&stall, &sight, &limits, now_ms, &since_ms), STALL_LANE);
    assert_int_equal(since_ms, 100000);
}

void test_stall__one_that_waits_and_says_so_does_not(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 100; i++) {
        assert_int_equal(look_for(4000), STALL_NONE);
        sight.alive_ms = now_ms;
    }
}

/* The machine slept, or the supervisor was stopped: the lanes were, too. */
void test_stall__nobody_is_cut_for_time_that_nobody_had(void **state)
{
    (void)state;
    begin();
    sight.handles = true;
    assert_int_equal(look_for(500), STALL_NONE);
    now_ms += 60000;
    assert_int_equal(look_for(1000), STALL_NONE);
    assert_int_equal(look_for(200), STALL_HANDLER);
    begin();
    now_ms += 60000;
    assert_int_equal(look_for(5000), STALL_NONE);
    assert_int_equal(look_for(200), STALL_LANE);
}
