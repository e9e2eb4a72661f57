/* accounts.c - finds out whether a verified token still stands for its account, without asking the
 * database for every message.
 *
 * A lane that has looked at an account's documents remembers that it did, and the account's stamp
 * in Redis (lock.h) as it was before the look. As long as the stamp is the same, nobody has ended a
 * session of the account since: a lane that ends one takes the stamp away after its commit and
 * before its reply. The stamps are fetched together with the locks, in the same round trip. The
 * lane looks at the documents again when Redis is away or has lost the stamp, when
 * auth.accountCheck has passed, and for staff always. */
#include <stdlib.h>

#include "base/memory.h"
#include "engine/batch.h"

/* Further accounts that wait for Redis are dropped: auth.accountCheck then ends what their
 * stamps would have ended. */
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

/* By now the token's place in the cache may hold another token of this batch,
 * so the entry is compared. */
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

/* The list lives in the batch's arena because it may outlive its run: when the answer to the
 * commit was lost, the journal tells only in a later run that the commit happened, and the
 * stamps are taken away then. */
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
    lane->unstamped.items = memory_grow(lane->unstamped.items, lane->unstamped.count,
                                        &lane->unstamped_capacity, sizeof(struct str));
    char *copy = strndup(user_id.ptr, user_id.len);
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

/* Stamps that cannot be taken away now are taken away with a later batch. */
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
