/* admission.c - the door: what a message must be before a handler sees it.
 *
 * The checks run in order of their cost: properties and size, operation, deadline, JSON, schema,
 * client, token, role. A message that fails one of them is answered at once and executes nothing;
 * it is not journalled either, so the same message id may come again, corrected. */
#include <fnmatch.h>
#include <inttypes.h>

#include "base/log.h"
#include "engine/batch.h"
#include "engine/caller.h"
#include "service/names.h"
#include "service/signature.h"
#include "wire/encoding.h"
#include "wire/json.h"
#include "wire/schema_secret.h"

#define MESSAGE_ID_MAX 255
#define REPLY_TO_MAX   255
#define API_VERSION    "1"
/* 10 batches take some 150 ms under full load; after that a message no longer waits for locks. */
#define DEFERRALS_MAX 10

uint64_t delivery_digest(const struct delivery *delivery)
{
    const uint64_t digest = str_hash(delivery->queue) * 31 + str_hash(delivery->message_id) * 7 +
                            str_hash(delivery->body);
    return digest ? digest : 1;
}

/* --- envelope ------------------------------------------------------------------------------------ */

static bool is_of_broker(struct str queue)
{
    return str_starts_with(queue, STR("amq."));
}

/* True for the prefix itself and for any name below it. */
static bool is_of_shop(struct str queue, struct str prefix)
{
    return str_starts_with(queue, prefix) &&
           (queue.len == prefix.len || queue.ptr[prefix.len] == '.');
}

static bool is_listed(const struct engine_settings *settings, struct str queue)
{
    for (size_t i = 0; i < settings->reply_queues.count; i++)
        if (fnmatch(settings->reply_queues.items[i].ptr, queue.ptr, 0) == 0)
            return true;
    return false;
}

/* A client that may publish requests may not be allowed to publish to every queue. A lane that sent
 * replies wherever it is told to would publish on the client's behalf (a confused deputy). */
static bool may_reply_to(const struct job *job, struct str queue)
{
    const struct engine_settings *settings = job->batch->lane->settings;
    if (queue.len > REPLY_TO_MAX || !str_is_c(queue))
        return false;
    if (is_of_broker(queue))
        return str_starts_with(queue, STR("amq.rabbitmq.reply-to.")) ||
               str_starts_with(queue, STR("amq.gen-"));
    if (is_of_shop(queue, settings->prefix))
        return name_is_reply(queue, settings->prefix);
    return is_listed(settings, queue);
}

static bool is_called(struct str text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.ptr, name, text.len) == 0;
}

/* Returns the text before the next ';' without its outer blanks, and moves *rest behind it. */
static struct str next_part(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, ';', rest->len) : NULL;
    struct str part = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
    const size_t used = end ? part.len + 1 : part.len;
    *rest = (struct str){rest->ptr + used, rest->len - used};
    while (part.len > 0 && part.ptr[0] == ' ')
        part = (struct str){part.ptr + 1, part.len - 1};
    while (part.len > 0 && part.ptr[part.len - 1] == ' ')
        part.len--;
    return part;
}

static bool is_other_charset(struct str parameter)
{
    static const size_t name = sizeof("charset=") - 1;
    if (parameter.len < name || strncasecmp(parameter.ptr, "charset=", name) != 0)
        return false;
    const struct str charset = {parameter.ptr + name, parameter.len - name};
    return !is_called(charset, "utf-8") && !is_called(charset, "\"utf-8\"") &&
           !is_called(charset, "utf8") && !is_called(charset, "us-ascii");
}

/* True for "Application/JSON; charset=utf-8" and the like. */
static bool is_json(struct str content_type)
{
    const struct str type = next_part(&content_type);
    while (content_type.len > 0)
        if (is_other_charset(next_part(&content_type)))
            return false;
    return is_called(type, "application/json") || is_called(type, "application/cloudevents+json");
}

static enum outcome check_headers(const struct delivery *delivery, struct err *err)
{
    switch (delivery->headers_fault) {
    case HEADERS_FINE:
        return OUTCOME_DONE;
    case HEADERS_TOO_LONG:
        return err_invalid(err, E_TOO_LARGE, "the headers are over %d bytes", BUS_HEADERS_MAX);
    case HEADERS_UNREADABLE:
    default:
        return err_invalid(err, E_MALFORMED, "the headers are nested deeper than %d levels",
                           BUS_HEADERS_DEPTH);
    }
}

