/* send.c - sends a dead letter again: as it was, or corrected.
 *
 * The copy that is sent is a new message with our own headers, as from a delay queue: without
 * x-death, attempts, deadline and reply_to, and with a seal of its caller. */
#include "base/clock.h"
#include "base/id.h"
#include "engine/caller.h"
#include "letters/dead_letter.h"
#include "service/names.h"
#include "service/partitions.h"
#include "service/signature.h"
#include "wire/json.h"
#include "wire/schema_secret.h"

#define CONFIRM_TIMEOUT_MS 5000
#define EDIT_DIGEST_BYTES  4
#define MESSAGE_ID_MAX     255

/* --- where to ----------------------------------------------------------------------------------- */

/* True when the queue is one of the partitions that the domain has today. */
static bool is_partition(struct arena *arena, const struct engine_settings *settings,
                         struct str domain, struct str queue)
{
    const int64_t count = partitions_of(settings, domain);
    for (int64_t k = 0; k < count; k++)
        if (str_eq(queue, name_partition(arena, settings->prefix, domain, k)))
            return true;
    return false;
}

/* The queue from which a lane of ours takes the copy; absent: there is none. The domain's own queue
 * stands in for a partition that does not exist any more. */
static struct str queue_of_ours(struct arena *arena, const struct dead_office *office,
                                struct str queue)
{
    const struct str prefix = office->settings->prefix;
    const struct str whole = name_without_partition(queue);
    for (size_t i = 0; office->service->domains[i]; i++) {
        const struct str domain = str_of(office->service->domains[i]->name);
        if (str_eq(queue, name_event_queue(arena, prefix, domain)))
            return queue;
        if (str_eq(whole, name_queue(arena, prefix, domain)))
            return is_partition(arena, office->settings, domain, queue) ? queue : whole;
    }
    return STR_ABSENT;
}

/* The queue of the domain that serves the operation by now, which nobody served when the message
 * came; absent: there is none. */
static struct str queue_of_server(struct arena *arena, const struct dead_office *office,
                                  struct str operation)
{
    for (size_t i = 0; office->service->domains[i]; i++) {
        const struct domain *domain = office->service->domains[i];
        for (size_t k = 0; domain->operations[k]; k++)
            if (str_eq(str_of(domain->operations[k]->name), operation))
                return name_queue(arena, office->settings->prefix, str_of(domain->name));
    }
    return STR_ABSENT;
}

/* Addresses the copy. REFUSED when no lane of ours would take it. */
static enum outcome find_way(struct arena *arena, const struct dead_office *office,
                             const struct dead_letter *letter, struct delivery *out,
                             struct err *err)
{
    const struct str prefix = office->settings->prefix;
    const bool unserved = str_eq(letter->queue, name_unknown(arena, prefix));
    out->queue = unserved ? queue_of_server(arena, office, letter->operation)
                          : queue_of_ours(arena, office, letter->queue);
    out->exchange = name_delay_end(arena, prefix);
    out->routing_key = out->queue;
    if (!str_is_absent(out->queue))
        return OUTCOME_DONE;
    return unserved ? err_refuse(err, E_NOT_FOUND, "letter %.*s: nobody serves '%.*s'",
                                 STR_FMT(letter->id), STR_FMT(letter->operation))
                    : err_refuse(err, E_NOT_FOUND, "letter %.*s: its queue '%.*s' is none of ours",
                                 STR_FMT(letter->id), STR_FMT(letter->queue));
}

/* --- who asked ---------------------------------------------------------------------------------- */

/* Of a letter that the broker buried, the caller is proved by the seal of a copy that had waited in
 * the delays, or by the signature of an event (a guest). The seal may have ended: an operator
 * stands behind the letter now. */
static bool find_caller_of_brokers(struct arena *arena, const struct dead_office *office,
                                   const struct dead_letter *letter, struct caller *out)
{
    const struct delivery *dead = letter->delivery;
    const struct sealed_message copy = {letter->queue, letter->operation, dead->message_id,
                                        dead->body, dead->attempt};
    const struct signed_event event = {letter->exchange, letter->routing_key, dead->message_id,
                                       dead->body};
    if (caller_unseal(arena, &office->keys, COPY_SEAL, &copy, dead->caller, 0, out))
        return true;
    *out = (struct caller){.role = GUEST};
    return event_is_ours(arena, &office->keys, &event, dead->signature);
}

