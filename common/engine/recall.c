/* recall.c - what was answered before: the keys under which the journal remembers a message, and
 * when the journal is asked for them.
 *
 * The journal's unique index finds every repeat at the commit. So the journal is asked first only
 * when a repeat is likely (a conflict, a redelivery, repeats within the last seconds), and where no
 * commit would find the repeat.
 *
 * A message that comes too late is told "not executed" only when that will stay true: a lane that
 * was cut off, or stands still, may have an earlier copy in hand and commit it minutes later. So
 * each decision about a message with a deadline takes a second key, that of the message and this
 * deadline, and the answer "too late" takes the same key: only one of the two can be committed.
 * With another deadline, or none, the message is another try, for which the first key alone counts.
 *
 * While a master key is replaced, lanes that sign with the old one and lanes that sign
 * with the new one work side by side. Each decision takes the keys of all masters of the
 * ring, so of two lanes that have the same message only one can commit; and the journal is
 * asked for all of these keys. */
#include "engine/batch.h"

#define RECALL_MS 5000

/* --- keys ------------------------------------------------------------------------------------------- */

static struct str bytes_of(const void *bytes, size_t len)
{
    return (struct str){bytes, len};
}

static struct journal_key key_of(const struct auth_secrets *master, const struct str *parts,
                                 size_t count)
{
    struct journal_key key = {0};
    auth_digest(master->digest, parts, count, key.bytes, sizeof(key.bytes));
    return key;
}

static bool welcomes_guests(const struct job *job)
{
    return job->operation->kind == COMMAND && job->operation->who == GUEST;
}

/* The caller is part of the key, so nobody is answered with somebody else's reply. */
static struct journal_key message_key(const struct job *job, const struct auth_secrets *master,
                                      struct str caller)
{
    const struct str parts[] = {caller, job->delivery->message_id};
    return key_of(master, parts, 2);
}

/* Little is known of who a guest is, so what the guest asks for is part of the key as well: whoever
 * can repeat the body has all that there is to know. A token counts by whom it names, not by
 * whether it has ended, because a log-in may be repeated after its token ended. */
static struct journal_key guest_key(const struct job *job, const struct auth_secrets *master,
                                    const uint8_t fingerprint[16])
{
    const struct str parts[] = {
        job->bearer.role == GUEST ? job->bearer.holder : job->bearer.id,
        job->delivery->message_id,
        bytes_of(fingerprint, 16),
    };
    return key_of(master, parts, 3);
}

static struct journal_key deadline_key(const struct auth_secrets *master,
                                       const struct journal_key *key, int64_t deadline)
{
    const struct str parts[] = {
        bytes_of(key->bytes, sizeof(key->bytes)),
        bytes_of(&deadline, sizeof(deadline)),
    };
    return key_of(master, parts, 2);
}

/* `of_body`: the fingerprint of the JSON value. */
static struct message_keys keys_by(const struct job *job, const struct auth_secrets *master,
                                   const uint8_t of_body[16])
{
    struct message_keys keys = {0};
    const int64_t deadline = delivery_deadline(job->delivery);
    const struct str asked[] = {str_of(job->operation->name), bytes_of(of_body, 16)};
    const struct str caller =
        job->operation->kind == SUBSCRIBER ? str_of(job->operation->name) : job->bearer.id;
    auth_digest(master->digest, asked, 2, keys.fingerprint, sizeof(keys.fingerprint));
    keys.key = welcomes_guests(job) ? guest_key(job, master, keys.fingerprint)
                                    : message_key(job, master, caller);
    if (deadline >= 0)
        keys.deadline_key = deadline_key(master, &keys.key, deadline);
    return keys;
}

void job_make_keys(struct job *job)
{
    const struct auth_keys *ring = &job->batch->lane->keys;
    const struct message_keys keys = keys_by(job, &ring->ring[0], job->fingerprint);
    const size_t former = ring->ring_count - 1;
    if (former > 0)
        job->former = arena_array(job->batch->arena, former, sizeof(*job->former));
    for (size_t i = 0; i < former; i++)
        job->former[i] = keys_by(job, &ring->ring[i + 1], job->fingerprint);
    job->key = keys.key;
    job->deadline_key = keys.deadline_key;
    memcpy(job->fingerprint, keys.fingerprint, sizeof(job->fingerprint));
}

