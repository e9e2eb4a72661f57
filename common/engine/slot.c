/* slot.c - what the supervisor sees of a lane. */
#include "engine/slot.h"

#include <stdio.h>

#include "base/clock.h"

const char *const drain_stage_names[] = {"not draining", "stop taking", "finish",
                                         "settle",       "done",        NULL};

void slot_reset(struct lane_slot *slot)
{
    slot->ready = slot->has_worked = 0;
    slot->stage = DRAIN_NOT;
    slot->suspect = 0;
    slot->has_session = 0;
    slot->crash.signal = 0;
    slot->crash.depth = 0;
    slot->crash.thread[0] = slot->crash.words[0] = slot->fault[0] = '\0';
    for (int i = 0; i < SLOT_WARNINGS; i++)
        slot->warnings[i][0] = '\0';
    slot->moved_us = 0;
    slot_goes_on(slot);
    slot_alive(slot);
}

void slot_alive(struct lane_slot *slot)
{
    slot->alive_us = clock_monotonic_us();
}

int64_t slot_alive_ms(const struct lane_slot *slot)
{
    const int64_t alive_us = slot->alive_us;
    const int64_t moved_us = slot->moved_us;
    return (moved_us > alive_us ? moved_us : alive_us) / 1000;
}

void slot_waits(struct lane_slot *slot, const struct err *err)
{
    snprintf(slot->waiting_for, sizeof(slot->waiting_for), "%s", err->text);
    if (slot->waiting_since_ms == 0)
        slot->waiting_since_ms = clock_now_ms();
    slot_alive(slot);
}

void slot_warn(struct lane_slot *slot, enum slot_warning which, const char *text)
{
    snprintf(slot->warnings[which], sizeof(slot->warnings[which]), "%s", text);
}

void slot_goes_on(struct lane_slot *slot)
{
    slot->waiting_since_ms = 0;
}
