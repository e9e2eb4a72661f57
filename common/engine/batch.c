/* batch.c - the way of a batch: it is admitted and then run; after conflicts it runs again, then in
 * halves.
 *
 * A re-run starts with an empty working set. After CONFLICT_RERUNS runs the span is split, so that
 * a troublemaker ends up alone and its neighbours are done. Each span is one transaction with a
 * journal entry of its own, and is settled before the next span starts. */
#include "engine/batch.h"

#include "base/log.h"

#define CONFLICT_RERUNS 3
/* How long a span waits when none of its messages can go on because other lanes hold the locks: the
 * batches of those lanes take some 10 ms. */
#define LEASE_WAIT_MS    1
#define LEASE_WAIT_TRIES 40

static bool same_key(const struct journal_key *a, const struct journal_key *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* A late message is not executed itself, so it leads only messages with
 * the same passed deadline. */
static bool may_lead(const struct job *leader, const struct job *job)
{
    return leader->late ? job->late && same_key(&leader->deadline_key, &job->deadline_key)
                        : same_key(&leader->key, &job->key);
}

/* Returns an earlier copy of the message that is still to be decided in this span. */
static struct job *earlier_copy(struct span span, const struct job *job)
{
    for (struct job *other = span.jobs; other < job; other++)
        if (other->state == JOB_OPEN && !other->leader && other->operation->kind != QUERY &&
            may_lead(other, job))
            return other;
    return NULL;
}

static void reopen(struct span span, struct job *job)
{
    const bool leader_is_gone =
        job->leader && job->leader->state != JOB_OPEN && job->leader->state != JOB_DECIDED;
    /* The leader was in an earlier span. If it was settled, the journal answers; but if it has to
     * wait, the remaining copies are still one message. */
    if (leader_is_gone)
        job->leader = earlier_copy(span, job);
    if (job->state == JOB_DECIDED || job->state == JOB_BLOCKED || job->state == JOB_FAILED)
        job->state = job->hopeless ? JOB_FAILED : JOB_OPEN;
}

static void begin_run(struct batch *batch, struct span span)
{
    arena_clear(batch->run_arena);
    workset_init(&batch->set, batch->run_arena);
    batch->commit = (struct commit){0};
    batch->copies_validated = false;
    for (size_t i = 0; i < span.count; i++)
        reopen(span, &span.jobs[i]);
}

static size_t count_state(struct span span, enum job_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        count += span.jobs[i].state == state;
    return count;
}

static enum outcome decide(struct batch *batch, struct span span, struct err *err)
{
    begin_run(batch, span);
    lane_crashpoint(batch->lane, "before-load");
    TRY(batch_recall(batch, span, err));
    TRY(batch_decide(batch, span, err));
    TRY(batch_recall_unproven(batch, span, err));
    lane_crashpoint(batch->lane, "after-decide");
    if (count_state(span, JOB_BLOCKED) && !count_state(span, JOB_DECIDED))
        return OUTCOME_DEFER;
    return OUTCOME_DONE;
}

/* Does everything but the commit. */
static enum outcome prepare(struct batch *batch, struct span span, struct err *err)
{
    do {
        TRY(decide(batch, span, err));
    } while (!batch_write_up(batch, span));
    return OUTCOME_DONE;
}

static enum outcome run_once(struct batch *batch, struct span span, struct err *err)
{
    TRY(prepare(batch, span, err));
    batch_commit_begin(batch);
    return batch_commit_end(batch, err);
}

/* A lock may become free at any moment; a message that only waits behind others waits longer. */
static bool waits_for_a_lock(struct span span)
{
    for (size_t i = 0; i < span.count; i++)
        if (span.jobs[i].state == JOB_BLOCKED && !span.jobs[i].held_up)
            return true;
    return false;
}

/* Runs until something can be done, with at most LEASE_WAIT_TRIES pauses. The leases are given
 * back before each pause, because two lanes that each hold what the other wants must not wait
 * for each other. When nothing can be done at all it returns DONE, and the blocked messages
 * wait for the next batch. */
static enum outcome run_patiently(struct batch *batch, struct span span, struct err *err)
{
    enum outcome outcome = run_once(batch, span, err);
    for (int try = 0; outcome == OUTCOME_DEFER && waits_for_a_lock(span) && try < LEASE_WAIT_TRIES;
         try++) {
        batch_release_leases(batch);
        lane_pause(LEASE_WAIT_MS);
        outcome = run_once(batch, span, err);
    }
    return outcome == OUTCOME_DEFER ? OUTCOME_DONE : outcome;
}

/* A message that meets conflicts in so many batches has a cause of its own. A message that must
 * keep its place has more patience: a dead lane's transaction may stand in its way for as long as
 * MongoDB keeps that transaction (90 s), and a batch with its conflicts takes some 10 ms. */
#define CONFLICT_BATCHES_MAX       50
#define CONFLICT_BATCHES_MAX_KEYED 10000

static int patience_of(const struct delivery *delivery)
{
    return delivery->partition_key.len ? CONFLICT_BATCHES_MAX_KEYED : CONFLICT_BATCHES_MAX;
}

/* Gives up one message that cannot be committed: after a conflict it waits for the next batch; with
 * any other outcome, or when its patience has ended, it has failed. */
static void give_up(struct batch *batch, struct job *job, enum outcome outcome,
                    const struct err *err)
{
    const bool again =
        outcome == OUTCOME_CONFLICT && job->delivery->deferrals < patience_of(job->delivery);
    job->state = JOB_FAILED;
    if (again)
        job_block(job);
    job->outcome = outcome;
    job->err = *err;
    batch->commit = (struct commit){0};
}

static void note_conflict(struct batch *batch)
{
    batch->doubtful = true;
    batch->lane->counters.conflicts++;
}

/* Goes on with a span whose first run ended with `outcome`; DEFER: it has still to be decided. While
 * it meets conflicts it runs again, up to CONFLICT_RERUNS times in all. */
static enum outcome run_on(struct batch *batch, struct span span, enum outcome outcome,
                           struct err *err)
{
    if (outcome == OUTCOME_DEFER)
        outcome = run_patiently(batch, span, err);
    for (int run = 1; outcome == OUTCOME_CONFLICT; run++) {
        note_conflict(batch);
        if (run == CONFLICT_RERUNS)
            break;
        lane_pause(run);
        outcome = run_patiently(batch, span, err);
    }
    return outcome;
}

/* --- the whole ------------------------------------------------------------------------------------ */

static struct str text_of_key(const struct journal_key *key)
{
    return (struct str){(const char *)key->bytes, sizeof(key->bytes)};
}

/* The second copy of a message id in one batch is answered with the reply of the first one. */
static void find_leaders(struct batch *batch)
{
    struct map seen;
    map_init(&seen, batch->arena);
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        if (job->state != JOB_OPEN || job->operation->kind == QUERY)
            continue;
        job->leader = map_get(&seen, text_of_key(&job->key));
        if (!job->leader && job->late)
            job->leader = map_get(&seen, text_of_key(&job->deadline_key));
        if (!job->leader)
            map_set(&seen, text_of_key(job->late ? &job->deadline_key : &job->key), job);
    }
}

