/* failure.c - messages that we could not carry out: they are tried again later, and in the end they
 * become dead letters.
 *
 * The copies of a span are published together and confirmed together, and only then are the
 * originals acknowledged. A crash in between makes at most two copies, and the message id
 * makes one effect of them. The broker's x-death headers never travel: a copy is a new
 * message with our own headers. */
#include <inttypes.h>

#include "base/log.h"
#include "engine/batch.h"
#include "engine/caller.h"
#include "service/delay.h"
#include "service/names.h"
#include "service/signature.h"
#include "wire/json.h"
#include "wire/schema_secret.h"

#define CONFIRM_TIMEOUT_MS 5000
/* How long a message that is to be buried waits in the delays for room among the dead letters. */
#define NO_ROOM_DELAY_MS 60000
/* Bytes of the reason: the headers that are added here must fit in one frame with those of the
 * delivery (BUS_HEADERS_MAX). */
#define REASON_MAX 512

/* Returns the body without its content encoding, so that an operator can read and correct it; a
 * body that cannot be unpacked stays as it came. */
static struct str body_of(const struct job *job)
{
    return str_is_absent(job->text) ? job->delivery->body : job->text;
}

#define COPY_HEADER(member, header) copy.member = delivery->member;

/* What a copy for the delays and a dead letter have in common. */
static struct bus_message copy_of(const struct job *job)
{
    const struct delivery *delivery = job->delivery;
    struct bus_message copy = {
        .body = body_of(job),
        .message_id = delivery->message_id,
        .correlation_id = delivery->correlation_id,
        .reply_to = delivery->reply_to,
        .deadline = delivery_deadline(delivery),
        .attempt = delivery->attempt + 1,
        .mandatory = true,
    };
    LASTING_HEADERS(COPY_HEADER)
    return copy;
}

/* Every copy carries the history on, so that a letter that dies again shows how
 * often it was sent again. */
static struct str history_of(const struct job *job)
{
    return job->delivery->history.len <= DEAD_HISTORY_MAX ? job->delivery->history : STR_ABSENT;
}

/* Seals the caller onto the message as the copy will be received. A message that was never found to
 * be an operation of ours is known by its routing key, and its caller is whom its token named. */
static struct str seal_of(const struct job *job, enum caller_seal kind, struct str body,
                          int64_t until_ms)
{
    const struct sealed_message message = {
        .queue = job->delivery->queue,
        .operation = job_operation_name(job),
        .message_id = job->delivery->message_id,
        .body = body,
        .attempt = job->delivery->attempt + 1,
    };
    return caller_seal(job->batch->arena, &job->batch->lane->keys, kind, &message, &job->bearer,
                       until_ms);
}

static int64_t delay_of(struct job *job)
{
    const struct engine_settings *settings = job->batch->lane->settings;
    uint64_t chance;
    job_random(job, "delay", &chance, sizeof(chance));
    return delay_with_jitter(settings->retry_delays.items[job->delivery->attempt], chance);
}

/* The token goes along: it decides if the seal ends in an outage, or if the lane that receives the
 * copy is of an earlier version. */
static void postpone(struct job *job, int64_t delay_ms, uint64_t group)
{
    struct lane *lane = job->batch->lane;
    const struct delivery *delivery = job->delivery;
    const int64_t until_ms = job->batch->now + delay_ms + COPY_SEAL_SLACK_MS;
    const struct delay_route route =
        delay_route(job->batch->arena, lane->settings->prefix, delivery->queue, delay_ms);
    const struct bus_header headers[] = {
        {"x-operation", job_operation_name(job)},
        {"x-caller", seal_of(job, COPY_SEAL, body_of(job), until_ms)},
        {"x-history", history_of(job)},
        {"x-sealed", delivery->sealed},
    };
    struct bus_message copy = copy_of(job);
    copy.exchange = route.exchange;
    copy.routing_key = route.routing_key;
    ADMISSION_HEADERS(COPY_HEADER)
    copy.headers = headers;
    copy.header_count = sizeof(headers) / sizeof(headers[0]);
    bus_publish(lane->bus, &copy, group);
    job->delay_ms = delay_ms;
}

static void log_postponed(const struct job *job)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "message postponed");
    log_foreign(&line, "operation", job_operation_name(job));
    log_foreign(&line, "messageId", job->delivery->message_id);
    log_int(&line, "attempt", job->delivery->attempt + 1);
    log_int(&line, "delayMs", job->delay_ms);
    log_err(&line, &job->err);
    log_end(&line);
}

