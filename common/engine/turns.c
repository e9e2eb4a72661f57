/* turns.c - no message overtakes an earlier one of the same queue and partition key.
 *
 * Messages are decided in order of arrival, so there is only one way to overtake: the earlier
 * message is blocked (a lock is held elsewhere, its commit met a conflict) and the later one is
 * not. The earlier message may then be in the same batch, in the other batch of the lane, or
 * already wait in the lane. A message that was blocked two batches ago may even be in a *later*
 * batch, while this one runs again after a conflict. A message that finds an earlier one in any of
 * these places is blocked, too; queries as well, which therefore see what was asked for before
 * them.
 *
 * Messages without a key have no order to keep. */
#include "engine/batch.h"

void job_block(struct job *job)
{
    job->state = JOB_BLOCKED;
    job->outcome = OUTCOME_DEFER;
    job->batch->has_blocked = true;
}

static bool comes_before(const struct delivery *earlier, const struct delivery *delivery)
{
    return earlier->tag < delivery->tag &&
           str_eq(earlier->partition_key, delivery->partition_key) &&
           str_eq(earlier->queue, delivery->queue);
}

static bool is_behind_waiting(const struct lane *lane, const struct delivery *delivery)
{
    const struct lane_queue *waiting = &lane->waiting;
    for (size_t i = 0; i < waiting->count && waiting->items[i]->tag < delivery->tag; i++)
        if (comes_before(waiting->items[i], delivery))
            return true;
    return false;
}

static bool is_blocked(const struct job *job)
{
    return job->state == JOB_BLOCKED;
}

static bool is_unsettled(const struct job *job)
{
    return job->state != JOB_SETTLED && job->state != JOB_ANSWERED;
}

static bool is_behind(const struct batch *batch, bool (*holds_up)(const struct job *job),
                      const struct delivery *delivery)
{
    for (size_t i = 0; i < batch->count; i++)
        if (holds_up(&batch->jobs[i]) && comes_before(batch->jobs[i].delivery, delivery))
            return true;
    return false;
}

/* What the batch ahead decided is committed before this batch is. What the batch behind decided on
 * top of this one is dropped when this one runs again. */
static bool is_behind_other(const struct batch *batch, const struct delivery *delivery)
{
    const struct batch *other = lane_other_batch(batch->lane, batch);
    if (!other)
        return false;
    return other == batch->ahead ? other->has_blocked && is_behind(other, is_blocked, delivery)
                                 : is_behind(other, is_unsettled, delivery);
}

bool job_wait_its_turn(struct job *job)
{
    const struct batch *batch = job->batch;
    const struct delivery *delivery = job->delivery;
    job->held_up = job->in_line;
    if (delivery->partition_key.len == 0 && !job->in_line)
        return false;
    job->held_up = job->in_line || (batch->has_blocked && is_behind(batch, is_blocked, delivery)) ||
                   is_behind_other(batch, delivery) || is_behind_waiting(batch->lane, delivery);
    if (job->held_up)
        job_block(job);
    return job->held_up;
}
