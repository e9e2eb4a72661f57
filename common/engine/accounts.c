/* accounts.c - whether a verified token still stands for its account, without asking the database for
 * every message.
 *
 * A lane that has looked at an account's documents remembers that, and the account's stamp in Redis
 * (lock.h) as it was before it looked. As long as the stamp is the same, nobody has ended a session of
 * the account since, for whoever does takes the stamp away after the commit and before the reply. The
 * stamps come with the locks, in the same round trip. When Redis is away, or lost them, the
 * documents are looked at; and so they are for staff always, and after auth.accountCheck. */
#include <stdlib.h>

#include "engine/batch.h"

/* More that wait for Redis than this are forgotten: auth.accountCheck ends what they would have. */
#define UNSTAMPED_MAX 1024

/* --- asking ------------------------------------------------------------------------------------- */

static bool is_due(const struct job *job)
{
    return job->stamp_due && job->state == JOB_OPEN;
}

struct stamps batch_stamps_due(struct batch *batch, struct span span)
{
    struct stamps due = {0};
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        count += is_due(&span.jobs[i]);
    if (count == 0)
        return due;
    due.items = arena_array(batch->run_arena, count, sizeof(*due.items));
    due.jobs = arena_array(batch->run_arena, count, sizeof(struct job *));
    for (size_t i = 0; i < span.count; i++) {
        if (!is_due(&span.jobs[i]))
            continue;
        due.items[due.count].key = span.jobs[i].bearer.id;
        due.jobs[due.count++] = &span.jobs[i];
    }
    return due;
}

void batch_stamps_told(const struct stamps *stamps, bool told)
{
    for (size_t i = 0; i < stamps->count; i++) {
        struct job *job = stamps->jobs[i];
        job->stamp = told ? stamps->items[i].value : 0;
        job->stamp_due = false;
        if (job->stamp == 0 || job->stamp != job->token->stamp)
            job->authorize = true;
    }
}

/* The slot may have gone to another token of this batch meanwhile. */
void job_remember_account(struct job *job)
{
    struct token_entry *token = job->token;
    if (!job->authorized || !token || token->issued_ms != job->bearer.token_issued_at ||
        !str_eq(str_of(token->subject), job->bearer.id) ||
        !str_eq(str_of(token->session), job->bearer.session))
        return;
    token->account_checked_ms = job->batch->now;
    token->stamp = job->stamp;
}

/* --- telling ------------------------------------------------------------------------------------ */

/* In the batch's arena: when the commit's answer was lost, the journal tells after the run is over that
 * it had happened, and the accounts are told of then. */
void job_account_changed(struct job *job, struct str user_id)
{
    struct arena *arena = job->batch->arena;
    struct account_change *change = ARENA_NEW(arena, struct account_change);
    *change = (struct account_change){str_dup(arena, user_id), job->account_changes};
    job->account_changes = change;
}

static void add_unstamped(struct lane *lane, struct str user_id)
{
    if (lane->unstamped.count == UNSTAMPED_MAX)
        return;
    if (lane->unstamped.count == lane->unstamped_capacity) {
        lane->unstamped_capacity = lane->unstamped_capacity ? 2 * lane->unstamped_capacity : 16;
        lane->unstamped.items = realloc(lane->unstamped.items,
                                        lane->unstamped_capacity * sizeof(*lane->unstamped.items));
    }
    char *copy = lane->unstamped.items ? strndup(user_id.ptr, user_id.len) : NULL;
    if (!copy)
        panic("out of memory for %zu accounts", lane->unstamped.count);
    lane->unstamped.items[lane->unstamped.count++] = (struct str){copy, user_id.len};
}

void lane_forget_unstamped(struct lane *lane)
{
    for (size_t i = 0; i < lane->unstamped.count; i++)
        free((char *)(uintptr_t)lane->unstamped.items[i].ptr);
    lane->unstamped.count = 0;
}

/* What cannot be sent now is sent with a later batch. */
void batch_unstamp(struct batch *batch, struct span span)
{
    struct lane *lane = batch->lane;
    for (size_t i = 0; i < span.count; i++) {
        const struct job *job = &span.jobs[i];
        if (!job_has_effects(job) && !job->repeated)
            continue;
        for (const struct account_change *change = job->account_changes; change;
             change = change->next)
            add_unstamped(lane, change->user_id);
    }
    struct err ignored = {0};
    if (lane->unstamped.count && lock_unstamp(lane->lock, lane->unstamped.items,
                                              lane->unstamped.count, &ignored) == OUTCOME_DONE)
        lane_forget_unstamped(lane);
}