#define KEYS_MAX (4 + 2 * (AUTH_MASTERS_MAX - 1))

static size_t former_count(const struct job *job)
{
    return job->former ? job->batch->lane->keys.ring_count - 1 : 0;
}

/* Lists the keys to ask for, in order of preference. The last two are those by which the release
 * before this one knew the message of a guest: without the body, and with the caller only as long
 * as the caller's token had not ended. */
static size_t keys_of(const struct job *job, struct journal_key keys[KEYS_MAX])
{
    const struct auth_secrets *master = &job->batch->lane->keys.ring[0];
    size_t count = 0;
    keys[count++] = job->key;
    if (job->late)
        keys[count++] = job->deadline_key;
    for (size_t i = 0; i < former_count(job); i++) {
        keys[count++] = job->former[i].key;
        if (job->late)
            keys[count++] = job->former[i].deadline_key;
    }
    if (!welcomes_guests(job))
        return count;
    keys[count++] = message_key(job, master, STR_ABSENT);
    keys[count++] =
        message_key(job, master, job->bearer.role == GUEST ? job->bearer.holder : job->bearer.id);
    return count;
}

/* --- asking ----------------------------------------------------------------------------------------- */

static bool is_doubtful(const struct job *job)
{
    const struct batch *batch = job->batch;
    if (job->state != JOB_OPEN || job->operation->kind == QUERY)
        return false;
    return batch->doubtful || job->late || job->expired || job->delivery->redelivered ||
           job->delivery->attempt > 0 || welcomes_guests(job) || job->former ||
           batch->now < batch->lane->recall_until_ms;
}

/* An outcome that is not journalled never meets the unique index. An earlier answer of the journal
 * proves nothing: another lane may have carried out a copy of the message since then, and what was
 * decided here was decided on what that lane has left. */
static bool is_unproven(const struct job *job)
{
    const bool decided = job->state == JOB_DECIDED || job->state == JOB_FAILED;
    return decided && job->operation && job->operation->kind != QUERY && !job->hopeless &&
           !job_is_journalled(job);
}

/* A key that only stands for another key (commit.c) tells nothing. */
static const struct journal_reply *find_reply(const struct journal_reply *replies, size_t count,
                                              const struct journal_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (replies[i].status != 0 && memcmp(&replies[i].key, key, sizeof(*key)) == 0)
            return &replies[i];
    return NULL;
}

/* A reply that was stored under an older master key has the fingerprint
 * made with that master key. */
static struct journal_reply as_of_today(const struct job *job, const struct journal_reply *known)
{
    struct journal_reply reply = *known;
    for (size_t i = 0; i < former_count(job); i++)
        if (memcmp(reply.fingerprint, job->former[i].fingerprint, sizeof(reply.fingerprint)) == 0)
            memcpy(reply.fingerprint, job->fingerprint, sizeof(reply.fingerprint));
    return reply;
}

/* Under an older kind of a guest's key, others may have sent something else. */
static bool is_about(const struct journal_reply *known, const struct job *job)
{
    return !welcomes_guests(job) ||
           memcmp(known->fingerprint, job->fingerprint, sizeof(job->fingerprint)) == 0;
}

static void recall(struct job *job, const struct journal_reply *replies, size_t count)
{
    struct journal_key keys[KEYS_MAX];
    const size_t key_count = keys_of(job, keys);
    for (size_t i = 0; i < key_count; i++) {
        const struct journal_reply *found = find_reply(replies, count, &keys[i]);
        if (!found)
            continue;
        const struct journal_reply known = as_of_today(job, found);
        if (!is_about(&known, job))
            continue;
        job_answer_again(job, &known);
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
    for (size_t i = 0; i < span.count; i++) {
        struct job *job = &span.jobs[i];
        if (job->state != JOB_OPEN || job->leader)
            continue;
        if (job->late)
            job_refuse_late(job);
        else if (job->expired)
            job_answer_expired(job);
    }
    return OUTCOME_DONE;
}

enum outcome batch_recall_unproven(struct batch *batch, struct span span, struct err *err)
{
    return recall_those(batch, span, is_unproven, err);
}
