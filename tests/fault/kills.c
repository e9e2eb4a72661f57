/* kills.c - processes that die: at each step of a batch, at any moment, and in good order. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fault/fault.h"

#define KILLS   10
#define KILL_MS 150

/* The lanes die by themselves where the crash point says. */
static void crash(struct fault *fault)
{
    storm_run(fault, NULL);
    if (workers_logged(fault, "lane died") == 0)
        fault_fail(fault, "no lane died");
}

/* Different ones, in no order that the lanes could know. */
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
    storm_run(fault, kill_lanes);
    if (workers_logged(fault, "lane died") == 0)
        fault_fail(fault, "no lane died");
}

/* A stop and a new start while everybody shops. The trouble tells the supervisor; this process, its
 * parent, waits for it. */
struct relieved {
    struct sender sender;
};

static bool tell_to_stop(struct fault *fault)
{
    return kill(fault->supervisor, SIGTERM) == 0;
}

static bool kill_supervisor(struct fault *fault)
{
    return kill(fault->supervisor, SIGKILL) == 0;
}