/* About how long one password takes; used only to tell a message that is turned
 * away when to come again. */
#define PASSWORD_MS 100

static void turn_away(struct job *job, int64_t before)
{
    job->outcome =
        err_refuse(&job->err, E_RATE_LIMITED, "too many passwords are waiting to be looked at");
    job->state = JOB_ANSWERED;
    job->retry_after_ms = before * PASSWORD_MS;
    job->body = job_reply_body(job, job->batch->arena);
}

/* Each batch takes one password only, so that the lane can look in between at what has arrived. A
 * few further messages wait for the next batches, and all others are told at once to come again. */
static void form_a_line(struct batch *batch)
{
    int64_t before = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct job *job = &batch->jobs[i];
        if (job->state != JOB_OPEN || job->leader || !job->operation->hashes)
            continue;
        job->in_line = before > 0;
        if (before > batch->lane->settings->password_queue)
            turn_away(job, before);
        else
            before++;
    }
}

static void admit_all(struct batch *batch)
{
    const int64_t start = clock_monotonic_us();
    for (size_t i = 0; i < batch->count; i++)
        job_admit(&batch->jobs[i]);
    find_leaders(batch);
    form_a_line(batch);
    batch->times.admit_us = clock_monotonic_us() - start;
}

static void let_go(struct batch *batch)
{
    struct lane *lane = batch->lane;
    for (size_t i = batch->count; i-- > 0;) {
        struct job *job = &batch->jobs[i];
        if (job->state == JOB_SETTLED) {
            lane_settled(lane, job->delivery);
            continue;
        }
        /* A message that is held up waited for no lock. */
        job->delivery->deferrals += !job->held_up;
        /* A message that stands in line for a password meets no lock: lanes must not
         * stand aside because of it. */
        lane->counters.deferred += !job->in_line;
        lane->slot->deferred += !job->in_line;
        lane_give_back(lane, job->delivery);
    }
}

static void acknowledge(struct lane *lane)
{
    struct err err = {0};
    if (lane->bus_lost)
        return;
    lane_crashpoint(lane, "before-ack");
    lane_acknowledge(lane, ACK_WHEN_CHEAP);
    if (bus_flush(lane->bus, &err) != OUTCOME_DONE)
        lane->bus_lost = true;
    lane_crashpoint(lane, "after-ack");
}

void batch_mark_bus_lost(struct batch *batch)
{
    batch->lane->bus_lost = true;
}

static struct lane_room *free_room(struct lane *lane)
{
    for (size_t i = 0; i < LANE_ROOMS; i++)
        if (!lane->rooms[i].batch)
            return &lane->rooms[i];
    panic("a lane works on %d batches at most", LANE_ROOMS);
}

