/* reply.c - the bodies of replies, {"ok":true,"data":...} and {"ok":false,"error":...}, and the
 * answers that are not computed but repeated. */
#include <inttypes.h>

#include "engine/batch.h"
#include "schemas/engine.h"
#include "wire/json.h"

static void add_fields(struct arena *arena, const struct err *err, struct error_view *view)
{
    for (const struct err_field *field = err->fields; field; field = field->next) {
        struct error_view_field *shown =
            list_insert(arena, &view->fields, sizeof(*shown), view->fields.count);
        *shown = (struct error_view_field){.pointer = field->pointer, .message = field->message};
    }
}

static void put_error(struct json_writer *writer, const struct err *err)
{
    struct error_view view = {
        .code = str_of(err->code->name),
        .message = str_of(err->text),
        .retryable = err->code->retryable,
    };
    add_fields(writer->text->arena, err, &view);
    json_put_shape(writer, error_view_schema.shape, &view);
}

struct str job_json(struct job *job, const struct shape *shape, const void *data)
{
    if (job->written.data != data || job->written.shape != shape) {
        job->written.text = json_of_shape(job->batch->run_arena, shape, data);
        job->written.data = data;
        job->written.shape = shape;
    }
    return job->written.text;
}

static void put_data(struct json_writer *writer, struct job *job)
{
    json_put_raw(writer,
                 job->reply_shape ? job_json(job, job->reply_shape, job->reply_data) : STR("{}"));
}

/* Our own faults are told without their details. */
static const struct err *shown(const struct err *err, struct err *masked)
{
    if (err->code != E_INTERNAL)
        return err;
    (void)err_bug(masked, "something went wrong here; it was recorded");
    return masked;
}

static int success_status(const struct job *job)
{
    if (job->accepted)
        return 202;
    return job->operation && job->operation->status ? job->operation->status : 200;
}

static struct str whole_body(struct job *job, struct arena *arena)
{
    struct text text;
    text_init(&text, arena, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    const bool ok = job->outcome == OUTCOME_DONE;
    json_open_object(&writer);
    json_key(&writer, "ok");
    json_put_bool(&writer, ok);
    json_key(&writer, ok ? "data" : "error");
    struct err masked = {0};
    if (ok)
        put_data(&writer, job);
    else
        put_error(&writer, shown(&job->err, &masked));
    json_close_object(&writer);
    job->status = ok ? success_status(job) : job->err.code->status;
    return text_str(&text);
}

/* --- replies that would be too long ------------------------------------------------------------------- */

static bool identifies(const struct field *field)
{
    return field->kind == FIELD_ID || field->flags & FIELD_KEY ||
           strcmp(field->name, "version") == 0;
}

static void put_identity(struct json_writer *writer, const struct job *job)
{
    const struct shape *whole = job->reply_shape;
    struct field *kept =
        arena_array(job->batch->arena, whole ? whole->field_count : 0, sizeof(*kept));
    size_t count = 0;
    for (size_t i = 0; whole && i < whole->field_count; i++)
        if (identifies(&whole->fields[i]))
            kept[count++] = whole->fields[i];
    const struct shape part = {
        .name = "cut", .size = whole ? whole->size : 0, .fields = kept, .field_count = count};
    json_put_shape(writer, &part, job->reply_data);
}

/* Returns {"ok":true,"data":{ids, version},"cut":true}: what was carried out,
 * without its full result. */
static struct str cut_body(const struct job *job, struct arena *arena)
{
    struct text text;
    text_init(&text, arena, 256);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "ok");
    json_put_bool(&writer, true);
    json_key(&writer, "data");
    put_identity(&writer, job);
    json_key(&writer, "cut");
    json_put_bool(&writer, true);
    json_close_object(&writer);
    return text_str(&text);
}

/* The broker closes the channel of a publisher that sends more than the broker takes, and
 * everything that was on its way is lost. In an error, only the list of fields can be long. */
static struct str shorter_body(struct job *job, struct arena *arena, size_t len)
{
    const bool ok = job->outcome == OUTCOME_DONE;
    if (ok && job->operation->kind != QUERY)
        return cut_body(job, arena);
    if (ok)
        job->outcome = err_refuse(&job->err, E_TOO_LARGE,
                                  "the reply has %zu bytes, over the limit of %" PRId64
                                  ": ask for fewer (limit)",
                                  len, job->batch->lane->settings->reply_max);
    job->err.fields = NULL;
    return whole_body(job, arena);
}

