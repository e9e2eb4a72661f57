/* crew.h - the lanes of a supervisor: which processes there are, and which there should be.
 *
 * A lane that dies is started again. One that cannot start (the broker refuses its login, there is no
 * memory for it) is tried again less and less often, at least once a minute, and the others go on:
 * only a crew that was never ready, no pool of it without a lane at work, is given up as hopeless.
 *
 * crew.c starts lanes and takes note of their ends, crew_watch.c cuts those that hang,
 * crew_status.c tells of them, crew_pools.c says how many of a pool work at a time, crew_roll.c
 * replaces all of them one after the other. Private to the supervisor. */
#ifndef CARTWRIGHT_SUPERVISOR_CREW_H
#define CARTWRIGHT_SUPERVISOR_CREW_H

#include "engine/blame.h"
#include "engine/slot.h"
#include "supervisor/concurrency.h"
#include "supervisor/plan.h"
#include "supervisor/stall.h"
#include "supervisor/status.h"

/* "SIGABRT: out of memory for ...", or what the lane itself said */
#define LANE_WHY_MAX (CRASH_SIGNAL_MAX + 2 + ERR_TEXT_MAX)

struct crew_pool {
    const struct pool_settings *settings; /* of the present plan */
    bool wanted;                          /* it is run here */
    struct concurrency limit;
    struct pool_work gone; /* by lanes that were replaced */
};

/* One lane: a place in a pool, and the process that works there. Two have the same place while one
 * replaces the other. */
struct lane_child {
    struct crew_pool *pool;
    int index;
    uint64_t generation;        /* of the plan that its process was started with */
    struct stall_limits limits; /* by that plan */
    struct lane_slot *slot;     /* shared with the process; of its own */
    pid_t pid;                  /* 0: not running */
    bool leaving;               /* told to go, and nobody takes its place any more */
    int failures;               /* processes in a row that ended before they were at work */
    char why[LANE_WHY_MAX];     /* of the last one's end */
    int64_t started_ms;
    int64_t backoff_ms;
    int64_t start_at_ms; /* monotonic */
    int64_t deaths;      /* by a signal */
    struct stall stall;
    int64_t cut_at_ms; /* SIGABRT was sent because it hangs; 0: no */
    int64_t hung_ms;   /* for so long */
};

enum roll { ROLL_NONE, ROLL_FORWARD, ROLL_BACK };

struct crew {
    struct plan plans[2];
    const struct plan *plan; /* one of them: what new lanes work by */
    uint64_t generation;     /* of that plan: each that is followed has a new one */
    uint64_t other_generation, last_generation;
    struct blame_table *blame;
    struct crew_pool *pools;
    size_t pool_count;
    struct lane_child *lanes; /* pool by pool, by index, an older process first */
    size_t count, capacity;
    enum roll roll;
    bool has_been_ready; /* once, each pool had a lane at work */
    bool hopeless;       /* it never was, and a lane can never work */
    const volatile sig_atomic_t *stopping;
};

/* `only` names pools (comma-separated); "" is all. False after a log line when there is none. */
bool crew_init(struct crew *crew, const struct plan *plan, struct str only,
               const volatile sig_atomic_t *stopping);
void crew_release(struct crew *crew);
/* Starts what should run and does not. */
void crew_start_due(struct crew *crew, int64_t now_ms);
/* Takes note of every process that has ended. */
void crew_reap(struct crew *crew, int64_t now_ms);
/* The signal goes to each running lane (0: to none); gives how many there are. */
size_t crew_signal(struct crew *crew, int signal);
/* Adds a lane, in its place of the list; it starts with the next crew_start_due(). */
void crew_add(struct crew *crew, struct crew_pool *pool, int index);
/* Forgets the places without a process that nobody needs any more. */
void crew_prune(struct crew *crew);
/* A lane of this place that is to stay there; NULL: none. `other`: not this one. */
const struct lane_child *crew_holder(const struct crew *crew, const struct crew_pool *pool,
                                     int index, const struct lane_child *other);
/* A process of this place is at work. */
bool crew_serves(const struct crew *crew, const struct crew_pool *pool, int index);
/* Its process is not at work, and the last one did not get so far either. */
bool crew_is_stuck(const struct lane_child *lane);
/* A lane of the pool is at work. */
bool crew_pool_serves(const struct crew *crew, const struct crew_pool *pool);
/* Every pool has a lane at work. */
bool crew_is_ready(const struct crew *crew);
/* SIGTERM to this one; it drains, and nobody is started in its place. */
void crew_dismiss(struct lane_child *lane);

/* crew_watch.c: when a lane that is started now counts as hanging. */
struct stall_limits crew_limits(const struct crew *crew, const struct crew_pool *pool);
void crew_cut_hanging(struct crew *crew, int64_t now_ms);
/* Every pool has a lane that makes progress (or waits, and says so). */
bool crew_makes_progress(const struct crew *crew, int64_t now_ms);

/* crew_status.c: the lanes' part of the status, in the arena. */
void crew_status(const struct crew *crew, struct arena *arena, int64_t now_ms, struct status *out);
/* Another one when any lane's state is another one. */
uint64_t crew_signature(const struct crew *crew);
/* How many places have a lane at work, how many a lane that cannot start, and how many there are. */
struct crew_count {
    size_t ready, stuck, places;
};
struct crew_count crew_count(const struct crew *crew);

/* crew_pools.c */
void crew_set_limits(struct crew *crew, int64_t now_ms);
void crew_adapt(struct crew *crew, int64_t now_ms);

/* crew_roll.c: begins to replace every lane by one that works by the new plan, whose pools are the
 * same. Not while it is rolling forward. */
void crew_follow(struct crew *crew, const struct plan *plan, int64_t now_ms);
/* The next step of it, if there is one: a lane is told to go when the one that replaces it is ready. */
void crew_roll(struct crew *crew);
/* While it is rolling forward: back to the plan before, by the same steps. */
void crew_roll_back(struct crew *crew, int64_t now_ms);

#endif