static enum outcome check_properties(struct job *job)
{
    struct delivery *delivery = job->delivery;
    struct err *err = &job->err;
    if (delivery->reply_to.len && !may_reply_to(job, delivery->reply_to)) {
        delivery->reply_to = STR_ABSENT;
        return err_invalid(err, E_MALFORMED,
                           "reply_to names a queue that replies may not be sent to (reply.queues)");
    }
    if (delivery->odd_header)
        return err_invalid(err, E_MALFORMED, "header %s is not of a type that can be read",
                           delivery->odd_header);
    if (delivery->too_large)
        return err_invalid(err, E_TOO_LARGE, "the body is over %" PRId64 " bytes",
                           job->batch->lane->settings->body_max);
    TRY(check_headers(delivery, err));
    if (!str_is_absent(delivery->content_type) && !is_json(delivery->content_type))
        return err_invalid(err, E_MALFORMED, "content_type must be application/json, in UTF-8");
    if (encoding_named(delivery->content_encoding) == ENCODING_UNKNOWN)
        return err_invalid(err, E_MALFORMED,
                           "content_encoding is not gzip, deflate, zstd or identity");
    if (delivery->message_id.len > MESSAGE_ID_MAX)
        return err_invalid(err, E_MALFORMED, "message_id is over %d bytes", MESSAGE_ID_MAX);
    return OUTCOME_DONE;
}

/* Only a message that comes out of the delays may bring a seal along, because nobody
 * but us can publish there. */
static bool came_back(const struct job *job)
{
    const struct delivery *delivery = job->delivery;
    return delivery->operation.len > 0 &&
           name_is_delay(delivery->exchange, job->batch->lane->settings->prefix);
}

static void read_seal(struct job *job)
{
    const struct delivery *delivery = job->delivery;
    const struct sealed_message message = {
        .queue = delivery->queue,
        .operation = delivery->operation,
        .message_id = delivery->message_id,
        .body = delivery->body,
        .attempt = delivery->attempt,
    };
    job->is_copy =
        came_back(job) && caller_unseal(job->batch->arena, &job->batch->lane->keys, COPY_SEAL,
                                        &message, delivery->caller, job->batch->now, &job->bearer);
    job->vouched = job->is_copy;
}

static const struct operation *find_operation(const struct job *job)
{
    const struct delivery *delivery = job->delivery;
    const struct lane *lane = job->batch->lane;
    const struct str prefix = lane->settings->prefix;
    if (name_is_events(delivery->exchange, prefix))
        return service_subscriber(lane->service, delivery->queue, delivery->routing_key);
    const struct operation *operation =
        service_operation_from(lane->service, prefix, delivery->queue,
                               came_back(job) ? delivery->operation : delivery->routing_key);
    /* An event is believed if it comes from the events exchange or is a
     * copy that we made ourselves. */
    const bool forged = operation && operation->kind == SUBSCRIBER && !job->is_copy;
    return forged ? NULL : operation;
}

static enum outcome check_operation(struct job *job)
{
    const struct delivery *delivery = job->delivery;
    job->operation = find_operation(job);
    if (!job->operation)
        return err_invalid(&job->err, E_UNKNOWN_OPERATION, "nobody serves '%.*s' here",
                           STR_FMT(job_operation_name(job)));
    if (delivery->api_version.len && !str_eq(delivery->api_version, STR(API_VERSION)))
        return err_invalid(&job->err, E_UNSUPPORTED_VERSION,
                           "this shop speaks x-api-version " API_VERSION);
    if (job->operation->kind != QUERY && delivery->message_id.len == 0)
        return err_invalid(&job->err, E_MALFORMED,
                           "a command needs the property message_id (its idempotency key)");
    return OUTCOME_DONE;
}

/* The properties may hold any number: a sum that overflows counts as no deadline. */
int64_t delivery_deadline(const struct delivery *delivery)
{
    int64_t deadline;
    if (delivery->deadline >= 0)
        return delivery->deadline;
    if (delivery->expiration < 0 || delivery->timestamp <= 0 ||
        __builtin_mul_overflow(delivery->timestamp, MS_PER_SECOND, &deadline) ||
        __builtin_add_overflow(deadline, delivery->expiration, &deadline))
        return -1;
    return deadline;
}

