/* send.c - commands that send: a request, the same one again, several for one batch. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/bus_client.h"
#include "flow/flow.h"
#include "service/names.h"
#include "service/signature.h"
#include "wire/json.h"
#include "wire/schema_secret.h"

/* --- options of `send` --------------------------------------------------------------------------- */

struct sending {
    struct flow *flow;
    struct bus_message message;
    bool silent; /* nobody waits for a reply */
};

static bool option_as(struct sending *sending, struct str value)
{
    struct flow *flow = sending->flow;
    const struct str name = str_printf(&flow->arena, "%.*s.token", STR_FMT(value));
    const struct str *token = map_get(&flow->values, name);
    if (!token)
        return flow_fail(flow, "there is no user %.*s", STR_FMT(value));
    sending->message.authorization =
        str_printf(&flow->arena, "Bearer %.*s", (int)token->len - 2, token->ptr + 1);
    return true;
}

static bool option_id(struct sending *sending, struct str value)
{
    /* The journal outlives a script on a real server, so an id belongs to the script. */
    sending->message.message_id =
        str_printf(&sending->flow->arena, "%d-%.*s", sending->flow->world->scripts, STR_FMT(value));
    return true;
}

static bool option_token(struct sending *sending, struct str value)
{
    sending->message.authorization =
        str_printf(&sending->flow->arena, "Bearer %.*s", STR_FMT(value));
    return true;
}

static bool option_authorization(struct sending *sending, struct str value)
{
    sending->message.authorization = value;
    return true;
}

static bool option_reply_to(struct sending *sending, struct str value)
{
    const bool none = str_eq(value, STR("none"));
    sending->message.reply_to = none ? STR_ABSENT : value;
    sending->silent = true;
    return true;
}

/* "-5s" or "30s" from now. */
static bool option_deadline(struct sending *sending, struct str value)
{
    const bool past = value.len > 0 && value.ptr[0] == '-';
    int64_t ms;
    if (!duration_parse((struct str){value.ptr + past, value.len - past}, &ms))
        return flow_fail(sending->flow, "deadline -5s or 30s, not %.*s", STR_FMT(value));
    sending->message.deadline = world_now() + (past ? -ms : ms);
    return true;
}

/* In its queue, so long after it came there. */
static bool option_expiration(struct sending *sending, struct str value)
{
    if (!duration_parse(value, &sending->message.expiration))
        return flow_fail(sending->flow, "expiration 5s, not %.*s", STR_FMT(value));
    return true;
}

/* timestamp now */
static bool option_timestamp(struct sending *sending, struct str value)
{
    if (!str_eq(value, STR("now")))
        return flow_fail(sending->flow, "timestamp now, not %.*s", STR_FMT(value));
    sending->message.timestamp = world_now() / MS_PER_SECOND;
    return true;
}

#define HEADERS_MAX 8

/* `name` lives as long as the script. */
static bool add_header(struct sending *sending, const char *name, struct str value)
{
    struct bus_message *message = &sending->message;
    struct bus_header *headers = arena_array(&sending->flow->arena, HEADERS_MAX, sizeof(*headers));
    if (message->header_count == HEADERS_MAX)
        return flow_fail(sending->flow, "at most %d headers", HEADERS_MAX);
    for (size_t i = 0; i < message->header_count; i++)
        headers[i] = message->headers[i];
    headers[message->header_count++] = (struct bus_header){name, value};
    message->headers = headers;
    return true;
}

/* header NAME=TEXT: as text whatever it means. */
static bool option_header(struct sending *sending, struct str value)
{
    const char *equals = memchr(value.ptr, '=', value.len);
    if (!equals)
        return flow_fail(sending->flow, "header NAME=TEXT");
    const size_t len = (size_t)(equals - value.ptr);
    return add_header(sending, str_dup(&sending->flow->arena, (struct str){value.ptr, len}).ptr,
                      (struct str){equals + 1, value.len - len - 1});
}

static bool option_api_version(struct sending *sending, struct str value)
{
    sending->message.api_version = value;
    return true;
}

static bool option_api_key(struct sending *sending, struct str value)
{
    sending->message.api_key = value;
    return true;
}

/* As an edge tells it. */
static bool option_client_ip(struct sending *sending, struct str value)
{
    return add_header(sending, "x-client-ip", value);
}

static bool option_traceparent(struct sending *sending, struct str value)
{
    sending->message.traceparent = value;
    return true;
}

static bool seal_member(void *context, struct arena *arena, struct str value, struct str *out)
{
    const struct world *world = context;
    return auth_box_seal(arena, auth_box_key(arena, &world->lane.keys), value, out);
}

