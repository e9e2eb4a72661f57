/* process.h - a lane as a process of its own: it opens its connections, runs, and closes them. */
#ifndef CARTWRIGHT_SUPERVISOR_PROCESS_H
#define CARTWRIGHT_SUPERVISOR_PROCESS_H

#include "engine/lane.h"

/* The exit statuses of a lane: told to stop, to be started again, can never work. */
enum { LANE_EXIT_DONE = 0, LANE_EXIT_RESTART = 75, LANE_EXIT_HOPELESS = 78 };

struct lane_process {
    const struct service *service;
    const struct engine_settings *settings;
    const struct pool_settings *pool;
    int index;
    struct lane_slot *slot;
    struct blame_table *blame;
    const volatile sig_atomic_t *stopping;
};

/* Watches for crashes, limits the memory of the process, opens the connections (trying again while
 * a server is away), checks that the indexes are there, waits until the lane's queues are there,
 * and runs the lane until it is told to stop. Returns one of the exit statuses. */
int lane_process_run(const struct lane_process *process);

#endif
