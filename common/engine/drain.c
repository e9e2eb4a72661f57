/* drain.c - how a lane ends in good order: stop taking, finish, settle, done. */
#include "base/clock.h"
#include "base/log.h"
#include "engine/batch.h"
#include "engine/pipeline.h"
#include "engine/relay.h"
#include "service/partitions.h"

/* Of the last events. */
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

/* A message that comes all the same until the broker has heard of it is finished like the others.
 *
 * Partitions are not cancelled: the broker would give what follows to the next lane at once, while we
 * still work on what comes before it. It goes on sending to us, we leave that lying, and when the
 * connection is closed it goes back to the queue in its order. */
static enum outcome stop_taking(struct lane *lane, struct err *err)
{
    enter_stage(lane, DRAIN_STOP_TAKING);
    if (lane->bus_lost)
        return err_retry(err, "%s", bus_lost_reason(lane->bus));
    lane->leaves_rest = pool_is_partitioned(lane->settings, lane->pool);
    return lane->leaves_rest ? OUTCOME_DONE : bus_cancel(lane->bus, err);
}

/* Told to hurry, only the commit under way is awaited: its fate must be known. */
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

/* What cannot be finished is the broker's again when the connection ends, and events that are not
 * confirmed are published by the relay of another lane. */
void lane_drain(struct lane *lane)
{
    struct err err = {0};
    lane->slot->ready = 0;
    if (stop_taking(lane, &err) != OUTCOME_DONE || finish(lane, &err) != OUTCOME_DONE ||
        settle(lane, &err) != OUTCOME_DONE)
        log_warn("drained in part, the rest is done by others: %s", err.text);
    /* Whatever came of it: a commit under way reads the memory of this lane. */
    if (pipeline_finish(lane, &err) != OUTCOME_DONE)
        log_warn("the last batch is not done, its messages come back: %s", err.text);
    enter_stage(lane, DRAIN_DONE);
}
