/* settle.c - what follows a commit: cache, replies, events, locks, one log line per message. The
 * batch acknowledges when all its spans are settled.
 *
 * From here on nothing can be lost, because the journal holds the replies and the events. If the
 * broker goes away now, it delivers the messages again and they are answered from the journal; the
 * relay publishes the events. */
#include "base/log.h"
#include "engine/batch.h"
#include "wire/encoding.h"

/* Lists the leases that the lane's other batch does not hold as well. */
static size_t own_leases(const struct batch *batch, struct str *keys)
{
    const struct batch *other = lane_other_batch(batch->lane, batch);
    size_t count = 0;
    for (size_t i = 0; i < batch->held_count; i++)
        if (!other || !map_get(&other->held_keys, batch->held[i]))
            keys[count++] = batch->held[i];
    return count;
}

void batch_release_leases(struct batch *batch)
{
    struct err err = {0};
    struct str *keys = arena_array(batch->arena, batch->held_count, sizeof(*keys));
    const size_t count = own_leases(batch, keys);
    /* When Redis is away the leases end by themselves. */
    if (count &&
        lock_release(batch->lane->lock, keys, count, batch->lane->owner, &err) != OUTCOME_DONE)
        batch->lane->counters.unlocked_batches++;
    batch->held_count = 0;
    map_init(&batch->held_keys, batch->arena);
}

/* --- messages --------------------------------------------------------------------------------------- */

static void publish_events(struct batch *batch)
{
    if (batch->commit.event_count == 0)
        return;
    const uint64_t group = lane_open_group(batch->lane, batch->commit.id);
    for (size_t i = 0; i < batch->commit.event_count; i++)
        lane_publish_event(batch->lane, batch->arena, &batch->commit.events[i], group);
}

/* Shorter replies are not worth packing. */
#define PACKED_MIN 1024

static enum encoding encoding_of(const struct job *job)
{
    return job->body.len < PACKED_MIN || job->delivery->accept_encoding.len == 0
               ? ENCODING_NONE
               : encoding_accepted(job->delivery->accept_encoding);
}

/* A reply that is no longer than this is always sent: it is about as long as its request. */
#define LONG_REPLY 1024

static void afford_reply(struct job *job)
{
    struct lane *lane = job->batch->lane;
    const struct allowance_rule rule = {lane->settings->reply_burst, lane->settings->reply_rate};
    if (job->body.len <= LONG_REPLY || !job->operation || job->status >= 300)
        return;
    const int64_t wait_ms = allowance_take(lane->allowances, &rule, job->delivery->reply_to,
                                           (int64_t)job->body.len, clock_monotonic_us());
    if (wait_ms > 0)
        job->body = job_short_body(job, wait_ms);
}

static void publish_reply(struct job *job)
{
    const struct delivery *delivery = job->delivery;
    if (delivery->reply_to.len == 0)
        return;
    afford_reply(job);
    const enum encoding encoding = encoding_of(job);
    bus_publish(job->batch->lane->bus,
                &(struct bus_message){
                    .exchange = STR(""),
                    .routing_key = delivery->reply_to,
                    .body = encoding_pack(job->batch->arena, encoding, job->body),
                    .content_encoding = encoding_name(encoding),
                    .correlation_id = str_is_absent(delivery->correlation_id)
                                          ? delivery->message_id
                                          : delivery->correlation_id,
                    .traceparent = delivery->traceparent,
                    .status = job->status,
                    .retry_after_ms = job->retry_after_ms,
                    .mandatory = true,
                    .transient = true, /* a lost reply is asked for again with the same id */
                },
                0);
}

/* --- one line per message ----------------------------------------------------------------------------- */

static enum log_level level_of(const struct job *job)
{
    return job->outcome == OUTCOME_BUG || job->outcome == OUTCOME_RETRY ? LOG_ERROR : LOG_INFO;
}

static const char *outcome_text(const struct job *job)
{
    return job->dropped ? "dropped" : job->repeated ? "repeated" : outcome_name(job->outcome);
}

#define DROPS_LOGGED_MAX 10 /* per second; the lane's own log line counts all of them */

/* A client that sends garbage by the thousand must not fill the log with it. */
static bool is_to_be_logged(const struct job *job)
{
    struct lane *lane = job->batch->lane;
    const int64_t second = job->batch->now / MS_PER_SECOND;
    if (!job->dropped)
        return true;
    if (lane->drops_second != second)
        lane->drops_logged = 0;
    lane->drops_second = second;
    return lane->drops_logged++ < DROPS_LOGGED_MAX;
}