struct str job_short_body(struct job *job, int64_t wait_ms)
{
    struct arena *arena = job->batch->arena;
    if (job->operation->kind != QUERY)
        return job->state == JOB_DECIDED ? cut_body(job, arena)
                                         : STR("{\"ok\":true,\"data\":{},\"cut\":true}");
    job->retry_after_ms = wait_ms;
    job->outcome =
        err_refuse(&job->err, E_RATE_LIMITED,
                   "more replies were sent to this reply_to than it may have: read them, "
                   "and ask for fewer");
    return whole_body(job, arena);
}

struct str job_reply_body(struct job *job, struct arena *arena)
{
    const struct str body = whole_body(job, arena);
    return body.len <= (size_t)job->batch->lane->settings->reply_max
               ? body
               : shorter_body(job, arena, body.len);
}

static void refuse_mismatch(struct job *job)
{
    job->outcome = err_invalid(&job->err, E_IDEMPOTENCY_MISMATCH,
                               "this message_id was used before for another request");
    job->body = job_reply_body(job, job->batch->arena);
}

static struct str sealing_context(const struct journal_key *key)
{
    return (struct str){(const char *)key->bytes, sizeof(key->bytes)};
}

/* A client that lost an answer asks again within seconds. One that comes later has the message id
 * and what was in the body, but perhaps from somebody else. */
#define SECRET_REPEAT_MS 60000

static void refuse_secret(struct job *job)
{
    job->outcome =
        err_invalid(&job->err, E_GONE,
                    "this was carried out before, and its answer held secrets, which are "
                    "repeated for %d s only: ask for new ones with another message_id",
                    SECRET_REPEAT_MS / 1000);
    job->repeated = true;
    job->body = job_reply_body(job, job->batch->arena);
}

void job_answer_again(struct job *job, const struct journal_reply *known)
{
    struct arena *arena = job->batch->arena;
    job->state = JOB_ANSWERED;
    job->retry_after_ms = 0;
    job->batch->lane->counters.duplicates++;
    if (memcmp(known->fingerprint, job->fingerprint, sizeof(job->fingerprint)) != 0) {
        refuse_mismatch(job);
        return;
    }
    if (known->sealed && known->status < 300 && job->batch->now >= known->at + SECRET_REPEAT_MS) {
        refuse_secret(job);
        return;
    }
    lane_note_left_behind(job->batch->lane, known->at, known->events, known->event_count);
    job->keep = false;
    job->outcome = OUTCOME_DONE;
    job->status = known->status;
    job->repeated = true;
    /* The lane of the first run may have died before it told that sessions
     * of the account had ended. */
    if (job->bearer.role > GUEST)
        job_account_changed(job, job->bearer.id);
    if (!known->sealed) {
        job->body = str_dup(arena, known->body);
        return;
    }
    if (auth_unseal(arena, &job->batch->lane->keys, sealing_context(&known->key), known->body,
                    &job->body))
        return;
    job->outcome =
        err_bug(&job->err, "a sealed reply of the journal cannot be opened: another master "
                           "key?");
    job->body = job_reply_body(job, arena);
}

struct str job_journal_body(struct job *job, const struct journal_key *key)
{
    struct arena *arena = job->batch->run_arena;
    if (job->operation->kind == SUBSCRIBER)
        return STR("");
    if (!job->operation->secret_reply)
        return job->body;
    return auth_seal(arena, &job->batch->lane->keys, sealing_context(key), job->body);
}

void job_follow(struct job *job)
{
    const struct job *leader = job->leader;
    switch (leader->state) {
    case JOB_DECIDED:
        job->state = JOB_ANSWERED;
        job->batch->lane->counters.duplicates++;
        if (memcmp(leader->fingerprint, job->fingerprint, sizeof(job->fingerprint)) != 0) {
            refuse_mismatch(job);
            break;
        }
        job->repeated = true;
        job->outcome = OUTCOME_DONE;
        job->status = leader->status;
        job->body = leader->body;
        job->retry_after_ms = leader->retry_after_ms;
        break;
    case JOB_BLOCKED:
    case JOB_FAILED:
    default:
        /* The leader will come again, and so will this message; then the journal knows. */
        job_block(job);
    }
}
