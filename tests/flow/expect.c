/* expect.c - commands that look at replies. On real servers each waits a while for its own. */
#include <inttypes.h>

#include "flow/flow.h"
#include "flow/match.h"

bool flow_json(struct flow *flow, struct str text, const struct json **out)
{
    struct str why = STR_ABSENT;
    *out = str_is_absent(text) ? NULL : json_value(&flow->arena, text, &why);
    return *out || str_is_absent(text) || flow_fail(flow, "%.*s", STR_FMT(why));
}

/* --- replies --------------------------------------------------------------------------------------- */

struct reply_wanted {
    struct flow *flow;
    struct str correlation;
    struct mail *found;
};

static bool find_reply(void *context)
{
    struct reply_wanted *wanted = context;
    struct world *world = wanted->flow->world;
    for (size_t i = 0; i < world->mail_count && !wanted->found; i++) {
        struct mail *mail = &world->mail[i];
        if (!mail->taken && str_eq(mail->queue, world->replies) &&
            str_eq(mail->delivery->correlation_id, wanted->correlation))
            wanted->found = mail;
    }
    return wanted->found != NULL;
}

/* The reply to the oldest send that has not been looked at. */
static bool take_reply(struct flow *flow)
{
    if (flow->pending_count == 0)
        return flow_fail(flow, "no reply is pending");
    struct reply_wanted wanted = {flow, flow->pending[0], NULL};
    flow->pending_count--;
    memmove(flow->pending, flow->pending + 1, flow->pending_count * sizeof(*flow->pending));
    if (!world_wait(flow->world, find_reply, &wanted))
        return flow_fail(flow, "no reply came");
    wanted.found->taken = true;
    flow->status = wanted.found->delivery->status;
    flow->retry_after_ms = wanted.found->delivery->retry_after_ms;
    flow->body = str_dup(&flow->arena, wanted.found->delivery->body);
    return true;
}

static bool expect_same(struct flow *flow)
{
    const int64_t status = flow->status;
    const struct str body = flow->body;
    if (!take_reply(flow))
        return false;
    if (status == flow->status && str_eq(body, flow->body))
        return true;
    return flow_fail(flow, "expected the same reply (%" PRId64 " %.*s), came %" PRId64 " %.*s",
                     status, STR_FMT(body), flow->status, STR_FMT(flow->body));
}

static bool expect_error(struct flow *flow, const struct json *reply, struct words *words)
{
    struct str why = STR_ABSENT;
    const struct json *error = json_member(reply, "error");
    const struct str code = words_take(words);
    if (!str_is_absent(code) && !str_eq(json_str(json_member(error, "code")), code))
        return flow_fail(flow, "expected %.*s, came %.*s", STR_FMT(code), STR_FMT(flow->body));
    const struct json *fields;
    if (!flow_json(flow, words_take_json(words), &fields))
        return false;
    if (fields && !match_some(&flow->arena, fields, json_member(error, "fields"), &why))
        return flow_fail(flow, "fields %.*s", STR_FMT(why));
    return true;
}

static bool expect_data(struct flow *flow, const struct json *reply, struct words *words)
{
    struct str why = STR_ABSENT;
    const struct json *want;
    if (!flow_json(flow, words_take_json(words), &want))
        return false;
    if (want && !match(&flow->arena, want, json_member(reply, "data"), &why))
        return flow_fail(flow, "data %.*s\n    in %.*s", STR_FMT(why), STR_FMT(flow->body));
    return true;
}

/* The form that every reply has: {"ok", "data"} or {"ok", "error": {code, message, retryable}}. */
static bool check_form(struct flow *flow, const struct json *reply)
{
    const bool ok = flow->status >= 200 && flow->status < 300;
    const struct json *error = json_member(reply, "error");
    const bool formed = ok ? json_member(reply, "data") && !error
                           : json_str(json_member(error, "code")).len > 0 &&
                                 json_str(json_member(error, "message")).len > 0 &&
                                 json_member(error, "retryable") && !json_member(reply, "data");
    if ((flow->status == 429) != (flow->retry_after_ms > 0))
        return flow_fail(flow, "status %" PRId64 ", and retry-after-ms is %" PRId64, flow->status,
                         flow->retry_after_ms);
    if (formed && json_bool(json_member(reply, "ok"), !ok) == ok)
        return true;
    return flow_fail(flow, "not the form of a reply with status %" PRId64 ": %.*s", flow->status,
                     STR_FMT(flow->body));
}

/* expect STATUS [DATA], expect STATUS CODE [FIELDS], expect same */
bool flow_expect(struct flow *flow, struct words *words)
{
    if (words_take_if(words, "same"))
        return expect_same(flow);
    int64_t status;
    if (!str_to_int64(words_take(words), &status))
        return flow_fail(flow, "expect STATUS [DATA], expect STATUS CODE [FIELDS], expect same");
    if (!take_reply(flow))
        return false;
    struct err err = {0};
    const struct json *reply;
    if (json_parse(&flow->arena, flow->body, &reply, &err) != OUTCOME_DONE)
        return flow_fail(flow, "the reply is not JSON: %.*s", STR_FMT(flow->body));
    if (status != flow->status)
        return flow_fail(flow, "expected status %" PRId64 ", came %" PRId64 " %.*s", status,
                         flow->status, STR_FMT(flow->body));
    if (!check_form(flow, reply))
        return false;
    return status < 300 ? expect_data(flow, reply, words) : expect_error(flow, reply, words);
}

/* let NAME = POINTER: from the data of the last reply */
bool flow_let(struct flow *flow, struct words *words)
{
    struct err err = {0};
    const struct json *reply;
    const struct str name = words_take(words);
    const bool equals = words_take_if(words, "=");
    const struct str pointer = words_take(words);
    if (!equals || pointer.len == 0)
        return flow_fail(flow, "let NAME = /pointer");
    if (json_parse(&flow->arena, flow->body, &reply, &err) != OUTCOME_DONE)
        return flow_fail(flow, "there is no reply yet");
    const struct json *value = json_at(json_member(reply, "data"), pointer.ptr);
    if (!value)
        return flow_fail(flow, "no %.*s in %.*s", STR_FMT(pointer), STR_FMT(flow->body));
    flow_set(flow, name, json_text(&flow->arena, value));
    return true;
}
