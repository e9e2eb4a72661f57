/* history.c - what was asked and what was answered: all replies of one command are the same bytes.
 * (A query that is repeated tells what is true then.) */
#include "base/id.h"
#include "fault/fault.h"
#include "support/seen.h"
#include "wire/json.h"

static struct call *add(struct fault *fault, const struct call *call)
{
    struct calls *history = &fault->history;
    history->items = arena_grow(&fault->arena, history->items, history->count,
                                sizeof(struct call *), &history->capacity);
    struct call *kept = arena_copy(&fault->arena, call, sizeof(*call));
    history->items[history->count++] = kept;
    return kept;
}

struct call *history_add(struct fault *fault, const char *operation, struct str body,
                         const struct shopper *shopper)
{
    uint8_t id[12];
    random_bytes(id, sizeof(id));
    return add(fault, &(struct call){
                          .operation = str_of(operation),
                          .body = body,
                          .token = shopper ? shopper->token : STR_ABSENT,
                          .caller = shopper ? shopper->id : STR_ABSENT,
                          .message_id = hex_of(&fault->arena, id, sizeof(id)),
                      });
}

struct call *history_add_again(struct fault *fault, const struct call *call, struct str body)
{
    struct call again = *call;
    again.body = body;
    again.status = again.replies = 0;
    again.reply = again.code = STR_ABSENT;
    return add(fault, &again);
}

static struct str error_code(struct fault *fault, struct str body)
{
    const struct json *json;
    struct err err = {0};
    if (json_parse(&fault->arena, body, &json, &err) != OUTCOME_DONE) {
        fault_fail(fault, "a reply is not JSON: %.*s", STR_FMT(body));
        return STR("(not JSON)");
    }
    return json_str(json_at(json, "/error/code"));
}

bool history_is_command(const struct fault *fault, const struct call *call)
{
    const struct operation *operation = service_operation(&fault->service, call->operation);
    return operation && operation->kind == COMMAND;
}

void history_reply(struct fault *fault, struct call *call, int status, struct str body)
{
    if (call->replies++ == 0) {
        call->status = status;
        call->reply = str_dup(&fault->arena, body);
        seen_sent(call->message_id, call->operation);
        seen_answer(call->message_id, body);
        call->code = error_code(fault, body);
    } else if (history_is_command(fault, call) &&
               (status != call->status || !str_eq(body, call->reply))) {
        fault_fail(fault, "%.*s %.*s was answered in two ways:\n  %d %.*s\n  %d %.*s",
                   STR_FMT(call->operation), STR_FMT(call->message_id), call->status,
                   STR_FMT(call->reply), status, STR_FMT(body));
    }
}

bool call_is(const struct call *call, const char *operation)
{
    return str_eq(call->operation, str_of(operation));
}

bool call_has(const struct call *call, const char *code)
{
    if (!call->status)
        return false;
    return str_is_absent(call->code) ? strcmp(code, "ok") == 0 : str_eq(call->code, str_of(code));
}
