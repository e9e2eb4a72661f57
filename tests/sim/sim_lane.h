/* sim_lane.h - one life of a real lane, and what it sees of the servers. */
#ifndef CARTWRIGHT_TESTS_SIM_SIM_LANE_H
#define CARTWRIGHT_TESTS_SIM_SIM_LANE_H

#include "engine/lane.h"
#include "sim/schedule.h"

struct sim;

/* One life of a lane: from its start to its crash or drain. Its memory stays until the seed ends,
 * because the database may still be busy with its commit. */
struct sim_lane {
    struct sim *sim;
    int index;       /* its place among the lanes */
    int incarnation; /* 1, 2, 3... of this place */
    struct lane lane;
    struct lane_slot slot;
    struct pool_settings pool;
    volatile sig_atomic_t stopping;
    struct bus *bus; /* decorators */
    struct store *store;
    struct lock *lock;
    struct fiber fiber;
    void *stack;
    int64_t skew_ms;          /* of its clock */
    int64_t stopped_until_us; /* its process is stopped */
    bool waits;               /* may be rung */
    bool released;
    struct sim_lane *next; /* among all lives of the seed */
};

/* A lane for a place that is empty. */
void sim_lane_start(struct sim *sim, int index);
/* It finishes what it has in hand and ends; another one takes its place. */
void sim_lane_drain(struct sim_lane *self);
void sim_lane_free(struct sim_lane *self);
/* From within a lane: its process dies, here and now. */
_Noreturn void sim_lane_crash(struct sim_lane *self);

/* From within a lane: it touches the world. Others act, time passes, faults of lanes strike; does
 * not return when it crashes. */
void sim_touch(struct sim_lane *self, const char *place);
/* The same for what happens very often and is harmless: only a little time passes. */
void sim_touch_lightly(struct sim_lane *self);
/* From within a lane: sleeps until then. */
void sim_lane_sleep(struct sim_lane *self, int64_t until_us);
/* The same, but sim_lane_ring() ends it early. */
void sim_lane_wait(struct sim_lane *self, int64_t until_us);
void sim_lane_ring(struct sim_lane *self);
/* Not before this time while its process is stopped. */
int64_t sim_lane_earliest(const struct sim_lane *self, int64_t at_us);

/* --- decorators ----------------------------------------------------------------------------------- */

struct bus *sim_bus_open(struct sim_lane *owner);
/* The broker ends this lane's connection. */
void sim_bus_lose(struct bus *bus, const char *reason);
struct store *sim_store_open(struct sim_lane *owner);
/* The lane died: what is under way goes on without it, or stays as it is. */
void sim_store_abandon(struct store *store);
struct lock *sim_lock_open(struct sim_lane *owner);

#endif