static bool is_late(const struct job *job)
{
    const int64_t deadline = delivery_deadline(job->delivery);
    return deadline >= 0 && deadline < job->batch->now;
}

static enum outcome refuse_late(struct job *job)
{
    return err_invalid(&job->err, E_DEADLINE_EXCEEDED, "the deadline passed %" PRId64 " ms ago",
                       job->batch->now - delivery_deadline(job->delivery));
}

/* A late or expired query is answered at once. A late or expired command may be the repeat of one
 * that was executed in time, so the journal decides what it is told (batch_recall). */
static enum outcome check_deadline(struct job *job)
{
    job->late = is_late(job);
    if (job->operation->kind != QUERY)
        return OUTCOME_DONE;
    return job->late ? refuse_late(job) : job->expired ? job_refuse_expired(job) : OUTCOME_DONE;
}

/* --- body ---------------------------------------------------------------------------------------- */

#define SEALED_BOX "crypto_box_seal"

static bool open_secret(void *context, struct arena *arena, struct str value, struct str *out)
{
    const struct lane *lane = context;
    return auth_box_open(arena, &lane->keys, value, out);
}

/* A web tier may seal passwords and tokens to us, so that nobody can read them in the
 * broker's files. The fingerprint is that of the opened values, so a repeat that was sealed
 * anew is still the same request. */
static enum outcome open_secrets(struct job *job, const struct json *json)
{
    const struct str sealed = job->delivery->sealed;
    if (str_is_absent(sealed))
        return OUTCOME_DONE;
    if (!str_eq(sealed, STR(SEALED_BOX)))
        return err_invalid(&job->err, E_MALFORMED, "header x-sealed must be '" SEALED_BOX "'");
    return schema_change_secrets(operation_schema(job->operation), job->batch->arena, json,
                                 open_secret, job->batch->lane)
               ? OUTCOME_DONE
               : err_invalid(&job->err, E_MALFORMED,
                             "x-sealed: a secret member is not sealed to a key of this shop");
}

static enum outcome read_body(struct job *job)
{
    struct arena *arena = job->batch->arena;
    const struct json *json;
    TRY(encoding_unpack(arena, encoding_named(job->delivery->content_encoding), job->delivery->body,
                        (size_t)job->batch->lane->settings->body_max, &job->text, &job->err));
    TRY(json_parse(arena, job->text, &json, &job->err));
    TRY(open_secrets(job, json));
    json_fingerprint(json, job->fingerprint);
    const struct json *data = job->operation->kind == SUBSCRIBER ? json_member(json, "data") : json;
    if (!data)
        return err_invalid(&job->err, E_MALFORMED, "an event without data");
    return operation_decode(job->operation, arena, data, &job->request, &job->err);
}

/* --- caller --------------------------------------------------------------------------------------- */

static enum outcome check_client(struct job *job)
{
    if (job->batch->lane->settings->api_keys.count == 0 || job->is_copy ||
        job_api_key(job) != API_KEY_UNKNOWN)
        return OUTCOME_DONE;
    return err_invalid(&job->err, E_UNAUTHENTICATED, "header x-api-key is missing or unknown");
}

static void copy_id(char out[ID_TEXT + 1], struct str id)
{
    memcpy(out, id.ptr, ID_TEXT);
    out[ID_TEXT] = '\0';
}

static enum outcome verify_token(struct job *job, struct str token, struct token_entry *entry)
{
    const struct lane *lane = job->batch->lane;
    const struct token_options options = {
        .issuer = lane->settings->token_issuer.ptr,
        .audience = lane->settings->token_audience.ptr,
        .skew_s = lane->settings->token_skew_ms / MS_PER_SECOND,
        .ended_too = true,
    };
    struct claims claims;
    TRY(token_verify(job->batch->arena, lane->keys.token, &options, token, job->batch->now, &claims,
                     &job->err));
    const int role = enum_of(who_names, claims.role);
    if (role <= GUEST || !id_is_valid(claims.subject) || !id_is_valid(claims.session))
        return err_invalid(&job->err, E_UNAUTHENTICATED, "the token is not one of ours");
    entry->role = (enum who)role;
    copy_id(entry->subject, claims.subject);
    copy_id(entry->session, claims.session);
    entry->issued_ms = claims.issued_at * MS_PER_SECOND;
    entry->expires_ms = claims.expires_at * MS_PER_SECOND;
    entry->account_checked_ms = 0;
    return OUTCOME_DONE;
}

