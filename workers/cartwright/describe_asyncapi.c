/* describe_asyncapi.c - `cartwright describe --asyncapi`: an AsyncAPI 3.0 document of the exchanges,
 * the requests with their replies, the events and the notifications. The fixed text of each of them
 * is in clients/asyncapi.json.in. */
#include "cartwright/describe.h"

#include "cartwright/describe_source.h"

#define SCHEMAS "#/components/schemas/"

static void put_quoted(struct text *out, struct str value)
{
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_put_str(&writer, value);
}

static void put_codes(struct text *out, const struct error_code *const *codes)
{
    for (size_t i = 0; codes && codes[i]; i++)
        text_printf(out, "%s\"%s\"", i ? "," : "", codes[i]->name);
}

/* --- a request --------------------------------------------------------------------------------- */

static void put_name(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_str(out, str_of(((const struct operation *)item)->name));
}

static void put_summary(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    put_quoted(out, str_of(((const struct operation *)item)->summary));
}

static void put_rights(struct describe *describe, struct text *out, const void *item)
{
    text_printf(out, "For %.*s.", STR_FMT(describe_rights(describe->arena, item)));
}

/* The first word of the operation's name. */
static void put_tag(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    const char *name = ((const struct operation *)item)->name;
    text_append(out, name, strcspn(name, "."));
}

static void put_kind(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_str(out, str_of(describe_kinds[((const struct operation *)item)->kind]));
}

static void put_headers(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    const bool is_command = ((const struct operation *)item)->kind == COMMAND;
    text_append_str(out, is_command ? STR("CommandHeaders") : STR("RequestHeaders"));
}

static void put_request(struct describe *describe, struct text *out, const void *item)
{
    text_append_str(out, describe_request_name(describe, item));
}

static void put_status(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_int(out, describe_status(item));
}

static void put_reply(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    const struct operation *operation = item;
    if (operation->reply)
        text_printf(out, "{\"$ref\":\"" SCHEMAS "%s\"}", operation->reply->name);
    else
        text_append_str(out, STR("{\"type\":\"object\"}"));
}

/* The codes of the operation beside those of all. */
static void put_error(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    const struct operation *operation = item;
    if (!operation->errors || !operation->errors[0]) {
        text_append_str(out, STR("{\"$ref\":\"" SCHEMAS "GeneralError\"}"));
        return;
    }
    text_append_str(out, STR("{\"anyOf\":[{\"enum\":["));
    put_codes(out, operation->errors);
    text_append_str(out, STR("]},{\"$ref\":\"" SCHEMAS "GeneralError\"}]}"));
}

static const struct part_slot request_slots[] = {
    {"name", put_name},
    {"summary", put_summary},
    {"rights", put_rights},
    {"tag", put_tag},
    {"kind", put_kind},
    {"headers", put_headers},
    {"request", put_request},
    {"status", put_status},
    {"reply", put_reply},
    {"error", put_error},
    {NULL, NULL},
};

/* --- an event and a notification ---------------------------------------------------------------- */

static void put_event_name(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_str(out, str_of(((const struct event_type *)item)->name));
}

static void put_event_summary(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    put_quoted(out, str_of(((const struct event_type *)item)->summary));
}

static void put_event_data(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_str(out, str_of(((const struct event_type *)item)->data->name));
}

static const struct part_slot event_slots[] = {
    {"name", put_event_name},
    {"summary", put_event_summary},
    {"data", put_event_data},
    {NULL, NULL},
};

static void put_notice_kind(struct describe *describe, struct text *out, const void *item)
{
    text_append_str(out, describe_notice_kind(describe, item));
}

static void put_notice_summary(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    const struct schema *notice = item;
    text_append_str(out, source_member(str_of(notice->source), "description"));
}

static void put_notice_data(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    text_append_str(out, str_of(((const struct schema *)item)->name));
}

static const struct part_slot notice_slots[] = {
    {"name", put_notice_kind},
    {"summary", put_notice_summary},
    {"data", put_notice_data},
    {NULL, NULL},
};

/* --- the document ------------------------------------------------------------------------------ */

/* Fills the section once for each row of a list that NULL ends. `between` stands between two. */
static void fill_all(struct describe *describe, struct text *out, const char *section,
                     const struct part_slot *slots, const void *list, const char *between)
{
    const struct str part = part_section(part_asyncapi_json, section);
    const void *const *items = list;
    for (size_t i = 0; items[i]; i++) {
        text_append_str(out, i ? str_of(between) : STR(""));
        part_fill(describe, out, part, slots, items[i]);
    }
}

static void put_channels(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    fill_all(describe, out, "request-channel", request_slots, describe->operations, "");
    fill_all(describe, out, "event-channel", event_slots, describe->events, "");
    fill_all(describe, out, "notice-channel", notice_slots, describe->notices, "");
}

static void put_replies(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    fill_all(describe, out, "request-replies", request_slots, describe->operations, ",");
}

static void put_operations(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    fill_all(describe, out, "request-operation", request_slots, describe->operations, "");
    fill_all(describe, out, "event-operation", event_slots, describe->events, "");
    fill_all(describe, out, "notice-operation", notice_slots, describe->notices, ",");
}

static void put_messages(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    fill_all(describe, out, "request-messages", request_slots, describe->operations, "");
    fill_all(describe, out, "event-messages", event_slots, describe->events, "");
    fill_all(describe, out, "notice-messages", notice_slots, describe->notices, ",");
}

static void put_general_codes(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    (void)item;
    put_codes(out, describe_general_codes);
}

/* AsyncAPI reads draft 7 of JSON Schema, which ignores what stands beside a $ref. */
static void put_schemas(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    describe_put_forms(describe, out, SCHEMAS, true, describe_request_name);
}

static const struct part_slot document_slots[] = {
    {"version", part_put_version}, {"channels", put_channels},
    {"replies", put_replies},      {"operations", put_operations},
    {"messages", put_messages},    {"codes", put_general_codes},
    {"schemas", put_schemas},      {NULL, NULL},
};

void describe_asyncapi(struct describe *describe, struct text *out)
{
    part_fill(describe, out, part_section(part_asyncapi_json, "document"), document_slots, NULL);
}
