/* process.h - a lane as a process of its own: opens its connections, runs, closes them. */
#ifndef CARTWRIGHT_SUPERVISOR_PROCESS_H
#define CARTWRIGHT_SUPERVISOR_PROCESS_H

#include "engine/lane.h"

/* Exit statuses that the supervisor understands. */
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

/* Watches for crashes, limits its memory, opens the connections (trying again while a server is away), checks that topology and indexes are
 * there, runs the lane until it is told to stop. Returns one of the exit statuses. */
int lane_process_run(const struct lane_process *process);

#endif
