/* stall.h - when a lane counts as hanging. Pure: the supervisor gives what it sees and the time.
 *
 * A handler is pure, so it has no business running for long: one run that lasts longer than its
 * limit hangs. Everything else a lane does consists of calls to servers, each of which has a limit of
 * its own, and the lane tells of each that ended; so a lane that tells nothing for longer than several
 * calls may last hangs, and one that waits for a slow server does not. */
#ifndef CARTWRIGHT_SUPERVISOR_STALL_H
#define CARTWRIGHT_SUPERVISOR_STALL_H

#include <stdbool.h>
#include <stdint.h>

struct stall_limits {
    int64_t handler_ms; /* one run of a handler, one password */
    int64_t lane_ms;    /* without any sign */
};

/* What is seen of a lane. */
struct stall_sight {
    bool handles; /* a handler runs */
    uint64_t run; /* which one */
    int64_t alive_ms;
};

struct stall {
    uint64_t run;
    int64_t run_since_ms; /* when this run was seen first */
    int64_t looked_ms;
    int64_t blind_until_ms; /* nothing before it counts */
};

enum stall_kind { STALL_NONE, STALL_HANDLER, STALL_LANE };

/* A process has begun. */
void stall_init(struct stall *stall, int64_t now_ms);
/* Says since when in *since_ms. Times are monotonic. Who looks seldom (the supervisor was stopped,
 * the machine slept) sees nothing: the lanes had no time either. */
enum stall_kind stall_look(struct stall *stall, const struct stall_sight *sight,
                           const struct stall_limits *limits, int64_t now_ms, int64_t *since_ms);

#endif
