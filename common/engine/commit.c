/* commit.c - one transaction for everything that a span of messages decided: every
 * changed document with its guard, the pages of the ledgers, and one journal entry with
 * the replies and the events. */
#include <inttypes.h>

#include "engine/batch.h"
#include "service/names.h"
#include "wire/json.h"

/* --- documents ----------------------------------------------------------------------------------- */

/* True when the commit must prove that nobody has this value. If a later message made a document
 * with the value, its insertion proves that as well. */
static bool is_proven_absent(const struct alias *alias)
{
    return alias->proven && !alias->cell;
}

static size_t count_writes(const struct batch *batch, const struct filled_page *pages)
{
    size_t count = 0;
    for (const struct filled_page *filled = pages; filled; filled = filled->next)
        count++;
    for (const struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        count += cell->dirty || cell->proven;
    for (const struct alias *alias = batch->set.first_alias; alias; alias = alias->next)
        count += is_proven_absent(alias);
    return count;
}

static enum write_kind kind_of(const struct cell *cell)
{
    if (!cell->dirty)
        return WRITE_CHECK;
    if (!cell->doc)
        return WRITE_DELETE;
    return cell->base_version == 0 ? WRITE_INSERT : WRITE_REPLACE;
}

static struct write absent(struct batch *batch, const struct doc_type *type, struct str id,
                           const char *field, struct str value)
{
    struct absence *absence = ARENA_NEW(batch->run_arena, struct absence);
    *absence = (struct absence){.head.id = id, .field = field, .value = value};
    return (struct write){WRITE_ABSENT, type, absence, 0};
}

static struct write write_of(struct batch *batch, const struct cell *cell)
{
    if (!cell->dirty && !cell->doc)
        return absent(batch, cell->type, cell->id, NULL, STR_ABSENT);
    return (struct write){kind_of(cell), cell->type, cell->doc ? cell->doc : cell->gone,
                          cell->base_version};
}

static void collect_writes(struct batch *batch, struct span span)
{
    const struct filled_page *pages = batch_ledger_pages(batch, span);
    struct write *writes =
        arena_array(batch->run_arena, count_writes(batch, pages), sizeof(*writes));
    size_t count = 0;
    for (const struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        if (cell->dirty || cell->proven)
            writes[count++] = write_of(batch, cell);
    for (const struct alias *alias = batch->set.first_alias; alias; alias = alias->next)
        if (is_proven_absent(alias))
            writes[count++] = absent(batch, alias->type, id_new(batch->run_arena, batch->now),
                                     alias->field, alias->value);
    for (const struct filled_page *filled = pages; filled; filled = filled->next)
        writes[count++] = (struct write){WRITE_INSERT, filled->ledger, &filled->page, 0};
    batch->commit.writes = writes;
    batch->commit.write_count = count;
}

/* --- replies -------------------------------------------------------------------------------------- */

/* A message that was executed is remembered. A message that was only found wrong may come again,
 * corrected; and a message that may be tried again must be allowed to. */
bool job_is_journalled(const struct job *job)
{
    if (job->state != JOB_DECIDED || job->operation->kind == QUERY)
        return false;
    if (job->outcome == OUTCOME_REFUSED)
        return job->keep || !job->err.code->retryable;
    return job->outcome == OUTCOME_DONE || job->late;
}

#define REPLIES_MAX (2 * AUTH_MASTERS_MAX) /* for one message: two for each master key */

static struct journal_reply stored_reply(struct job *job, struct journal_key key)
{
    struct journal_reply stored = {.key = key,
                                   .status = job->status,
                                   .sealed = job->operation->secret_reply,
                                   .body = job_journal_body(job, &key)};
    memcpy(stored.fingerprint, job->fingerprint, sizeof(stored.fingerprint));
    return stored;
}

/* Returns a reply that takes the key and says nothing: the answer is stored under another
 * key of the same message. */
static struct journal_reply taken(struct journal_key key)
{
    return (struct journal_reply){.key = key, .body = STR("")};
}

/* A message that was decided under a deadline cannot be told "too late" by another lane, nor
 * the other way round, because both decisions take the key of that deadline. The same holds for
 * each master key of the ring. */
static size_t journal_job(struct job *job, struct journal_reply replies[REPLIES_MAX])
{
    const size_t formers = job->former ? job->batch->lane->keys.ring_count - 1 : 0;
    const bool has_deadline = delivery_deadline(job->delivery) >= 0;
    size_t count = 0;
    replies[count++] = stored_reply(job, job->late ? job->deadline_key : job->key);
    if (!job->late && has_deadline)
        replies[count++] = taken(job->deadline_key);
    for (size_t i = 0; i < formers; i++) {
        if (!job->late)
            replies[count++] = taken(job->former[i].key);
        if (has_deadline)
            replies[count++] = taken(job->former[i].deadline_key);
    }
    return count;
}

static void collect_replies(struct batch *batch, struct span span)
{
    struct journal_reply *replies =
        arena_array(batch->run_arena, span.count, REPLIES_MAX * sizeof(*replies));
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        struct job *job = &span.jobs[i];
        if (job->state == JOB_DECIDED)
            job->body = job_reply_body(job, batch->run_arena);
        if (job_is_journalled(job))
            count += journal_job(job, replies + count);
    }
    batch->commit.replies = replies;
    batch->commit.reply_count = count;
}

/* --- events --------------------------------------------------------------------------------------- */

bool job_has_effects(const struct job *job)
{
    return job->state == JOB_DECIDED && (job->outcome == OUTCOME_DONE || job->keep);
}

/* Counts the messages to send. Of events that are `latest_only` only the last of each type and
 * subject is sent; the earlier ones are marked. */
static size_t count_outgoing(struct batch *batch, struct span span)
{
    struct map latest;
    map_init(&latest, batch->run_arena);
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        if (!job_has_effects(&span.jobs[i]))
            continue;
        for (struct outgoing *message = span.jobs[i].first_outgoing; message;
             message = message->next) {
            count++;
            if (message->kind != MESSAGE_LATEST_EVENT)
                continue;
            const struct str key = str_join(batch->run_arena, message->type, ' ', message->subject);
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

/* For example "/cartwright/order". */
static struct str event_source(const struct outgoing *message, struct arena *arena)
{
    const char *name = message->job->operation->name;
    const struct str domain = {name, strcspn(name, ".")};
    const struct str prefix = message->job->batch->lane->settings->prefix;
    return str_join(arena, str_join(arena, STR(""), '/', prefix), '/', domain);
}

/* CloudEvents 1.0, structured JSON, with extension attributes of our own. */
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

struct exchanges {
    struct str events, notifications;
};

static struct journal_event finished(const struct outgoing *message,
                                     const struct exchanges *exchanges, struct arena *arena)
{
    const bool notification = message->kind == MESSAGE_NOTIFICATION;
    return (struct journal_event){
        .id = message->id,
        .exchange = notification ? exchanges->notifications : exchanges->events,
        .routing_key = message->type,
        .body = notification ? json_of_shape(arena, message->shape, message->data)
                             : event_body(message, arena),
        .traceparent = message->job->delivery->traceparent,
    };
}

/* Nobody could publish an event that is too long: a lane that tried would lose what was on its way
 * beside it. So only the message that emits it fails. */
static bool is_sendable(const struct journal_event *event, struct job *job)
{
    const int64_t most = job->batch->lane->settings->reply_max;
    if (event->body.len <= (size_t)most)
        return true;
    job->outcome = err_bug(&job->err, "%.*s has %zu bytes, over the limit of %" PRId64,
                           STR_FMT(event->routing_key), event->body.len, most);
    job->state = JOB_FAILED;
    job->hopeless = true;
    return false;
}

static bool collect_events(struct batch *batch, struct span span)
{
    bool ok = true;
    const struct str prefix = batch->lane->settings->prefix;
    const struct exchanges exchanges = {name_events(batch->run_arena, prefix),
                                        name_notifications(batch->run_arena, prefix)};
    const size_t room = count_outgoing(batch, span);
    struct journal_event *events = arena_array(batch->run_arena, room, sizeof(*events));
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++) {
        if (!job_has_effects(&span.jobs[i]))
            continue;
        for (const struct outgoing *message = span.jobs[i].first_outgoing; message;
             message = message->next)
            if (!message->superseded) {
                events[count] = finished(message, &exchanges, batch->run_arena);
                ok &= is_sendable(&events[count++], &span.jobs[i]);
            }
    }
    batch->commit.events = events;
    batch->commit.event_count = count;
    return ok;
}

/* --- the transaction ------------------------------------------------------------------------------- */

/* The commit was sent and its answer was lost, so only the journal knows whether it happened. Asks
 * until the journal has told, or until the lane must hurry (RETRY). */
static enum outcome resolve(struct batch *batch, struct err *err)
{
    struct lane *lane = batch->lane;
    const int was_ready = lane->slot->ready;
    enum outcome outcome = store_resolve(lane->store, &batch->commit, err);
    int64_t pause_ms = 50;
    while (outcome == OUTCOME_RETRY && *lane->stopping < 2) {
        lane->slot->ready = 0;
        lane_await_server(lane, pause_ms);
        pause_ms = pause_ms < 2000 ? pause_ms * 2 : 2000;
        outcome = store_resolve(lane->store, &batch->commit, err);
    }
    lane->slot->ready = was_ready;
    return outcome;
}

bool batch_write_up(struct batch *batch, struct span span)
{
    const int64_t start = clock_monotonic_us();
    batch->commit = (struct commit){
        .id = id_new(batch->run_arena, batch->now),
        .now = batch->now,
    };
    collect_writes(batch, span);
    collect_replies(batch, span);
    const bool ok = collect_events(batch, span);
    batch->times.commit_us += clock_monotonic_us() - start;
    return ok;
}

void batch_commit_begin(struct batch *batch)
{
    batch->fate = OUTCOME_DONE;
    if (batch->commit.write_count == 0 && batch->commit.reply_count == 0)
        return;
    lane_crashpoint(batch->lane, "before-commit");
    batch->commit_began_us = clock_monotonic_us();
    store_commit_begin(batch->lane->store, &batch->commit);
    batch->committing = true;
}

enum outcome batch_commit_end(struct batch *batch, struct err *err)
{
    if (batch->committing) {
        batch->committing = false;
        slot_alive(batch->lane->slot);
        batch->fate = store_commit_end(batch->lane->store, &batch->fate_err);
        if (batch->fate == OUTCOME_UNCERTAIN)
            batch->fate = resolve(batch, &batch->fate_err);
        lane_crashpoint(batch->lane, "after-commit");
        batch->lane->counters.commits += batch->fate == OUTCOME_DONE;
        batch->times.commit_us += clock_monotonic_us() - batch->commit_began_us;
    }
    if (batch->fate != OUTCOME_DONE)
        *err = batch->fate_err;
    return batch->fate;
}

enum outcome batch_await_ahead(struct batch *batch, struct err *err)
{
    if (!batch->ahead || batch_commit_end(batch->ahead, err) == OUTCOME_DONE)
        return OUTCOME_DONE;
    return err_conflict(err, "the batch before this one was not committed");
}
