/* rehearse.c - what a message would do, without doing it. */
#include "engine/rehearse.h"

#include "engine/batch.h"

/* The working set holds what the documents would become, so the present ones are loaded again. */
static enum outcome find_before(struct batch *batch, struct rehearsed_change *change,
                                struct err *err)
{
    struct store_find find = {
        .type = change->type, .path = "id", .values = &change->id, .count = 1};
    TRY(store_find(batch->lane->store, batch->arena, &find, err));
    change->before = find.found.count ? find.found.items[0] : NULL;
    return OUTCOME_DONE;
}

static enum outcome note_changes(struct batch *batch, struct rehearsal *out, struct err *err)
{
    const struct commit *commit = &batch->commit;
    struct rehearsed_change *changes =
        arena_array(batch->arena, commit->write_count, sizeof(*changes));
    size_t count = 0;
    for (size_t i = 0; i < commit->write_count; i++) {
        const struct write *write = &commit->writes[i];
        if (write->kind == WRITE_CHECK || write->kind == WRITE_ABSENT)
            continue;
        changes[count] = (struct rehearsed_change){
            .type = write->type,
            .id = doc_head(write->doc)->id,
            .after = write->kind == WRITE_DELETE ? NULL : write->doc,
        };
        TRY(find_before(batch, &changes[count++], err));
    }
    out->changes = changes;
    out->change_count = count;
    return OUTCOME_DONE;
}

static struct rehearsal told_by(const struct job *job)
{
    return (struct rehearsal){
        .outcome = job->outcome,
        .repeated = job->repeated,
        .status = job->status,
        .body = job->body,
        .err = job->err,
    };
}

enum outcome rehearse(struct lane *lane, struct delivery *delivery, struct rehearsal *out,
                      struct err *err)
{
    struct job *job = NULL;
    struct err no = {0};
    const enum outcome said = batch_rehearse_alone(lane, delivery, &job, &no);
    if (said == OUTCOME_RETRY) {
        *err = no;
        return said;
    }
    struct rehearsal told = told_by(job);
    if (said == OUTCOME_DONE && job->state == JOB_DECIDED)
        TRY(note_changes(job->batch, &told, err));
    if (said != OUTCOME_DONE) {
        told.outcome = said;
        told.err = no;
    }
    told.events = job->batch->commit.events;
    told.event_count = said == OUTCOME_DONE ? job->batch->commit.event_count : 0;
    *out = told;
    return OUTCOME_DONE;
}
