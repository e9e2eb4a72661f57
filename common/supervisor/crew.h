/* crew.h - the lanes of a supervisor: which processes there are, and which there should be.
 *
 * A lane that dies is started again. A lane that cannot start (the broker refuses its login, there
 * is no memory for it) is tried again less and less often, at least once a minute, while the others
 * go on. The crew is given up as hopeless only when a lane can never work and the crew was never
 * ready, that is, never had a lane at work in every pool.
 *
 * crew.c starts lanes and notes how they end, crew_watch.c cuts lanes that hang, crew_status.c
 * reports their state, crew_pools.c limits how many lanes of a pool work at a time, crew_roll.c
 * replaces all lanes one after the other. Private to the supervisor. */
#ifndef CARTWRIGHT_SUPERVISOR_CREW_H
#define CARTWRIGHT_SUPERVISOR_CREW_H

#include "engine/blame.h"
#include "engine/slot.h"
#include "supervisor/concurrency.h"
#include "supervisor/plan.h"
#include "supervisor/stall.h"
#include "supervisor/status.h"

/* "SIGABRT: out of memory for ...", or the last error of the lane itself */
#define LANE_WHY_MAX (CRASH_SIGNAL_MAX + 2 + ERR_TEXT_MAX)

struct crew_pool {
    const struct pool_settings *settings; /* of the present plan */
    bool wanted;                          /* this supervisor runs it */
    struct concurrency limit;
    struct pool_work gone; /* done by lanes that were removed */
};

/* One lane: a place in a pool (its index), and the process that works there. Two lanes have the
 * same place while one replaces the other. */
struct lane_child {
    struct crew_pool *pool;
    int index;
    uint64_t generation;        /* of the plan that its process was started with */
    struct stall_limits limits; /* under that plan */
    struct lane_slot *slot;     /* shared with its process, and with no other lane */
    pid_t pid;                  /* 0: not running */
    bool leaving;               /* it was told to end and is not started again */
    int failures;           /* processes in a row that died, or gave up, before they were at work */
    char why[LANE_WHY_MAX]; /* why its last process ended; "": not known */
    int64_t started_ms;     /* monotonic */
    int64_t backoff_ms;
    int64_t start_at_ms; /* monotonic */
    int64_t deaths;      /* processes that a signal ended */
    struct stall stall;
    int64_t cut_at_ms; /* when SIGABRT was sent because it hangs, monotonic; 0: it was not */
    int64_t hung_ms;   /* how long it had hung by then; 0: it was not cut */
};

enum roll { ROLL_NONE, ROLL_FORWARD, ROLL_BACK };

struct crew {
    struct plan plans[2];
    const struct plan *plan; /* the one of `plans` that new lanes are started with */
    uint64_t generation;     /* of that plan; each new plan gets a new one */
    uint64_t other_generation, last_generation; /* of the other plan; the highest ever given */
    struct blame_table *blame;
    struct crew_pool *pools;
    size_t pool_count;
    struct lane_child *lanes; /* sorted by pool, then by index; of one place the older lane first */
    size_t count, capacity;
    enum roll roll;
    bool has_been_ready; /* at some time every pool had a lane at work */
    bool hopeless;       /* it never was ready, and a lane can never work */
    const volatile sig_atomic_t *stopping;
};

/* Copies *plan, but not what it points to. `only` names the pools to run (comma-separated); "":
 * all. False, after a log line, when there is no pool to run. */
bool crew_init(struct crew *crew, const struct plan *plan, struct str only,
               const volatile sig_atomic_t *stopping);
/* Frees the memory of the crew; ends no process. */
void crew_release(struct crew *crew);
/* Starts every lane that has no process and whose backoff is over. `now_ms` is monotonic, here and
 * below. */
void crew_start_due(struct crew *crew, int64_t now_ms);
/* Notes how every process ended that has ended by now, and prunes the lanes. Never blocks. */
void crew_reap(struct crew *crew, int64_t now_ms);
/* Sends the signal to each running lane (0: sends nothing) and returns how many are running. */
size_t crew_signal(struct crew *crew, int signal);
/* Adds a lane in the order of the list, which may move in memory; the lane starts with the next
 * crew_start_due(). */
void crew_add(struct crew *crew, struct crew_pool *pool, int index);
/* Removes the lanes that have no process and are not needed any more. */
void crew_prune(struct crew *crew);
/* A lane of this place, other than `other`, that is to stay there; NULL: there is none. */
const struct lane_child *crew_holder(const struct crew *crew, const struct crew_pool *pool,
                                     int index, const struct lane_child *other);
/* True when a process of this place is at work. */
bool crew_serves(const struct crew *crew, const struct crew_pool *pool, int index);
/* True when its last process failed before it was at work, and the present one, if any, was not at
 * work yet. */
bool crew_is_stuck(const struct lane_child *lane);
/* True when a lane of the pool is at work. */
bool crew_pool_serves(const struct crew *crew, const struct crew_pool *pool);
/* True when every pool that is run has a lane at work. */
bool crew_is_ready(const struct crew *crew);
/* Sends SIGTERM to this lane: it drains and is not started again. */
void crew_dismiss(struct lane_child *lane);

/* crew_watch.c: the limits after which a lane that is started now counts as hanging. */
struct stall_limits crew_limits(const struct crew *crew, const struct crew_pool *pool);
/* Cuts the lanes that hang: SIGABRT, and SIGKILL 2 s later. */
void crew_cut_hanging(struct crew *crew, int64_t now_ms);
/* True when every pool has a lane that makes progress, or waits for a server and reports that. */
bool crew_makes_progress(const struct crew *crew, int64_t now_ms);

/* crew_status.c: the lanes' part of the status, valid as long as the arena and the crew. */
void crew_status(const struct crew *crew, struct arena *arena, int64_t now_ms, struct status *out);
/* Changes whenever any lane's state changes. */
uint64_t crew_signature(const struct crew *crew);
/* Places with a lane at work, places that have only a lane that cannot start, and all places. */
struct crew_count {
    size_t ready, stuck, places;
};
struct crew_count crew_count(const struct crew *crew);

/* crew_pools.c: lets all lanes of a pool work when their number has changed. */
void crew_set_limits(struct crew *crew, int64_t now_ms);
/* Adapts the limits to the work done, and has the lanes beyond a limit stand aside. */
void crew_adapt(struct crew *crew, int64_t now_ms);

/* crew_roll.c: begins to replace every lane by one that works with the new plan, which must have
 * the same pools. Copies *plan like crew_init(). The crew must not be rolling forward. */
void crew_follow(struct crew *crew, const struct plan *plan, int64_t now_ms);
/* Takes the next step of the roll, if there is one: a lane is told to end when the lane that
 * replaces it is ready. */
void crew_roll(struct crew *crew);
/* While the crew is rolling forward: goes back to the previous plan, by the same steps. */
void crew_roll_back(struct crew *crew, int64_t now_ms);

#endif