/* True when the caller can be proved. */
static bool find_caller(struct arena *arena, const struct dead_office *office,
                        const struct dead_letter *letter, struct caller *out)
{
    const struct delivery *dead = letter->delivery;
    const struct sealed_message message = {letter->queue, letter->operation, dead->message_id,
                                           dead->body, letter->attempts};
    return letter->is_ours
               ? caller_unseal(arena, &office->keys, LETTER_SEAL, &message, dead->caller, 0, out)
               : find_caller_of_brokers(arena, office, letter, out);
}

static bool is_event(const struct dead_office *office, const struct dead_letter *letter)
{
    const struct operation *operation = service_operation(office->service, letter->operation);
    return operation && operation->kind == SUBSCRIBER;
}

/* Seals the caller for the copy as it will be received. When the caller is not known the seal is
 * absent, and an event is REFUSED. */
static enum outcome seal_copy(struct arena *arena, const struct dead_office *office,
                              const struct dead_letter *letter, struct delivery *copy,
                              struct err *err)
{
    struct caller caller;
    const struct sealed_message message = {copy->queue, copy->operation, copy->message_id,
                                           copy->body, 0};
    const bool known = find_caller(arena, office, letter, &caller);
    if (!known && is_event(office, letter))
        return err_refuse(err, E_FORBIDDEN, "letter %.*s: an event that no lane of ours wrote",
                          STR_FMT(letter->id));
    copy->caller = known ? caller_seal(arena, &office->keys, COPY_SEAL, &message, &caller,
                                       office->now_ms() + COPY_SEAL_SLACK_MS)
                         : STR_ABSENT;
    return OUTCOME_DONE;
}

/* --- the copy ----------------------------------------------------------------------------------- */

/* The history, without its oldest lines when it becomes too long. */
static struct str shortened(struct str history)
{
    while (history.len > DEAD_HISTORY_MAX / 2) {
        const char *end = memchr(history.ptr, '\n', history.len);
        const size_t line = end ? (size_t)(end - history.ptr) + 1 : history.len;
        history = (struct str){history.ptr + line, history.len - line};
    }
    return history;
}

#define REASON_SHOWN 200

static struct str history_with(struct arena *arena, const struct dead_office *office,
                               const struct dead_letter *letter, const char *what)
{
    const struct str before = shortened(letter->delivery->history);
    const int reason = letter->reason.len < REASON_SHOWN ? (int)letter->reason.len : REASON_SHOWN;
    return str_printf(
        arena, "%.*s%s%.*s %.*s at %.*s: %.*s; %s %.*s by %.*s, command %.*s", STR_FMT(before),
        before.len ? "\n" : "",
        STR_FMT(letter->failed_at < 0 ? STR("once") : time_text(arena, letter->failed_at)),
        STR_FMT(letter->code), STR_FMT(letter->place), reason, reason ? letter->reason.ptr : "",
        what, STR_FMT(time_text(arena, office->now_ms())), STR_FMT(office->by),
        STR_FMT(office->command));
}

bool dead_letter_is_own(const struct dead_office *office, const struct dead_letter *letter)
{
    const struct str history = letter->delivery->history;
    return history.len &&
           memmem(history.ptr, history.len, office->command.ptr, office->command.len);
}

enum outcome dead_letter_is_whole(const struct dead_letter *letter, struct err *err)
{
    if (!letter->is_masked)
        return OUTCOME_DONE;
    return err_refuse(
        err, E_FORBIDDEN,
        "letter %.*s: its passwords and tokens were not kept; the client has to send it "
        "again, or `edit` gives them anew",
        STR_FMT(letter->id));
}