/* The reason names the first field that is at fault, because the letter will be corrected by it.
 * The field's name comes from the sender and may be as long as a message. */
static struct str reason_of(const struct job *job)
{
    const struct err_field *field = job->err.fields;
    struct str reason = field ? str_printf(job->batch->arena, "%s: %.*s %.*s", job->err.text,
                                           STR_FMT(field->pointer), STR_FMT(field->message))
                              : str_of(job->err.text);
    if (reason.len > REASON_MAX)
        reason.len = REASON_MAX;
    return reason;
}

static struct str dead_queue_of(const struct job *job)
{
    return name_dead_of_queue(job->batch->arena, job->batch->lane->settings->prefix,
                              job->delivery->queue);
}

/* Returns the body as it may be kept; absent: as it is. A message that is no operation of ours has
 * no schema that names its secrets, so members are masked by their names. */
static struct str masked_body(const struct job *job)
{
    struct arena *arena = job->batch->arena;
    const struct str body = body_of(job);
    struct str masked;
    struct err ignored = {0};
    if (job->operation)
        return schema_mask(operation_schema(job->operation), arena, body);
    return json_mask(arena, body, &masked, &ignored) == OUTCOME_DONE ? masked
                                                                     : STR(SCHEMA_MASKED_BODY);
}

static void bury(struct job *job, uint64_t group)
{
    struct lane *lane = job->batch->lane;
    struct arena *arena = job->batch->arena;
    const struct delivery *delivery = job->delivery;
    const struct str masked = masked_body(job);
    struct bus_message copy = copy_of(job);
    if (!str_is_absent(masked))
        copy.body = masked;
    struct bus_header headers[] = {
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
        /* The seal has no end: by the time the letter is sent again, the token has expired. */
        {"x-caller", seal_of(job, LETTER_SEAL, copy.body, INT64_MAX)},
        {"x-masked",
         str_is_absent(masked) || str_eq(masked, body_of(job)) ? STR_ABSENT : STR("yes")},
        {"x-signature", STR_ABSENT},
    };
    const size_t count = sizeof(headers) / sizeof(headers[0]);
    copy.exchange = STR("");
    copy.routing_key = dead_queue_of(job);
    copy.headers = headers;
    copy.header_count = count;
    headers[count - 1].value = letter_sign(arena, &lane->keys, &copy);
    bus_publish(lane->bus, &copy, group);
    job->delay_ms = 0;
}

static void log_buried(const struct job *job)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "message buried");
    log_foreign(&line, "operation", job_operation_name(job));
    log_foreign(&line, "messageId", job->delivery->message_id);
    log_str(&line, "queue", dead_queue_of(job));
    log_err(&line, &job->err);
    log_end(&line);
}

void job_put_aside(struct job *job, uint64_t group)
{
    const struct lane *lane = job->batch->lane;
    const size_t rounds = lane->settings->retry_delays.count;
    const int64_t attempt = job->delivery->attempt;
    if (!job->hopeless && attempt >= 0 && (size_t)attempt < rounds)
        postpone(job, delay_of(job), group);
    else
        bury(job, group);
}

void job_put_off(struct job *job, uint64_t group)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, "no room for a dead letter");
    log_str(&line, "queue", dead_queue_of(job));
    log_end(&line);
    postpone(job, NO_ROOM_DELAY_MS, group);
}

void job_was_put_aside(struct job *job)
{
    struct lane *lane = job->batch->lane;
    lane->counters.failed++;
    job->state = JOB_ANSWERED;
    if (job->delay_ms > 0) {
        log_postponed(job);
        job->body = STR("");
        return;
    }
    log_buried(job);
    if (job->blame)
        blame_forget(lane->blame, job->digest);
    /* A client that waits for a reply learns that there will be no other. */
    job->body = job_reply_body(job, job->batch->arena);
}

enum outcome lane_confirm_copies(struct lane *lane, uint64_t group, struct err *err)
{
    slot_alive(lane->slot);
    TRY(bus_flush(lane->bus, err));
    if (!bus_wait_confirms(lane->bus, CONFIRM_TIMEOUT_MS))
        return err_retry(err, "the broker did not confirm within %d ms", CONFIRM_TIMEOUT_MS);
    return lane_group_failed(lane, group)
               ? err_refuse(err, E_BUSY,
                            "the broker did not take a copy for the delays or dead letters")
               : OUTCOME_DONE;
}
