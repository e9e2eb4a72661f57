/* failure.c - messages that we could not carry out: later again, and in the end the dead letters.
 *
 * The copy is published with a confirm and only then is the original acknowledged, so a crash in
 * between makes two copies at most, and the message id makes one effect of them. x-death headers of
 * the broker never travel: a copy is a new message with our own headers. */
#include <inttypes.h>

#include "base/log.h"
#include "worker/batch.h"
#include "worker/dead_letter.h"
#include "worker/delay.h"
#include "worker/names.h"

#define CONFIRM_TIMEOUT_MS 5000

static struct bus_message copy_of(const struct job *job)
{
    const struct delivery *delivery = job->delivery;
    return (struct bus_message){
        .body = delivery->body,
        .message_id = delivery->message_id,
        .correlation_id = delivery->correlation_id,
        .reply_to = delivery->reply_to,
        .authorization = delivery->authorization,
        .api_key = delivery->api_key,
        .api_version = delivery->api_version,
        .traceparent = delivery->traceparent,
        .partition_key = delivery->partition_key,
        .deadline = delivery_deadline(delivery),
        .mandatory = true,
    };
}

/* Published, confirmed and not returned; anything else is a RETRY. */
static enum outcome send_safely(struct lane *lane, const struct bus_message *message,
                                struct err *err)
{
    const uint64_t group = ++lane->last_group;
    slot_alive(lane->slot);
    bus_publish(lane->bus, message, group);
    TRY(bus_flush(lane->bus, err));
    if (!bus_wait_confirms(lane->bus, CONFIRM_TIMEOUT_MS))
        return retry_later(err, "the broker did not confirm within %d ms", CONFIRM_TIMEOUT_MS);
    return lane_group_failed(lane, group)
               ? retry_later(err, "the broker did not take the message for '%.*s'",
                             STR_FMT(message->routing_key))
               : OUTCOME_DONE;
}

/* Told on by every copy, so that a letter that dies again shows how often it was sent again. */
static struct str history_of(const struct job *job)
{
    return job->delivery->history.len <= DEAD_HISTORY_MAX ? job->delivery->history : STR_ABSENT;
}

static int64_t delay_of(struct job *job)
{
    const struct engine_settings *settings = job->batch->lane->settings;
    uint64_t chance;
    job_random(job, "delay", &chance, sizeof(chance));
    return delay_with_jitter(settings->retry_delays.items[job->delivery->attempt], chance);
}

static enum outcome postpone(struct job *job, struct err *err)
{
    struct lane *lane = job->batch->lane;
    const struct delivery *delivery = job->delivery;
    const int64_t delay_ms = delay_of(job);
    const struct delay_route route =
        delay_route(job->batch->arena, lane->settings->prefix, delivery->queue, delay_ms);
    struct bus_message copy = copy_of(job);
    const struct bus_header headers[] = {
        {"x-operation", job_operation_name(job)},
        {"x-caller", job_seal_caller(job)},
        {"x-history", history_of(job)},
    };
    copy.exchange = route.exchange;
    copy.routing_key = route.routing_key;
    copy.attempt = delivery->attempt + 1;
    copy.headers = headers;
    copy.header_count = sizeof(headers) / sizeof(headers[0]);
    TRY(send_safely(lane, &copy, err));
    struct log_line line;
    log_begin(&line, LOG_WARN, "message postponed");
    log_str(&line, "operation", job_operation_name(job));
    log_str(&line, "messageId", delivery->message_id);
    log_int(&line, "attempt", delivery->attempt + 1);
    log_int(&line, "delayMs", delay_ms);
    log_err(&line, &job->err);
    log_end(&line);
    job->body = STR("");
    return OUTCOME_DONE;
}

/* With the first field that is at fault: that is what the letter will be corrected by. */
static struct str reason_of(const struct job *job)
{
    const struct err_field *field = job->err.fields;
    return field ? str_printf(job->batch->arena, "%s: %.*s %.*s", job->err.text,
                              STR_FMT(field->pointer), STR_FMT(field->message))
                 : str_of(job->err.text);
}

static void log_buried(const struct job *job, struct str queue)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "message buried");
    log_str(&line, "operation", job_operation_name(job));
    log_str(&line, "messageId", job->delivery->message_id);
    log_str(&line, "queue", queue);
    log_err(&line, &job->err);
    log_end(&line);
}

static enum outcome bury(struct job *job, struct err *err)
{
    struct lane *lane = job->batch->lane;
    struct arena *arena = job->batch->arena;
    const struct delivery *delivery = job->delivery;
    const struct bus_header headers[] = {
        {"x-operation", job_operation_name(job)},
        {"x-failure-code", str_of(job->err.code->name)},
        {"x-failure-reason", reason_of(job)},
        {"x-failure-place", str_printf(arena, "%s:%d", job->err.file, job->err.line)},
        {"x-failed-at", time_text(arena, job->batch->now)},
        {"x-attempts", str_printf(arena, "%" PRId64, delivery->attempt + 1)},
        {"x-original-queue", delivery->queue},
        {"x-original-exchange", delivery->exchange},
        {"x-original-routing-key", delivery->routing_key},
        {"x-history", history_of(job)},
        {"x-failure-signal", job->blame ? str_of(job->blame->signal) : STR_ABSENT},
        {"x-failure-backtrace",
         job->blame ? str_dup(arena, str_of(job->blame->backtrace)) : STR_ABSENT},
        /* The last one: whoever moves the letter back later finds the token expired. What was never
         * found to be an operation of ours gets no seal of ours. */
        {"x-caller", job->operation ? job_seal_caller(job) : STR_ABSENT},
    };
    struct bus_message copy = copy_of(job);
    copy.exchange = STR("");
    copy.routing_key = name_dead_of_queue(arena, lane->settings->prefix, delivery->queue);
    copy.attempt = delivery->attempt + 1;
    copy.headers = headers;
    copy.header_count = sizeof(headers) / sizeof(headers[0]) - (job->operation ? 0 : 1);
    TRY(send_safely(lane, &copy, err));
    log_buried(job, copy.routing_key);
    if (job->blame)
        blame_forget(lane->blame, job->digest);
    return OUTCOME_DONE;
}

enum outcome job_postpone_or_bury(struct job *job, struct err *err)
{
    struct lane *lane = job->batch->lane;
    const size_t rounds = lane->settings->retry_delays.count;
    lane->counters.failed++;
    if (!job->hopeless && job->delivery->attempt >= 0 && (size_t)job->delivery->attempt < rounds)
        return postpone(job, err);
    TRY(bury(job, err));
    /* Whoever waits for a reply learns that there will be no other. */
    job->body = job_reply_body(job, job->batch->arena);
    return OUTCOME_DONE;
}