/* A digest determines the set that a token belongs to; within the set, the entry that
 * expires first makes room. With sets of one entry, every fourth of 5,000 callers would
 * share a place with another one. */
static struct token_entry *token_place(struct lane *lane, const uint8_t digest[AUTH_TAG_BYTES])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof(hash));
    struct token_entry *set =
        &lane->tokens[hash % (TOKEN_CACHE_SLOTS / TOKEN_CACHE_WAYS) * TOKEN_CACHE_WAYS];
    struct token_entry *place = set;
    for (struct token_entry *entry = set; entry < set + TOKEN_CACHE_WAYS; entry++) {
        if (memcmp(entry->digest, digest, sizeof(entry->digest)) == 0)
            return entry;
        if (entry->expires_ms < place->expires_ms)
            place = entry;
    }
    return place;
}

/* Verified tokens are remembered, so a signature is checked once per lane and not once per message.
 * The token may have expired. */
static enum outcome find_token(struct job *job, struct str token, struct token_entry **out)
{
    struct lane *lane = job->batch->lane;
    struct token_entry fresh = {0};
    auth_tag(lane->keys.ring[0].mac, token, fresh.digest);
    struct token_entry *entry = token_place(lane, fresh.digest);
    if (memcmp(entry->digest, fresh.digest, sizeof(fresh.digest)) != 0) {
        TRY(verify_token(job, token, &fresh));
        *entry = fresh;
    }
    *out = entry;
    return OUTCOME_DONE;
}

static bool bearer_token(const struct job *job, struct str *out)
{
    static const struct str bearer = {"Bearer ", 7};
    const struct str header = job->delivery->authorization;
    if (!str_starts_with(header, bearer))
        return false;
    *out = (struct str){header.ptr + bearer.len, header.len - bearer.len};
    return true;
}

static enum outcome take_bearer(struct job *job, struct token_entry *entry)
{
    struct arena *arena = job->batch->arena;
    if (entry->expires_ms + job->batch->lane->settings->token_skew_ms <= job->batch->now)
        return err_invalid(&job->err, E_TOKEN_EXPIRED, "the access token has expired");
    job->token = entry;
    job->vouched = true;
    job->bearer = (struct caller){
        .role = entry->role,
        .id = str_dup(arena, (struct str){entry->subject, ID_TEXT}),
        .session = str_dup(arena, (struct str){entry->session, ID_TEXT}),
        .token_issued_at = entry->issued_ms,
    };
    job->authorize =
        entry->role > CUSTOMER ||
        entry->account_checked_ms + job->batch->lane->settings->account_check_ms <= job->batch->now;
    job->stamp_due = entry->role == CUSTOMER && job->batch->lane->service->authorize;
    return OUTCOME_DONE;
}

static enum outcome identify(struct job *job)
{
    struct str token;
    struct token_entry *entry;
    if (!bearer_token(job, &token))
        return err_invalid(&job->err, E_UNAUTHENTICATED,
                           "header authorization must be 'Bearer <access token>'");
    TRY(find_token(job, token, &entry));
    return take_bearer(job, entry);
}

/* A guest is identified by the subject of an expired token, or else by the client's API key. So the
 * same message is recognised again, no matter when its token expired. */
static void welcome(struct job *job)
{
    struct arena *arena = job->batch->arena;
    const struct str api_key = job->delivery->api_key;
    struct token_entry *entry = NULL;
    struct str token;
    uint8_t digest[AUTH_TAG_BYTES];
    const bool is_read =
        bearer_token(job, &token) && find_token(job, token, &entry) == OUTCOME_DONE;
    if (is_read && take_bearer(job, entry) == OUTCOME_DONE)
        return;
    err_clear(&job->err);
    if (entry)
        job->bearer.holder = str_dup(arena, (struct str){entry->subject, ID_TEXT});
    if (entry || api_key.len == 0)
        return;
    auth_hash(&api_key, 1, digest, sizeof(digest));
    job->bearer.holder = base64url(arena, digest, sizeof(digest));
}

