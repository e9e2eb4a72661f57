/* kills.c - processes that die: at each step of a batch, at any moment, and in good order. */
#include <signal.h>

#include "base/clock.h"
#include "fault/fault.h"

#define KILLS   10
#define KILL_MS 150
#define RELOADS 3

static void storm_of_deaths(struct fault *fault, const struct storm *storm)
{
    storm_run(fault, storm);
    if (workers_logged(fault, "lane died") == 0)
        fault_fail(fault, "no lane died");
}

/* The lanes die by themselves where the crash point says. */
static void crash(struct fault *fault)
{
    storm_of_deaths(fault, &(struct storm){0});
}

/* One after the other, in no order that the lanes could know. */
static bool kill_lanes(struct fault *fault)
{
    for (int i = 0; i < KILLS; i++) {
        const struct lanes lanes = workers_lanes(fault);
        if (lanes.count)
            kill(lanes.pids[(size_t)clock_monotonic_us() % lanes.count], SIGKILL);
        fault_sleep_ms(KILL_MS);
    }
    return true;
}

static void random_kills(struct fault *fault)
{
    storm_of_deaths(fault, &(struct storm){.trouble = kill_lanes});
}

static void stop_and_start(struct fault *fault)
{
    workers_stop(fault);
    workers_start(fault, NULL);
}

static void drained(struct fault *fault)
{
    storm_run(fault, &(struct storm){.meanwhile = stop_and_start});
}

/* Every lane is replaced, again and again, and nobody notices. */
static bool reload(struct fault *fault)
{
    for (int i = 1; i <= RELOADS; i++) {
        const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
        kill(fault->supervisor, SIGHUP);
        while (workers_logged(fault, "reloaded: every lane was replaced") < i) {
            if (clock_monotonic_us() > end_us)
                return false;
            fault_sleep_ms(20);
        }
    }
    return workers_logged(fault, "lane died") == 0;
}

static void reloaded(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = reload});
}

static void kill_and_start(struct fault *fault)
{
    workers_kill(fault);
    workers_start(fault, NULL);
}

static void supervisor_killed(struct fault *fault)
{
    storm_run(fault, &(struct storm){.meanwhile = kill_and_start});
}

const struct fault_test kill_tests[] = {
    {.name = "kill_before_load", .run = crash, .crashpoint = "before-load:2"},
    {.name = "kill_after_decide", .run = crash, .crashpoint = "after-decide:2"},
    {.name = "kill_before_commit", .run = crash, .crashpoint = "before-commit:2"},
    {.name = "kill_after_commit", .run = crash, .crashpoint = "after-commit:2"},
    {.name = "kill_after_publish", .run = crash, .crashpoint = "after-publish:2"},
    {.name = "kill_before_ack", .run = crash, .crashpoint = "before-ack:2"},
    {.name = "kill_after_ack", .run = crash, .crashpoint = "after-ack:2"},
    {.name = "kill_at_random", .run = random_kills},
    {.name = "kill_drained", .run = drained},
    {.name = "kill_reloaded", .run = reloaded},
    {.name = "kill_supervisor", .run = supervisor_killed},
    {0},
};
