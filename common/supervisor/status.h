/* status.h - the state of a supervisor and its lanes, as a small JSON file.
 *
 * Written whole under another name and renamed, once a second and at each change, so a reader always
 * sees one state. Whoever reads it must not believe a file that outlived its writer: `pid` with
 * `born` (a pid is used again, but not with the same start) and `aliveMs` say whether it did. */
#ifndef CARTWRIGHT_SUPERVISOR_STATUS_H
#define CARTWRIGHT_SUPERVISOR_STATUS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

struct status_lane {
    int64_t lane;           /* from 1 */
    struct str state;       /* starting, ready, waiting, aside, draining, restarting */
    int64_t pid;            /* 0 while restarting */
    struct str waiting_for; /* the server's error */
    int64_t since;          /* of waiting, ms since 1970 */
    struct str stage;       /* of draining */
    struct opt_int restart_ms;
    int64_t progress_ms; /* since its last sign of life */
    int64_t settled;
    int64_t deferred;
    int64_t local_limits;
    int64_t deaths;
    struct str why; /* its last process ended, before it was at work */
};

struct status_pool {
    struct str name;
    int64_t working; /* how many lanes may work at a time */
    LIST(struct status_lane) lanes;
};

struct status {
    int64_t pid;
    int64_t born; /* process_born() */
    int64_t written_at;
    int64_t alive_ms;  /* clock_monotonic_us() / 1000 */
    struct str state;  /* starting, ready, degraded, not ready, reloading, stopping */
    struct str reason; /* of not being ready, or the first of the warnings */
    bool ready;        /* every pool has a lane at work */
    bool degraded;     /* something is not as it should be */
    LIST(struct str) warnings;
    LIST(struct status_pool) pools;
};

/* Replaces the file. RETRY: it cannot be written, err says why. */
MUST_CHECK enum outcome status_save(const char *path, const struct status *status,
                                    struct arena *arena, struct err *err);
/* Of the file: all but the pools, and the whole text. RETRY when there is none, INVALID when it is
 * none of ours. */
MUST_CHECK enum outcome status_load(const char *path, struct arena *arena, struct status *out,
                                    struct str *text, struct err *err);
/* When a process began, in ticks since the machine started; -1 when it is gone. */
int64_t process_born(int64_t pid);

#endif
