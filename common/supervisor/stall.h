/* stall.h - when a lane counts as hanging. Pure: the supervisor passes in what it sees and the
 * time.
 *
 * A handler is pure and never needs long, so a run of a handler that exceeds its limit hangs.
 * Everything else that a lane does consists of calls to servers. Each call has a limit of its own,
 * and the lane gives a sign of life when a call has ended. So a lane that gives no sign for longer
 * than several calls may last hangs, and a lane that waits for a slow server does not. */
#ifndef CARTWRIGHT_SUPERVISOR_STALL_H
#define CARTWRIGHT_SUPERVISOR_STALL_H

#include <stdbool.h>
#include <stdint.h>

struct stall_limits {
    int64_t handler_ms; /* for one run of a handler, or one password */
    int64_t lane_ms;    /* without a sign of life */
};

/* What the supervisor sees of a lane. */
struct stall_sight {
    bool handles;     /* a handler runs */
    uint64_t run;     /* the number of that run */
    int64_t alive_ms; /* its last sign of life */
};

struct stall {
    uint64_t run;
    int64_t run_since_ms;   /* when this run was first seen */
    int64_t looked_ms;      /* the last look */
    int64_t blind_until_ms; /* nothing before this time counts */
};

enum stall_kind { STALL_NONE, STALL_HANDLER, STALL_LANE };

/* To be called when the process of the lane begins. */
void stall_init(struct stall *stall, int64_t now_ms);
/* How the lane hangs, if it does; *since_ms is set to when that began. Times are monotonic. When
 * the last look is over a second ago (the supervisor was stopped, the machine slept), nothing
 * counts as hanging and the limits begin anew: the lanes had no time to run either. */
enum stall_kind stall_look(struct stall *stall, const struct stall_sight *sight,
                           const struct stall_limits *limits, int64_t now_ms, int64_t *since_ms);

#endif