/* sealed yes: its secrets as a web tier seals them; sealed SCHEME: the body as it is, with the header. */
static bool option_sealed(struct sending *sending, struct str value)
{
    struct flow *flow = sending->flow;
    const bool seals = str_eq(value, STR("yes"));
    const struct operation *operation =
        service_operation(&flow->world->service, sending->message.routing_key);
    const struct json *json;
    struct err err = {0};
    if (!add_header(sending, "x-sealed", seals ? STR("crypto_box_seal") : value))
        return false;
    if (!seals)
        return true;
    if (!operation ||
        json_parse(&flow->arena, sending->message.body, &json, &err) != OUTCOME_DONE ||
        !schema_change_secrets(operation_schema(operation), &flow->arena, json, seal_member,
                               flow->world))
        return flow_fail(flow, "sealed: an operation and its JSON");
    sending->message.body = json_text(&flow->arena, json);
    return true;
}

static bool option_raw(struct sending *sending, struct str value)
{
    sending->message.body = value;
    return true;
}

/* {"pad":"xxx..."} of so many bytes. */
static bool option_padded(struct sending *sending, struct str value)
{
    int64_t size;
    if (!str_to_int64(value, &size) || size < 16 || size > 1000000)
        return flow_fail(sending->flow, "padded takes 16 to 1000000 bytes");
    struct text text;
    text_init(&text, &sending->flow->arena, (size_t)size + 16);
    text_printf(&text, "{\"pad\":\"");
    while ((int64_t)text.len < size - 2)
        text_append_char(&text, 'x');
    text_printf(&text, "\"}");
    sending->message.body = text_str(&text);
    return true;
}

/* {"a":{"a":...}} of this depth. */
static bool option_nested(struct sending *sending, struct str value)
{
    int64_t depth;
    if (!str_to_int64(value, &depth) || depth < 1 || depth > 10000)
        return flow_fail(sending->flow, "nested takes 1 to 10000 levels");
    struct text text;
    text_init(&text, &sending->flow->arena, 1024);
    for (int64_t i = 1; i < depth; i++)
        text_printf(&text, "{\"a\":");
    text_printf(&text, "{}");
    for (int64_t i = 1; i < depth; i++)
        text_append_char(&text, '}');
    sending->message.body = text_str(&text);
    return true;
}

static const struct option {
    const char *name;
    bool (*take)(struct sending *sending, struct str value);
} options[] = {
    {"as", option_as},
    {"id", option_id},
    {"token", option_token},
    {"authorization", option_authorization},
    {"reply-to", option_reply_to},
    {"deadline", option_deadline},
    {"expiration", option_expiration},
    {"timestamp", option_timestamp},
    {"header", option_header},
    {"api-version", option_api_version},
    {"api-key", option_api_key},
    {"client-ip", option_client_ip},
    {"traceparent", option_traceparent},
    {"raw", option_raw},
    {"padded", option_padded},
    {"nested", option_nested},
    {"sealed", option_sealed},
};

static const struct option *find_option(struct str name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (str_eq(str_of(options[i].name), name))
            return &options[i];
    return NULL;
}

static bool take_options(struct sending *sending, struct words *words)
{
    while (words->next < words->count) {
        if (words_take_if(words, "no-id")) {
            sending->message.message_id = STR_ABSENT;
            continue;
        }
        const struct str name = words_take(words);
        const struct option *option = find_option(name);
        if (!option || words->next == words->count)
            return flow_fail(sending->flow, "%s: %.*s", option ? "needs a value" : "no such option",
                             STR_FMT(name));
        if (!option->take(sending, words_take(words)))
            return false;
    }
    return true;
}

/* --- sending ---------------------------------------------------------------------------------------- */

/* As many replies came since the last send as are pending. */
static bool is_answered(void *context)
{
    const struct flow *flow = context;
    const struct world *world = flow->world;
    size_t seen = 0;
    for (size_t i = flow->mail_mark; i < world->mail_count; i++)
        seen += str_eq(world->mail[i].queue, world->replies);
    return seen >= flow->pending_count;
}

/* Lets the lane work until everything that is pending is answered, or cannot be. */
static bool run_until_answered(struct flow *flow)
{
    struct world *world = flow->world;
    if (!world->real || flow->pending_count == 0)
        return world_settle(world) || flow_fail(flow, "something is never settled");
    (void)!world_wait(world, is_answered, flow); /* `expect` says what is missing */
    return true;
}

/* Replies that nobody looked at would hide what went wrong. */
static bool begin_sending(struct flow *flow)
{
    struct world *world = flow->world;
    if (flow->pending_count)
        return flow_fail(flow, "the reply to the last send was not looked at");
    if (world->real && !world_run(world))
        return flow_fail(flow, "the lane does not go on");
    flow->mail_mark = world->mail_count;
    return true;
}

