/* commit.c - one transaction for everything a span of messages decided: every changed document with
 * its guard, and one journal entry with the replies and the events. */
#include "wire/json.h"
#include "worker/batch.h"
#include "worker/names.h"

/* --- documents ----------------------------------------------------------------------------------- */

static size_t count_writes(const struct batch *batch)
{
    size_t count = 0;
    for (const struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        count += cell->dirty || (cell->proven && cell->doc);
    return count;
}

static enum write_kind kind_of(const struct cell *cell)
{
    if (!cell->dirty)
        return WRITE_CHECK;
    return cell->base_version == 0 ? WRITE_INSERT : WRITE_REPLACE;
}

static void collect_writes(struct batch *batch)
{
    struct write *writes = arena_array(batch->run_arena, count_writes(batch), sizeof(*writes));
    size_t count = 0;
    for (const struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        if (cell->dirty || (cell->proven && cell->doc))
            writes[count++] =
                (struct write){kind_of(cell), cell->type, cell->doc, cell->base_version};
    batch->commit.writes = writes;
    batch->commit.write_count = count;
}

/* --- replies -------------------------------------------------------------------------------------- */

/* What was executed is remembered; what was only found wrong may come again, corrected, and what
 * may be tried again must be allowed to. */
bool job_is_journalled(const struct job *job)
{
    if (job->state != JOB_DECIDED || job->operation->kind == QUERY)
        return false;
    if (job->outcome == OUTCOME_REFUSED)
        return job->keep || !job->err.code->retryable;
    return job->outcome == OUTCOME_DONE;
}

static void collect_replies(struct batch *batch, struct span span)
{
    struct journal_reply *replies = arena_array(batch->run_arena, span.count, sizeof(*replies));
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        struct job *job = &span.jobs[i];
        if (job->state == JOB_DECIDED)
            job->body = job_reply_body(job, batch->run_arena);
        if (!job_is_journalled(job))
            continue;
        struct journal_reply *stored = &replies[count++];
        *stored = (struct journal_reply){.key = job->key,
                                         .status = job->status,
                                         .sealed = job->operation->secret_reply,
                                         .body = job_journal_body(job)};
        memcpy(stored->fingerprint, job->fingerprint, sizeof(stored->fingerprint));
    }
    batch->commit.replies = replies;
    batch->commit.reply_count = count;
}

/* --- events --------------------------------------------------------------------------------------- */

static bool has_effects(const struct job *job)
{
    return job->state == JOB_DECIDED && (job->outcome == OUTCOME_DONE || job->keep);
}

/* Of emit_latest() only the last of each type and subject is sent. */
static size_t count_outgoing(struct batch *batch, struct span span)
{
    struct map latest;
    map_init(&latest, batch->run_arena);
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        if (!has_effects(&span.jobs[i]))
            continue;
        for (struct outgoing *message = span.jobs[i].first_outgoing; message;
             message = message->next) {
            count++;
            if (message->kind != MESSAGE_LATEST_EVENT)
                continue;
            const struct str key = str_printf(batch->run_arena, "%.*s %.*s", STR_FMT(message->type),
                                              STR_FMT(message->subject));
            struct outgoing *earlier = map_get(&latest, key);
            if (earlier) {
                earlier->superseded = true;
                count--;
            }
            map_set(&latest, key, message);
        }
    }
    return count;
}

static struct str event_source(const struct outgoing *message, struct arena *arena)
{
    const struct str name = str_of(message->job->operation->name);
    const char *dot = memchr(name.ptr, '.', name.len);
    const size_t len = dot ? (size_t)(dot - name.ptr) : name.len;
    return str_printf(arena, "/%.*s/%.*s", STR_FMT(message->job->batch->lane->settings->prefix),
                      (int)len, name.ptr);
}

/* CloudEvents 1.0, structured JSON; the extension attributes are ours. */
static struct str event_body(const struct outgoing *message, struct arena *arena)
{
    const struct delivery *cause = message->job->delivery;
    struct text text;
    text_init(&text, arena, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    const struct {
        const char *key;
        struct str value;
    } attributes[] = {
        {"specversion", STR("1.0")},
        {"id", message->id},
        {"source", event_source(message, arena)},
        {"type", message->type},
        {"subject", message->subject},
        {"time", time_text(arena, message->job->batch->now)},
        {"datacontenttype", STR("application/json")},
        {"causationid", cause->message_id},
        {"correlationid", cause->correlation_id},
        {"traceparent", cause->traceparent},
    };
    json_open_object(&writer);
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (attributes[i].value.len == 0)
            continue;
        json_key(&writer, attributes[i].key);
        json_put_str(&writer, attributes[i].value);
    }
    json_key(&writer, "aggregateversion");
    json_put_int(&writer, message->version);
    json_key(&writer, "data");
    json_put_raw(&writer, job_json(message->job, message->shape, message->data));
    json_close_object(&writer);
    return text_str(&text);
}

static struct journal_event finished(const struct outgoing *message, struct arena *arena)
{
    const bool notification = message->kind == MESSAGE_NOTIFICATION;
    const struct str prefix = message->job->batch->lane->settings->prefix;
    return (struct journal_event){
        .id = message->id,
        .exchange = notification ? name_notifications(arena, prefix) : name_events(arena, prefix),
        .routing_key = message->type,
        .body = notification ? json_of_shape(arena, message->shape, message->data)
                             : event_body(message, arena),
        .traceparent = message->job->delivery->traceparent,
    };
}

static void collect_events(struct batch *batch, struct span span)
{
    const size_t room = count_outgoing(batch, span);
    struct journal_event *events = arena_array(batch->run_arena, room, sizeof(*events));
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        if (!has_effects(&span.jobs[i]))
            continue;
        for (const struct outgoing *message = span.jobs[i].first_outgoing; message;
             message = message->next)
            if (!message->superseded)
                events[count++] = finished(message, batch->run_arena);
    }
    batch->commit.events = events;
    batch->commit.event_count = count;
}

/* --- the transaction ------------------------------------------------------------------------------- */

/* The commit was sent and its answer lost: only the journal knows. */
static enum outcome resolve(struct batch *batch, struct err *err)
{
    for (int64_t wait_ms = 50;; wait_ms = wait_ms < 2000 ? wait_ms * 2 : 2000) {
        const enum outcome outcome = store_resolve(batch->lane->store, &batch->commit, err);
        if (outcome != OUTCOME_RETRY || *batch->lane->stopping >= 2)
            return outcome;
        lane_pause(wait_ms);
    }
}

enum outcome batch_commit(struct batch *batch, struct span span, struct err *err)
{
    const int64_t start = clock_monotonic_us();
    batch->commit = (struct commit){
        .id = id_new(batch->run_arena, batch->now),
        .now = batch->now,
    };
    collect_writes(batch);
    collect_replies(batch, span);
    collect_events(batch, span);
    if (batch->commit.write_count == 0 && batch->commit.reply_count == 0)
        return OUTCOME_DONE;
    lane_crashpoint(batch->lane, "before-commit");
    enum outcome outcome = store_commit(batch->lane->store, &batch->commit, err);
    if (outcome == OUTCOME_UNCERTAIN)
        outcome = resolve(batch, err);
    lane_crashpoint(batch->lane, "after-commit");
    batch->lane->counters.commits += outcome == OUTCOME_DONE;
    batch->times.commit_us += clock_monotonic_us() - start;
    return outcome;
}