static enum outcome check_signature(struct job *job)
{
    const struct delivery *delivery = job->delivery;
    const struct batch *batch = job->batch;
    const struct signed_event event = {delivery->exchange, delivery->routing_key,
                                       delivery->message_id, delivery->body};
    job->vouched = event_is_ours(batch->arena, &batch->lane->keys, &event, delivery->signature);
    if (job->vouched ||
        (str_is_absent(delivery->signature) && batch->lane->settings->accept_unsigned_events))
        return OUTCOME_DONE;
    return err_invalid(&job->err, E_UNAUTHENTICATED,
                       "an event without our signature: another master key, or not from us");
}

static enum outcome check_role(struct job *job)
{
    if (job->bearer.role < job->operation->who)
        return err_invalid(&job->err, E_FORBIDDEN, "%s needs the role %s", job->operation->name,
                           who_names[job->operation->who]);
    return OUTCOME_DONE;
}

/* Where guests are welcome, a caller with a stale token counts as a guest: auth.refresh is
 * called with such a token. */
static enum outcome check_caller(struct job *job)
{
    if (job->operation->kind == SUBSCRIBER)
        return job->is_copy ? OUTCOME_DONE : check_signature(job);
    if (job->is_copy) {
        job->authorize = job->bearer.role > GUEST;
        return check_role(job);
    }
    if (job->operation->who == GUEST) {
        welcome(job);
        return OUTCOME_DONE;
    }
    TRY(identify(job));
    return check_role(job);
}

enum outcome job_need_caller(struct job *job, struct err *err)
{
    if (job->caller.role != GUEST)
        return OUTCOME_DONE;
    if (identify(job) == OUTCOME_DONE)
        return err_invalid(err, E_UNAUTHENTICATED, "this session has ended");
    *err = job->err;
    return OUTCOME_INVALID;
}

void job_note_caller(struct job *job)
{
    const struct err why = job->err;
    const bool is_event = job->operation && job->operation->kind == SUBSCRIBER;
    if (!job->vouched && (is_event ? check_signature(job) : identify(job)) != OUTCOME_DONE)
        err_clear(&job->err);
    job->err = why;
}

/* --- the whole door --------------------------------------------------------------------------------- */

static enum outcome admit(struct job *job)
{
    TRY(check_properties(job));
    read_seal(job);
    TRY(check_operation(job));
    TRY(check_deadline(job));
    TRY(read_body(job));
    TRY(check_client(job));
    TRY(check_caller(job));
    job_make_keys(job);
    job->caller = job->bearer;
    return OUTCOME_DONE;
}

void job_refuse_late(struct job *job)
{
    job->outcome = refuse_late(job);
    job->state = JOB_DECIDED;
}

static const struct blame *blame_of(const struct job *job)
{
    const struct blame_table *table = job->batch->lane->blame;
    return table ? blame_find(table, job->digest) : NULL;
}

static void convict(struct job *job)
{
    const struct blame *blame = job->blame;
    job->outcome =
        blame->hung_ms
            ? err_bug(&job->err, "its handler hung %d times and was cut after %" PRId64 " ms (%s)",
                      DEATHS_MAX, blame->hung_ms, blame->signal)
            : err_bug(&job->err, "its handler ended the process %d times (%s)", DEATHS_MAX,
                      blame->signal);
    job->state = JOB_FAILED;
    job->hopeless = true;
}

/* There is no reply, because the reply may be what ends the connection. */
static void convict_of_losses(struct job *job)
{
    job->delivery->reply_to = STR_ABSENT;
    job->outcome = err_bug(
        &job->err,
        "the connection to the broker was lost %d times while this message alone was in hand",
        LOSSES_ALONE_MAX);
    job->state = JOB_FAILED;
    job->hopeless = true;
}

void job_admit(struct job *job)
{
    job_take_up_dead(job);
    job->digest = delivery_digest(job->delivery);
    job->blame = blame_of(job);
    job->outcome = admit(job);
    if (losses_convict(&job->batch->lane->losses, job->digest)) {
        convict_of_losses(job);
        return;
    }
    if (job->blame) {
        convict(job);
        return;
    }
    if (job_is_put_aside(job))
        return;
    if (job->outcome == OUTCOME_DONE) {
        random_bytes(job->seed, sizeof(job->seed));
        job->insist = job->delivery->deferrals >= DEFERRALS_MAX;
        job->state = JOB_OPEN;
        return;
    }
    job->state = JOB_ANSWERED;
    job->body = job_reply_body(job, job->batch->arena);
}
