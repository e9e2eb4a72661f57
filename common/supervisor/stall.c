/* stall.c - when a lane counts as hanging. */
#include "supervisor/stall.h"

/* The supervisor looks ten times a second; after a longer gap it was itself not running. */
#define BLIND_MS 1000

void stall_init(struct stall *stall, int64_t now_ms)
{
    *stall = (struct stall){.run_since_ms = now_ms, .looked_ms = now_ms, .blind_until_ms = now_ms};
}

static void open_eyes(struct stall *stall, int64_t now_ms)
{
    if (now_ms - stall->looked_ms > BLIND_MS)
        stall->run_since_ms = stall->blind_until_ms = now_ms;
    stall->looked_ms = now_ms;
}

enum stall_kind stall_look(struct stall *stall, const struct stall_sight *sight,
                           const struct stall_limits *limits, int64_t now_ms, int64_t *since_ms)
{
    open_eyes(stall, now_ms);
    if (!sight->handles || sight->run != stall->run) {
        stall->run = sight->run;
        stall->run_since_ms = now_ms;
    }
    *since_ms = stall->run_since_ms;
    if (now_ms - *since_ms > limits->handler_ms)
        return STALL_HANDLER;
    *since_ms = sight->alive_ms > stall->blind_until_ms ? sight->alive_ms : stall->blind_until_ms;
    return now_ms - *since_ms > limits->lane_ms ? STALL_LANE : STALL_NONE;
}
