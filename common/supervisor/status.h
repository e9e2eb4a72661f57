/* status.h - the state of a supervisor and its lanes, as a small JSON file.
 *
 * The supervisor writes the whole file under another name and renames it, once a second and at each
 * change, so a reader always sees one consistent state. A reader must not believe a file that
 * outlived its writer: `pid` with `born` (a pid may be used again, but not with the same start) and
 * `aliveMs` say whether it did. */
#ifndef CARTWRIGHT_SUPERVISOR_STATUS_H
#define CARTWRIGHT_SUPERVISOR_STATUS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

struct status_lane {
    int64_t lane;           /* from 1 */
    struct str state;       /* starting, ready, waiting, aside, draining, restarting */
    int64_t pid;            /* 0 while restarting */
    struct str waiting_for; /* error of the server that it waits for; absent: it waits for none */
    int64_t since;          /* when it began to wait, ms since 1970; 0: it does not wait */
    struct str stage;       /* of its drain; absent: it is not draining */
    struct opt_int restart_ms; /* ms until its next start, while restarting */
    int64_t progress_ms;       /* ms since its last sign of life */
    int64_t settled;
    int64_t deferred;
    int64_t local_limits;
    int64_t deaths; /* processes that a signal ended */
    struct str why; /* why its last process ended; absent once the present one was at work */
};

struct status_pool {
    struct str name;
    int64_t working; /* how many lanes may work at a time */
    LIST(struct status_lane) lanes;
};

struct status {
    int64_t pid;
    int64_t born;       /* process_born() */
    int64_t written_at; /* ms since 1970 */
    int64_t alive_ms;   /* clock_monotonic_us() / 1000 */
    struct str state;   /* starting, ready, degraded, not ready, reloading, stopping */
    struct str reason;  /* why it is not ready, else the first warning; absent: neither */
    bool ready;         /* every pool has a lane at work, and it is not stopping */
    bool degraded;      /* there are warnings */
    LIST(struct str) warnings;
    LIST(struct status_pool) pools;
};

/* Replaces the file. RETRY when it cannot be written; err says why. */
MUST_CHECK enum outcome status_save(const char *path, const struct status *status,
                                    struct arena *arena, struct err *err);
/* Reads the file: all but the pools into *out, the whole text into *text, both in the arena. RETRY
 * when it cannot be read, INVALID when it is not the state of a supervisor. */
MUST_CHECK enum outcome status_load(const char *path, struct arena *arena, struct status *out,
                                    struct str *text, struct err *err);
/* When a process began, in ticks since the machine started; -1 when it is gone, or a zombie. */
int64_t process_born(int64_t pid);

#endif