static struct batch *new_batch(struct lane *lane, struct delivery *const *deliveries, size_t count)
{
    struct lane_room *room = free_room(lane);
    arena_clear(&room->arena);
    arena_clear(&room->run_arena);
    struct batch *batch = ARENA_NEW(&room->arena, struct batch);
    *batch = (struct batch){
        .lane = lane,
        .arena = &room->arena,
        .run_arena = &room->run_arena,
        .now = lane->now_ms(),
        .count = count,
        .jobs = arena_array(&room->arena, count, sizeof(struct job)),
    };
    map_init(&batch->held_keys, batch->arena);
    for (size_t i = 0; i < count; i++) {
        batch->jobs[i].batch = batch;
        batch->jobs[i].delivery = deliveries[i];
    }
    room->batch = batch;
    return batch;
}

static void leave_room(struct batch *batch)
{
    for (size_t i = 0; i < LANE_ROOMS; i++)
        if (batch->lane->rooms[i].batch == batch)
            batch->lane->rooms[i].batch = NULL;
}

struct batch *lane_other_batch(const struct lane *lane, const struct batch *batch)
{
    for (size_t i = 0; i < LANE_ROOMS; i++)
        if (lane->rooms[i].batch && lane->rooms[i].batch != batch)
            return lane->rooms[i].batch;
    return NULL;
}

static struct span whole(const struct batch *batch)
{
    return (struct span){batch->jobs, batch->count};
}

struct batch *batch_open(struct lane *lane, size_t count)
{
    struct batch *batch = new_batch(lane, lane->waiting.items, count);
    lane_take(lane, count);
    admit_all(batch);
    return batch;
}

enum outcome batch_prepare(struct batch *batch, struct err *err)
{
    return prepare(batch, whole(batch), err);
}

/* A split puts two spans of half the length in the place of one, and the first of them is done before
 * the other: so there are never more spans left than a count has bits, and one. */
#define SPANS_MAX (8 * sizeof(size_t) + 1)

enum outcome batch_see_through(struct batch *batch, enum outcome outcome, struct err *err)
{
    struct span left[SPANS_MAX] = {whole(batch)}; /* the last one is the next */
    size_t count = 1;
    while (count > 0) {
        const struct span span = left[--count];
        const size_t half = span.count / 2;
        outcome = run_on(batch, span, outcome, err);
        if (outcome == OUTCOME_RETRY || outcome == OUTCOME_UNCERTAIN)
            return OUTCOME_RETRY;
        if (outcome == OUTCOME_DONE || half == 0) {
            if (outcome != OUTCOME_DONE)
                give_up(batch, span.jobs, outcome, err);
            batch_settle(batch, span);
        } else {
            left[count++] = (struct span){span.jobs + half, span.count - half};
            left[count++] = (struct span){span.jobs, half};
        }
        outcome = OUTCOME_DEFER; /* the next span has still to be decided */
    }
    return OUTCOME_DONE;
}

void batch_close(struct batch *batch)
{
    struct lane *lane = batch->lane;
    batch_release_leases(batch);
    leave_room(batch);
    let_go(batch);
    acknowledge(lane);
    lane->counters.batches++;
    log_flush();
}

static enum outcome rehearse_once(struct batch *batch, struct err *err)
{
    TRY(prepare(batch, whole(batch), err));
    if (batch->commit.write_count == 0 && batch->commit.reply_count == 0)
        return OUTCOME_DONE;
    return store_rehearse(batch->lane->store, &batch->commit, err);
}

enum outcome batch_rehearse_alone(struct lane *lane, struct delivery *delivery, struct job **job,
                                  struct err *err)
{
    struct batch *batch = new_batch(lane, &delivery, 1);
    admit_all(batch);
    batch->jobs->insist = true; /* it does not wait for locks held elsewhere */
    batch->doubtful = true;
    enum outcome outcome = OUTCOME_CONFLICT;
    for (int run = 0; outcome == OUTCOME_CONFLICT && run < CONFLICT_RERUNS; run++)
        outcome = rehearse_once(batch, err);
    batch_release_leases(batch);
    leave_room(batch); /* the batch's memory stays until the next batch */
    *job = batch->jobs;
    return outcome;
}

enum outcome batch_run_alone(struct lane *lane, struct delivery *delivery, int *status,
                             struct str *body, struct err *err)
{
    struct batch *batch = new_batch(lane, &delivery, 1);
    struct job *job = batch->jobs;
    admit_all(batch);
    enum outcome outcome = OUTCOME_CONFLICT;
    batch->doubtful = true; /* repeats are looked for: there is no hurry here */
    for (int run = 0; outcome == OUTCOME_CONFLICT && run < CONFLICT_RERUNS; run++)
        outcome = run_patiently(batch, whole(batch), err);
    batch_release_leases(batch);
    leave_room(batch); /* the batch's memory stays until the next batch */
    if (outcome != OUTCOME_DONE)
        return outcome;
    if (job->state == JOB_BLOCKED)
        return err_retry(err, "lanes hold the locks of what %.*s needs: try again",
                         STR_FMT(job_operation_name(job)));
    if (job->state != JOB_DECIDED && job->state != JOB_ANSWERED) {
        *err = job->err;
        return job->outcome;
    }
    *status = job->status;
    *body = job->body;
    return OUTCOME_DONE;
}