static void log_job(const struct job *job)
{
    const struct batch *batch = job->batch;
    struct log_line line;
    log_begin(&line, level_of(job), "message");
    log_foreign(&line, "operation", job_operation_name(job));
    log_str(&line, "outcome", str_of(outcome_text(job)));
    log_str(&line, "caller", job->caller.id);
    log_foreign(&line, "messageId", job->delivery->message_id);
    log_foreign(&line, "correlationId", job->delivery->correlation_id);
    log_str(&line, "traceparent", job->delivery->traceparent);
    if (job->outcome != OUTCOME_DONE)
        log_err(&line, &job->err);
    log_int(&line, "status", job->status);
    log_int(&line, "attempt", job->delivery->attempt + 1);
    if (job->delivery->delivery_count > 0)
        log_int(&line, "deliveries", job->delivery->delivery_count + 1);
    log_int(&line, "batch", (int64_t)batch->count);
    log_int(&line, "rounds", (int64_t)batch->rounds);
    log_int(&line, "admitUs", batch->times.admit_us);
    log_int(&line, "loadUs", batch->times.load_us);
    log_int(&line, "decideUs", batch->times.decide_us);
    log_int(&line, "commitUs", batch->times.commit_us);
    log_int(&line, "settleUs", batch->times.settle_us);
    log_end(&line);
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static bool is_to_be_settled(const struct job *job)
{
    return job->state == JOB_DECIDED || job->state == JOB_ANSWERED;
}

/* True when the message is wrong and nobody waits to be told. */
static bool is_lost_cause(const struct job *job)
{
    return job->state == JOB_ANSWERED && job->outcome == OUTCOME_INVALID && !job->repeated &&
           job->delivery->reply_to.len == 0;
}

/* A message that nobody vouches for is only counted, because garbage must not fill the dead
 * letters. A message that came too late was not wanted any more. */
static bool is_worth_keeping(struct job *job)
{
    job_note_caller(job);
    return job->vouched && job->err.code != E_DEADLINE_EXCEEDED && !job_was_to_expire(job);
}

/* A message that failed by our fault goes to the delays or dead letters. A wrong message that
 * nobody waits to be told of becomes a dead letter when we know who sent it. */
static bool is_to_be_put_aside(struct job *job)
{
    if (job->state == JOB_FAILED)
        return true;
    if (!is_lost_cause(job))
        return false;
    job->hopeless = is_worth_keeping(job);
    job->dropped = !job->hopeless;
    job->batch->lane->counters.dropped += job->dropped;
    return job->hopeless;
}

/* Copies are put aside one at a time when the broker has refused some copy of the span. The copies
 * that it did take go out twice and have one effect. */
static void put_aside_alone(struct job *job)
{
    struct lane *lane = job->batch->lane;
    struct err err = {0};
    const uint64_t group = ++lane->last_group;
    job_put_aside(job, group);
    enum outcome outcome = lane_confirm_copies(lane, group, &err);
    if (outcome == OUTCOME_REFUSED && job->delay_ms == 0) {
        job_put_off(job, ++lane->last_group);
        outcome = lane_confirm_copies(lane, lane->last_group, &err);
    }
    if (outcome == OUTCOME_DONE) {
        job_was_put_aside(job);
        return;
    }
    job_block(job); /* the broker is away: it will deliver the message again */
    batch_mark_bus_lost(job->batch);
}

static void put_aside(struct batch *batch, struct span span)
{
    struct job **failed = arena_array(batch->arena, span.count, sizeof(*failed));
    struct err err = {0};
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        if (is_to_be_put_aside(&span.jobs[i]))
            failed[count++] = &span.jobs[i];
    if (count == 0)
        return;
    const uint64_t group = ++batch->lane->last_group;
    for (size_t i = 0; i < count; i++)
        job_put_aside(failed[i], group);
    const enum outcome outcome = lane_confirm_copies(batch->lane, group, &err);
    for (size_t i = 0; i < count; i++)
        if (outcome == OUTCOME_DONE)
            job_was_put_aside(failed[i]);
        else
            put_aside_alone(failed[i]);
}

static void settle_job(struct job *job)
{
    if (!is_to_be_settled(job))
        return;
    if (job->state == JOB_DECIDED)
        job_remember_account(job);
    if (job->body.len)
        publish_reply(job);
    job->state = JOB_SETTLED;
    job->batch->lane->counters.messages++;
}

void batch_settle(struct batch *batch, struct span span)
{
    const int64_t start = clock_monotonic_us();
    struct lane *lane = batch->lane;
    lane_note_stale(lane, batch->commit.events, batch->commit.event_count);
    lane_invalidate(lane, batch->run_arena);
    batch_unstamp(batch, span);
    for (size_t i = 0; i < span.count; i++)
        if (span.jobs[i].leader && span.jobs[i].state == JOB_OPEN)
            job_follow(&span.jobs[i]);
    put_aside(batch, span);
    for (size_t i = 0; i < span.count; i++)
        settle_job(&span.jobs[i]);
    publish_events(batch); /* after the replies, because clients wait for those */
    struct err err = {0};
    if (bus_flush(lane->bus, &err) != OUTCOME_DONE)
        batch_mark_bus_lost(batch);
    batch_release_leases(batch); /* last, so that no client waits for Redis */
    lane_crashpoint(lane, "after-publish");
    batch->times.settle_us += clock_monotonic_us() - start;
    for (size_t i = 0; i < span.count; i++)
        if (span.jobs[i].state == JOB_SETTLED && is_to_be_logged(&span.jobs[i]))
            log_job(&span.jobs[i]);
}
