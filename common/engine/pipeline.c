/* pipeline.c - two batches of one lane. */
#include "engine/pipeline.h"

#include "engine/batch.h"

static enum outcome see_through_and_close(struct batch *batch, enum outcome outcome,
                                          struct err *err)
{
    const enum outcome end = batch_see_through(batch, outcome, err);
    batch_close(batch);
    return end;
}

enum outcome pipeline_finish(struct lane *lane, struct err *err)
{
    struct batch *batch = lane->under_way;
    if (!batch)
        return OUTCOME_DONE;
    lane->under_way = NULL;
    return see_through_and_close(batch, batch_commit_end(batch, err), err);
}

enum outcome pipeline_poll(struct lane *lane, struct err *err)
{
    struct batch *batch = lane->under_way;
    if (!batch || (batch->committing && !store_commit_has_ended(lane->store)))
        return OUTCOME_DONE;
    return pipeline_finish(lane, err);
}

/* Pushes a batch behind one whose commit is under way. */
static enum outcome push_behind(struct lane *lane, struct batch *ahead, struct batch *batch,
                                struct err *err)
{
    batch->ahead = ahead;
    const enum outcome outcome = batch_prepare(batch, err);
    const enum outcome fate = batch_commit_end(ahead, err);
    batch->ahead = NULL;
    if (fate == OUTCOME_DONE && outcome == OUTCOME_DONE) {
        batch_commit_begin(batch);
        lane->under_way = batch;
        TRY(see_through_and_close(ahead, fate, err));
        return pipeline_poll(lane, err); /* a batch of queries has nothing to wait for */
    }
    lane->under_way = NULL;
    const enum outcome end = see_through_and_close(ahead, fate, err);
    if (end != OUTCOME_DONE) {
        batch_close(batch);
        return end;
    }
    return see_through_and_close(batch, OUTCOME_DEFER, err);
}

enum outcome pipeline_push(struct lane *lane, size_t count, struct err *err)
{
    struct batch *ahead = lane->under_way;
    struct batch *batch = batch_open(lane, count);
    if (ahead)
        return push_behind(lane, ahead, batch, err);
    const enum outcome outcome = batch_prepare(batch, err);
    if (outcome != OUTCOME_DONE)
        return see_through_and_close(batch, outcome, err);
    batch_commit_begin(batch);
    lane->under_way = batch;
    return pipeline_poll(lane, err);
}
