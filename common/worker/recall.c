/* recall.c - what was answered before: the keys under which the journal remembers a message, and when it
 * is asked for them.
 *
 * The journal's unique index finds every repeat at the commit, so the journal is only asked first when
 * a repeat is likely: a conflict, a redelivery, repeats within the last seconds; and where no commit
 * would find it.
 *
 * A message that comes too late is told "not executed" only when that will stay true: a lane that was
 * cut off, or stands still, may have an earlier copy in hand and commit it minutes later. So each decision
 * about a message with a deadline takes a second key, that of the message and this deadline, and "too
 * late" takes the same one: of the two only one can be committed. Another deadline, or none, is another
 * try, for which the first key alone counts. */
#include "worker/batch.h"

#define RECALL_MS 5000

/* --- keys ------------------------------------------------------------------------------------------- */

static struct str bytes_of(const void *bytes, size_t len)
{
    return (struct str){bytes, len};
}

static struct journal_key key_of(const struct job *job, const struct str *parts, size_t count)
{
    struct journal_key key;
    auth_digest(job->batch->lane->keys.ring[0].digest, parts, count, key.bytes, sizeof(key.bytes));
    return key;
}

static bool welcomes_guests(const struct job *job)
{
    return job->operation->kind == COMMAND && job->operation->who == GUEST;
}

static void make_fingerprint(struct job *job)
{
    const struct str parts[] = {
        str_of(job->operation->name),
        bytes_of(job->fingerprint, sizeof(job->fingerprint)),
    };
    auth_digest(job->batch->lane->keys.ring[0].digest, parts, 2, job->fingerprint,
                sizeof(job->fingerprint));
}

/* The caller is part of the key: nobody is answered with somebody else's reply. */
static struct journal_key message_key(const struct job *job, struct str caller)
{
    const struct str parts[] = {caller, job->delivery->message_id};
    return key_of(job, parts, 2);
}

/* Of guests it is hardly known who they are, so what they ask for is part of the key as well: whoever
 * can repeat the body has all that there is to know. A token counts by whom it names, not by whether it
 * has ended: a log-in is repeated after it, too. */
static struct journal_key guest_key(const struct job *job)
{
    const struct str parts[] = {
        job->bearer.role == GUEST ? job->bearer.holder : job->bearer.id,
        job->delivery->message_id,
        bytes_of(job->fingerprint, sizeof(job->fingerprint)),
    };
    return key_of(job, parts, 3);
}

static struct journal_key deadline_key(const struct job *job, int64_t deadline)
{
    const struct str parts[] = {
        bytes_of(job->key.bytes, sizeof(job->key.bytes)),
        bytes_of(&deadline, sizeof(deadline)),
    };
    return key_of(job, parts, 2);
}

void job_make_keys(struct job *job)
{
    const int64_t deadline = delivery_deadline(job->delivery);
    make_fingerprint(job);
    if (welcomes_guests(job))
        job->key = guest_key(job);
    else
        job->key =
            message_key(job, job->operation->kind == SUBSCRIBER ? str_of(job->operation->name)
                                                                : job->bearer.id);
    if (deadline >= 0)
        job->deadline_key = deadline_key(job, deadline);
}

#define KEYS_MAX 4

/* What to ask for, in order of preference. The last two are how the release before this one knew the
 * message of a guest: without the body, and with the caller only as long as his token had not ended. */
static size_t keys_of(const struct job *job, struct journal_key keys[KEYS_MAX])
{
    size_t count = 0;
    keys[count++] = job->key;
    if (job->late)
        keys[count++] = job->deadline_key;
    if (!welcomes_guests(job))
        return count;
    keys[count++] = message_key(job, STR_ABSENT);
    keys[count++] =
        message_key(job, job->bearer.role == GUEST ? job->bearer.holder : job->bearer.id);
    return count;
}

/* --- asking ----------------------------------------------------------------------------------------- */

static bool is_doubtful(const struct job *job)
{
    const struct batch *batch = job->batch;
    if (job->state != JOB_OPEN || job->operation->kind == QUERY)
        return false;
    return batch->doubtful || job->late || job->delivery->redelivered ||
           job->delivery->attempt > 0 || welcomes_guests(job) ||
           batch->now < batch->lane->recall_until_ms;
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

/* Under an older key of guests others may have sent something else. */
static bool is_about(const struct journal_reply *known, const struct job *job)
{
    return !welcomes_guests(job) ||
           memcmp(known->fingerprint, job->fingerprint, sizeof(job->fingerprint)) == 0;
}

static void recall(struct job *job, const struct journal_reply *replies, size_t count)
{
    struct journal_key keys[KEYS_MAX];
    const size_t key_count = keys_of(job, keys);
    job->recalled = true;
    for (size_t i = 0; i < key_count; i++) {
        const struct journal_reply *known = find_reply(replies, count, &keys[i]);
        if (!known || !is_about(known, job))
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
