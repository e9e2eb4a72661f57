/* acknowledge.c - each delivery settled exactly once, with as few acknowledgements as possible.
 *
 * Everything below the oldest unsettled delivery is acknowledged at once ("multiple"); what was
 * settled out of order, beyond a deferred message, one by one. */
#include "worker/batch.h"

static uint64_t lowest(uint64_t floor, const struct delivery *delivery)
{
    return delivery->tag < floor ? delivery->tag : floor;
}

/* The tag of the oldest delivery that is not settled. */
static uint64_t oldest_open_tag(const struct batch *batch)
{
    uint64_t floor = UINT64_MAX;
    for (size_t i = 0; i < batch->count; i++)
        if (batch->jobs[i].state != JOB_SETTLED)
            floor = lowest(floor, batch->jobs[i].delivery);
    const struct lane_queue *waiting = &batch->lane->waiting;
    for (size_t i = 0; i < waiting->count; i++)
        floor = lowest(floor, waiting->items[i]);
    return floor;
}

static const struct delivery *last_below(struct span span, uint64_t floor)
{
    const struct delivery *last = NULL;
    for (size_t i = 0; i < span.count; i++) {
        const struct delivery *delivery = span.jobs[i].delivery;
        if (span.jobs[i].state == JOB_SETTLED && delivery->tag < floor &&
            (!last || delivery->tag > last->tag))
            last = delivery;
    }
    return last;
}

void batch_acknowledge(struct batch *batch, struct span span)
{
    const uint64_t floor = oldest_open_tag(batch);
    const struct delivery *last = last_below(span, floor);
    if (last)
        bus_ack(batch->lane->bus, last, true);
    for (size_t i = 0; i < span.count; i++)
        if (span.jobs[i].state == JOB_SETTLED && span.jobs[i].delivery->tag > floor)
            bus_ack(batch->lane->bus, span.jobs[i].delivery, false);
}
