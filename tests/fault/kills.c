/* kills.c - lanes that die at each step of a batch, and lanes that are replaced in good order. (Faults
 * at any moment: nemesis.c.) */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault/fault.h"

#define RELOADS      3
#define RELOADS_LONG 100

/* The lanes die by themselves where the crash point says. */
static void crash(struct fault *fault)
{
    storm_run(fault, &(struct storm){0});
    if (workers_logged(fault, "lane died") == 0)
        fault_fail(fault, "no lane died");
}

/* Every lane is replaced, again and again, and nobody notices. */
static bool reload(struct fault *fault)
{
    static const char *const done = "reloaded: every lane was replaced";
    fault->reloads_done += workers_logged_since(fault, done, &fault->reloads_seen_to);
    if (fault->reloads_done == fault->reloads && fault->reloads < fault->reloads_wanted) {
        kill(fault->supervisors[0], SIGHUP);
        fault->reloads++;
    }
    return fault->reloads_done < fault->reloads_wanted;
}

static int by_size(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_latencies(struct fault *fault)
{
    size_t count = 0;
    int64_t *us = arena_array(&fault->arena, fault->history.count + 1, sizeof(*us));
    for (size_t i = 0; i < fault->history.count; i++)
        if (fault->history.items[i]->replies)
            us[count++] = fault->history.items[i]->answered_us - fault->history.items[i]->sent_us;
    qsort(us, count, sizeof(*us), by_size);
    printf("    %d reloads, %zu of %zu calls answered: p50 %.0f ms, p99 %.0f ms, longest %.0f ms\n",
           fault->reloads, count, fault->history.count, (double)us[count / 2] / 1e3,
           (double)us[count * 99 / 100] / 1e3, (double)us[count ? count - 1 : 0] / 1e3);
}

static void reload_often(struct fault *fault, int times)
{
    fault->reloads_wanted = times;
    fault->reloads_seen_to = fault->log_from;
    storm_run(fault, &(struct storm){.trouble = reload});
    if (workers_logged(fault, "lane died"))
        fault_fail(fault, "a lane died");
    print_latencies(fault);
}

static void reloaded(struct fault *fault)
{
    reload_often(fault, RELOADS);
}

static void reloaded_hundred_times(struct fault *fault)
{
    reload_often(fault, RELOADS_LONG);
}

const struct fault_test kill_tests[] = {
    {.name = "kill_before_load", .run = crash, .crashpoint = "before-load:2"},
    {.name = "kill_after_decide", .run = crash, .crashpoint = "after-decide:2"},
    {.name = "kill_before_commit", .run = crash, .crashpoint = "before-commit:2"},
    {.name = "kill_after_commit", .run = crash, .crashpoint = "after-commit:2"},
    {.name = "kill_after_publish", .run = crash, .crashpoint = "after-publish:2"},
    {.name = "kill_before_ack", .run = crash, .crashpoint = "before-ack:2"},
    {.name = "kill_after_ack", .run = crash, .crashpoint = "after-ack:2"},
    {.name = "kill_reloaded", .run = reloaded},
    {.name = "kill_reloaded_hundred_times", .run = reloaded_hundred_times, .is_long = true},
    {0},
};