enum outcome dead_letter_revive(struct arena *arena, const struct dead_office *office,
                                const struct dead_letter *letter, struct delivery *out,
                                struct err *err)
{
    const struct delivery *dead = letter->delivery;
    struct delivery copy = {
        .body = dead->body,
        .message_id = dead->message_id,
        .correlation_id = dead->correlation_id,
        .operation = letter->operation,
        .history = history_with(arena, office, letter, "sent again"),
        .deadline = -1,
        .status = -1,
        .expiration = -1,
        .timestamp = -1,
    };
#define COPY_HEADER(member, header) copy.member = dead->member;
    MESSAGE_HEADERS(COPY_HEADER)
#undef COPY_HEADER
    TRY(find_way(arena, office, letter, &copy, err));
    TRY(seal_copy(arena, office, letter, &copy, err));
    *out = copy;
    return OUTCOME_DONE;
}

/* --- sending ------------------------------------------------------------------------------------ */

static bool is_confirmed(struct dead_office *office, uint64_t group)
{
    struct bus_confirm confirm;
    while (bus_confirmed(office->bus, &confirm))
        if (confirm.group == group)
            return confirm.ok;
    return false;
}

static enum outcome publish(struct dead_office *office, const struct bus_message *message,
                            struct err *err)
{
    const uint64_t group = ++office->last_group;
    bus_publish(office->bus, message, group);
    TRY(bus_flush(office->bus, err));
    if (!bus_wait_confirms(office->bus, CONFIRM_TIMEOUT_MS))
        return err_retry(err, "the broker did not confirm within %d ms", CONFIRM_TIMEOUT_MS);
    return is_confirmed(office, group)
               ? OUTCOME_DONE
               : err_retry(err, "the broker did not take the copy for '%.*s': is the queue there?",
                           STR_FMT(message->routing_key));
}

static struct bus_message message_of(const struct delivery *copy, const struct bus_header *headers,
                                     size_t header_count)
{
    struct bus_message message = {
        .exchange = copy->exchange,
        .routing_key = copy->routing_key,
        .body = copy->body,
        .message_id = copy->message_id,
        .correlation_id = copy->correlation_id,
        .headers = headers,
        .header_count = header_count,
        .mandatory = true,
    };
#define PUT_HEADER(member, header) message.member = copy->member;
    MESSAGE_HEADERS(PUT_HEADER)
#undef PUT_HEADER
    return message;
}

enum outcome dead_letter_replay(struct arena *arena, struct dead_office *office,
                                const struct dead_letter *letter, struct err *err)
{
    struct delivery copy;
    TRY(dead_letter_is_whole(letter, err));
    TRY(dead_letter_revive(arena, office, letter, &copy, err));
    const struct bus_header headers[] = {
        {"x-operation", copy.operation},
        {"x-caller", copy.caller},
        {"x-history", copy.history},
    };
    const struct bus_message message =
        message_of(&copy, headers, sizeof(headers) / sizeof(headers[0]));
    return publish(office, &message, err);
}

/* --- corrected ---------------------------------------------------------------------------------- */

static bool is_given(void *context, struct arena *arena, struct str value, struct str *out)
{
    (void)context;
    (void)arena;
    *out = value;
    return !str_eq(value, STR(SCHEMA_MASK));
}

static enum outcome check_schema(struct arena *arena, const struct operation *operation,
                                 struct str body, struct err *err)
{
    const struct json *json;
    const void *request;
    TRY(json_parse(arena, body, &json, err));
    const struct json *data = operation->kind == SUBSCRIBER ? json_member(json, "data") : json;
    if (!data)
        return err_invalid(err, E_MALFORMED, "an event without data");
    TRY(schema_prepare(operation_schema(operation), err));
    TRY(operation_decode(operation, arena, data, &request, err));
    return schema_change_secrets(operation_schema(operation), arena, data, is_given, NULL)
               ? OUTCOME_DONE
               : err_refuse(err, E_FORBIDDEN,
                            "a password or token is masked still: --set gives it");
}

/* "order-17+5f0c92aa": the beginning names the letter, and another body gives another id. */
static struct str id_of_edited(struct arena *arena, const struct dead_office *office,
                               const struct dead_letter *letter, struct str body)
{
    uint8_t digest[EDIT_DIGEST_BYTES];
    const struct str parts[] = {letter->digest, body};
    auth_digest(office->keys.ring[0].digest, parts, 2, digest, sizeof(digest));
    struct str old = letter->delivery->message_id;
    if (old.len == 0 || old.len + 1 + 2 * sizeof(digest) > MESSAGE_ID_MAX)
        old = letter->digest;
    return str_join(arena, old, '+', hex_of(arena, digest, sizeof(digest)));
}

