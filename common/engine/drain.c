/* drain.c - how a lane ends in good order: it stops taking, finishes, settles, and is done. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/batch.h"
#include "engine/pipeline.h"
#include "engine/relay.h"
#include "service/partitions.h"

/* How long the confirms of the last events are awaited. */
#define CONFIRM_TIMEOUT_MS 5000

static void enter_stage(struct lane *lane, enum drain_stage stage)
{
    struct log_line line;
    lane->slot->stage = (int)stage;
    slot_alive(lane->slot);
    log_begin(&line, LOG_INFO, "draining");
    log_str(&line, "stage", str_of(drain_stage_names[stage]));
    log_int(&line, "inHand", (int64_t)lane_in_hand(lane));
    log_end(&line);
    log_flush();
}

/* A message that still arrives before the broker has heard of it is finished like the others.
 *
 * Consumers of partitions are not cancelled: the broker would at once give the next messages to
 * another lane, while this lane still works on the messages before them. The broker goes on sending
 * to this lane, which leaves those messages alone; when the connection is closed, they go back to
 * the queue in their order. */
static enum outcome stop_taking(struct lane *lane, struct err *err)
{
    enter_stage(lane, DRAIN_STOP_TAKING);
    if (lane->bus_lost)
        return err_retry(err, "%s", bus_lost_reason(lane->bus));
    lane->leaves_rest = pool_is_partitioned(lane->settings, lane->pool);
    return lane->leaves_rest ? OUTCOME_DONE : bus_cancel(lane->bus, err);
}

/* When the lane is told to hurry, only the commit under way is awaited,
 * because its fate must be known. */
static enum outcome finish(struct lane *lane, struct err *err)
{
    const int64_t end_us = clock_monotonic_us() + lane->settings->drain_ms * 1000;
    enter_stage(lane, DRAIN_FINISH);
    TRY(pipeline_finish(lane, err));
    while (*lane->stopping < 2 && clock_monotonic_us() < end_us) {
        TRY(lane_step(lane, 0, err));
        TRY(pipeline_finish(lane, err));
        if (lane->waiting.count == 0)
            break;
    }
    return OUTCOME_DONE;
}

static enum outcome settle(struct lane *lane, struct err *err)
{
    enter_stage(lane, DRAIN_SETTLE);
    lane_acknowledge(lane, ACK_NOW);
    TRY(bus_flush(lane->bus, err));
    const bool confirmed = bus_wait_confirms(lane->bus, CONFIRM_TIMEOUT_MS);
    relay_take_confirms(lane);
    TRY(relay_write_down(lane, err));
    return confirmed ? OUTCOME_DONE : err_retry(err, "events are unconfirmed");
}

/* Messages that cannot be finished go back to the broker when the connection ends, and events that
 * are not confirmed are published by the relay of another lane. */
void lane_drain(struct lane *lane)
{
    struct err err = {0};
    lane->slot->ready = 0;
    if (stop_taking(lane, &err) != OUTCOME_DONE || finish(lane, &err) != OUTCOME_DONE ||
        settle(lane, &err) != OUTCOME_DONE)
        log_warn("drained in part, the rest is done by others: %s", err.text);
    /* This is done whatever happened before, because a commit under way reads
     * the memory of this lane. */
    if (pipeline_finish(lane, &err) != OUTCOME_DONE)
        log_warn("the last batch is not done, its messages come back: %s", err.text);
    enter_stage(lane, DRAIN_DONE);
}
