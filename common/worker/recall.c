/* recall.c - what was answered before: the keys under which the journal remembers a message, and when it
 * is asked for them.
 *
 * The journal's unique index finds every repeat at the commit, so the journal is only asked first when
 * a repeat is likely: a conflict, a redelivery, repeats within the last seconds; and where there will be
 * no commit to find it.
 *
 * A message that comes too late is told "not executed" only when that will stay true: a lane that was
 * cut off, or stands still, may have an earlier copy in hand and commit it minutes later. So each decision
 * about a message with a deadline takes a second key, that of the message and this deadline, and "too
 * late" takes the same one: of the two only one can be committed. Another deadline, or none, is another
 * try, for which the first key alone counts. */
#include "worker/batch.h"

#define RECALL_MS 5000

/* --- keys ------------------------------------------------------------------------------------------- */

/* The caller is part of the key: nobody is answered with somebody else's reply. */
void job_make_keys(struct job *job)
{
    const uint8_t *secret = job->batch->lane->keys.ring[0].digest;
    const bool event = job->operation->kind == SUBSCRIBER;
    const struct str key[] = {
        event ? str_of(job->operation->name) : job->bearer.id,
        job->delivery->message_id,
    };
    auth_digest(secret, key, 2, job->key.bytes, sizeof(job->key.bytes));
    const struct str print[] = {
        str_of(job->operation->name),
        {(const char *)job->fingerprint, sizeof(job->fingerprint)},
    };
    auth_digest(secret, print, 2, job->fingerprint, sizeof(job->fingerprint));
    const int64_t deadline = delivery_deadline(job->delivery);
    const struct str try[] = {
        {(const char *)job->key.bytes, sizeof(job->key.bytes)},
        {(const char *)&deadline, sizeof(deadline)},
    };
    if (deadline >= 0)
        auth_digest(secret, try, 2, job->deadline_key.bytes, sizeof(job->deadline_key.bytes));
}

#define KEYS_MAX 2

/* What to ask for, in order of preference. */
static size_t keys_of(const struct job *job, struct journal_key keys[KEYS_MAX])
{
    size_t count = 0;
    keys[count++] = job->key;
    if (job->late)
        keys[count++] = job->deadline_key;
    return count;
}

/* --- asking ----------------------------------------------------------------------------------------- */

static bool is_doubtful(const struct job *job)
{
    const struct batch *batch = job->batch;
    if (job->state != JOB_OPEN || job->operation->kind == QUERY)
        return false;
    return batch->doubtful || job->late || job->delivery->redelivered ||
           job->delivery->attempt > 0 || batch->now < batch->lane->recall_until_ms;
}

/* An outcome that is not journalled never meets the unique index. */
static bool is_unproven(const struct job *job)
{
    const bool decided = job->state == JOB_DECIDED || job->state == JOB_FAILED;
    return decided && job->operation && job->operation->kind != QUERY && !job->recalled &&
           !job->hopeless && !job_is_journalled(job);
}

static const struct journal_reply *find_reply(const struct journal_reply *replies, size_t count,
                                              const struct journal_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&replies[i].key, key, sizeof(*key)) == 0)
            return &replies[i];
    return NULL;
}

static void recall(struct job *job, const struct journal_reply *replies, size_t count)
{
    struct journal_key keys[KEYS_MAX];
    const size_t key_count = keys_of(job, keys);
    job->recalled = true;
    for (size_t i = 0; i < key_count; i++) {
        const struct journal_reply *known = find_reply(replies, count, &keys[i]);
        if (!known)
            continue;
        job_answer_again(job, known);
        return;
    }
}

static enum outcome recall_those(struct batch *batch, struct span span,
                                 bool (*wanted)(const struct job *job), struct err *err)
{
    struct journal_key *keys = arena_array(batch->run_arena, span.count, KEYS_MAX * sizeof(*keys));
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        if (wanted(&span.jobs[i]))
            count += keys_of(&span.jobs[i], keys + count);
    if (count == 0)
        return OUTCOME_DONE;
    TRY(batch_await_ahead(batch, err));
    slot_alive(batch->lane->slot);
    struct journal_reply *replies;
    size_t known;
    TRY(store_journal_find(batch->lane->store, batch->run_arena, keys, count, &replies, &known,
                           err));
    for (size_t i = 0; i < span.count; i++)
        if (wanted(&span.jobs[i]))
            recall(&span.jobs[i], replies, known);
    if (known)
        batch->lane->recall_until_ms = batch->now + RECALL_MS;
    return OUTCOME_DONE;
}

enum outcome batch_recall(struct batch *batch, struct span span, struct err *err)
{
    TRY(recall_those(batch, span, is_doubtful, err));
    for (size_t i = 0; i < span.count; i++)
        if (span.jobs[i].state == JOB_OPEN && span.jobs[i].late && !span.jobs[i].leader)
            job_refuse_late(&span.jobs[i]);
    return OUTCOME_DONE;
}

enum outcome batch_recall_unproven(struct batch *batch, struct span span, struct err *err)
{
    return recall_those(batch, span, is_unproven, err);
}