static bool publish(struct flow *flow, const struct bus_message *message, bool silent)
{
    if (!flow->together && !begin_sending(flow))
        return false;
    flow->last = *message;
    if (!silent && flow->pending_count == PENDING_MAX)
        return flow_fail(flow, "at most %d sends together", PENDING_MAX);
    if (!silent)
        flow->pending[flow->pending_count++] = message->correlation_id;
    if (!world_send(flow->world, message))
        return flow_fail(flow, "no queue takes it");
    return flow->together || run_until_answered(flow);
}

bool flow_send(struct flow *flow, struct words *words)
{
    struct arena *arena = &flow->arena;
    const struct str operation = words_take(words);
    if (operation.len == 0)
        return flow_fail(flow, "send OPERATION [JSON] [OPTIONS]");
    const struct str body = words_take_json(words);
    const int number = ++flow->sends;
    struct sending sending = {
        .flow = flow,
        .message =
            {
                .exchange = name_requests(arena, flow->world->settings.engine.prefix),
                .routing_key = operation,
                .body = str_is_absent(body) ? STR("{}") : body,
                .message_id = str_printf(arena, "%d-%d", flow->world->scripts, number),
                .correlation_id = str_printf(arena, "c%d-%d", flow->world->scripts, number),
                .reply_to = flow->world->replies,
                .mandatory = true,
            },
    };
    if (!take_options(&sending, words))
        return false;
    return publish(flow, &sending.message, sending.silent);
}

bool flow_repeat(struct flow *flow, struct words *words)
{
    (void)words;
    if (flow->sends == 0)
        return flow_fail(flow, "nothing was sent yet");
    const struct bus_message message = flow->last;
    return publish(flow, &message, str_is_absent(message.reply_to));
}

/* With our signature, as a lane publishes it; or without one. */
static bool publish_event(struct flow *flow, struct bus_message event, bool is_signed)
{
    const struct signed_event said = {event.exchange, event.routing_key, event.message_id,
                                      event.body};
    const struct bus_header signature = {"x-signature",
                                         event_sign(&flow->arena, &flow->world->lane.keys, &said)};
    event.headers = arena_copy(&flow->arena, &signature, sizeof(signature));
    event.header_count = is_signed;
    return publish(flow, &event, true);
}

static bool publish_anew(struct flow *flow, struct words *words, bool is_signed)
{
    struct arena *arena = &flow->arena;
    const struct str type = words_take(words);
    return publish_event(
        flow,
        (struct bus_message){
            .exchange = name_events(arena, flow->world->settings.engine.prefix),
            .routing_key = type,
            .body = words_take_json(words),
            .message_id = str_printf(arena, "%d-%d", flow->world->scripts, ++flow->sends),
            .type = type,
        },
        is_signed);
}

/* publish TYPE BODY: an event that another lane of ours wrote. */
bool flow_publish(struct flow *flow, struct words *words)
{
    return publish_anew(flow, words, true);
}

/* forge TYPE BODY: somebody else puts an event onto the events exchange. */
bool flow_forge(struct flow *flow, struct words *words)
{
    return publish_anew(flow, words, false);
}

/* The broker gives the last event of this type to its subscribers once more. */
bool flow_redeliver(struct flow *flow, struct words *words)
{
    const struct str type = words_take(words);
    const struct world *world = flow->world;
    const struct delivery *event = NULL;
    for (size_t i = 0; i < world->mail_count; i++)
        if (str_eq(world->mail[i].queue, world->spy) &&
            str_eq(world->mail[i].delivery->routing_key, type))
            event = world->mail[i].delivery;
    if (!event)
        return flow_fail(flow, "there was no event %.*s", STR_FMT(type));
    struct arena *arena = &flow->arena;
    const struct bus_message message = {
        .exchange = str_dup(arena, event->exchange),
        .routing_key = str_dup(arena, event->routing_key),
        .body = str_dup(arena, event->body),
        .message_id = str_dup(arena, event->message_id),
        .type = str_dup(arena, event->type),
    };
    return publish_event(flow, message, true);
}

bool flow_together(struct flow *flow, struct words *words)
{
    (void)words;
    if (flow->together)
        return flow_fail(flow, "together inside together");
    flow->together = true;
    return begin_sending(flow);
}

bool flow_end(struct flow *flow, struct words *words)
{
    (void)words;
    if (!flow->together)
        return flow_fail(flow, "end without together");
    flow->together = false;
    return run_until_answered(flow);
}