enum outcome dead_edit_prepare(struct arena *arena, const struct dead_office *office,
                               const struct dead_letter *letter, struct str body,
                               struct dead_edit *out, struct err *err)
{
    struct delivery copy;
    const struct operation *operation = service_operation(office->service, letter->operation);
    if (!operation)
        return err_refuse(err, E_UNKNOWN_OPERATION,
                          "nobody serves '%.*s': there is no schema to go by",
                          STR_FMT(letter->operation));
    TRY(dead_letter_revive(arena, office, letter, &copy, err));
    TRY(check_schema(arena, operation, body, err));
    *out = (struct dead_edit){body, id_of_edited(arena, office, letter, body)};
    return OUTCOME_DONE;
}

struct edit_headers {
    struct bus_header items[16];
    size_t count;
};

static void add_header(struct edit_headers *headers, const char *name, struct str value)
{
    headers->items[headers->count++] = (struct bus_header){name, value};
}

/* What a lane wrote when it buried the letter stays true of a parked copy. */
static void add_failure(struct edit_headers *headers, struct arena *arena,
                        const struct dead_letter *letter)
{
    add_header(headers, "x-failure-code", letter->code);
    add_header(headers, "x-failure-reason", letter->reason);
    add_header(headers, "x-failure-place", letter->place);
    add_header(headers, "x-original-queue", letter->queue);
    add_header(headers, "x-original-exchange", letter->exchange);
    add_header(headers, "x-original-routing-key", letter->routing_key);
    if (letter->failed_at >= 0)
        add_header(headers, "x-failed-at", time_text(arena, letter->failed_at));
    if (letter->attempts > 0)
        add_header(headers, "x-attempts", str_printf(arena, "%lld", (long long)letter->attempts));
}

/* Makes the copy a dead letter: it is signed and sealed as one. */
static void make_letter(struct arena *arena, const struct dead_office *office,
                        const struct dead_letter *letter, struct delivery *copy,
                        struct edit_headers *headers)
{
    struct caller caller;
    const struct sealed_message message = {letter->queue, letter->operation, copy->message_id,
                                           copy->body, letter->attempts};
    add_failure(headers, arena, letter);
    if (find_caller(arena, office, letter, &caller))
        add_header(headers, "x-caller",
                   caller_seal(arena, &office->keys, LETTER_SEAL, &message, &caller, INT64_MAX));
    copy->exchange = STR("");
    copy->routing_key = name_dead(arena, office->settings->prefix, letter->domain);
    const struct bus_message unsigned_letter = message_of(copy, headers->items, headers->count);
    add_header(headers, "x-signature", letter_sign(arena, &office->keys, &unsigned_letter));
}

enum outcome dead_edit_send(struct arena *arena, struct dead_office *office,
                            const struct dead_letter *letter, const struct dead_edit *edit,
                            bool park, struct err *err)
{
    struct delivery copy;
    struct edit_headers headers = {0};
    if (park && letter->is_masked)
        return err_refuse(err, E_FORBIDDEN, "letter %.*s: passwords and tokens are not kept here",
                          STR_FMT(letter->id));
    TRY(dead_letter_revive(arena, office, letter, &copy, err));
    copy.body = edit->body;
    copy.message_id = edit->new_id;
    const struct str what = str_printf(arena, "edited from %.*s", STR_FMT(letter->id));
    add_header(&headers, "x-operation", letter->operation);
    add_header(&headers, "x-history", history_with(arena, office, letter, what.ptr));
    add_header(&headers, "x-edited-from", letter->id);
    add_header(&headers, "x-edited-by", office->by);
    add_header(&headers, "x-edited-at", time_text(arena, office->now_ms()));
    if (park) {
        make_letter(arena, office, letter, &copy, &headers);
    } else {
        TRY(seal_copy(arena, office, letter, &copy, err));
        add_header(&headers, "x-caller", copy.caller);
    }
    const struct bus_message message = message_of(&copy, headers.items, headers.count);
    return publish(office, &message, err);
}
