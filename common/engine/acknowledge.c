/* acknowledge.c - each delivery is acknowledged exactly once, with as few acknowledgements as
 * possible.
 *
 * All settled deliveries that are older than the oldest delivery in hand are acknowledged at once
 * ("multiple"). A delivery that was settled while an earlier message still waits for a lock is held
 * back until that message is settled too, because each single acknowledgement costs the quorum
 * queue a round of its own. After a crash in the meantime, those messages merely come again and are
 * answered from the journal. */
#include "engine/batch.h"

static uint64_t older(uint64_t oldest, const struct delivery *delivery)
{
    return delivery->tag < oldest ? delivery->tag : oldest;
}

static uint64_t oldest_in_hand(const struct lane *lane)
{
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < lane->waiting.count; i++)
        oldest = older(oldest, lane->waiting.items[i]);
    for (size_t i = 0; i < LANE_ROOMS; i++) {
        const struct batch *batch = lane->rooms[i].batch;
        for (size_t k = 0; batch && k < batch->count; k++)
            oldest = older(oldest, batch->jobs[k].delivery);
    }
    return oldest;
}

static const struct delivery *newest_below(const struct lane_queue *settled, uint64_t limit)
{
    const struct delivery *newest = NULL;
    for (size_t i = 0; i < settled->count; i++) {
        const struct delivery *delivery = settled->items[i];
        if (delivery->tag < limit && (!newest || delivery->tag > newest->tag))
            newest = delivery;
    }
    return newest;
}

static void forget_below(struct lane_queue *settled, uint64_t limit)
{
    size_t kept = 0;
    for (size_t i = 0; i < settled->count; i++) {
        if (settled->items[i]->tag < limit)
            delivery_free(settled->items[i]);
        else
            settled->items[kept++] = settled->items[i];
    }
    settled->count = kept;
}

static void acknowledge_singly(struct lane *lane)
{
    for (size_t i = 0; i < lane->settled.count; i++)
        bus_ack(lane->bus, lane->settled.items[i], false);
    forget_below(&lane->settled, UINT64_MAX);
}

void lane_acknowledge(struct lane *lane, enum patience patience)
{
    const uint64_t oldest = oldest_in_hand(lane);
    const struct delivery *newest = newest_below(&lane->settled, oldest);
    if (newest)
        bus_ack(lane->bus, newest, true);
    forget_below(&lane->settled, oldest);
    /* At most half of the messages that the broker lends us may be held back;
     * more would starve the lane. */
    if (patience == ACK_NOW || lane->settled.count > (size_t)lane->pool->prefetch / 2)
        acknowledge_singly(lane);
}
