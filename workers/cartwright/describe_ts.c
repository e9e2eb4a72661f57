/* describe_ts.c - `cartwright describe --client ts`: a typed client in TypeScript. What does not depend
 * on the operations is in clients/client.ts.in. */
#include "cartwright/describe.h"

#include "cartwright/describe_calls.h"
#include "cartwright/describe_source.h"
#include "cartwright/describe_types.h"

static const struct type_words words = {
    .text = "string",
    .integer = "number",
    .number = "number",
    .boolean = "boolean",
    .null = "null",
    .only_true = "true",
    .only_false = "false",
    .object = "Record<string, unknown>",
    .list = {"Array<", ">"},
    .map = {"Record<string, ", ">"},
    .choice = {"", " | ", ""},
    .quote = "\"",
    .any_of = " | ",
    .put_name = type_put_plain_name,
};

static void put_indent(struct text *out, int depth)
{
    text_printf(out, "%*s", 4 * depth, "");
}

/* Writes a comment of one line. A comment's end inside the text would end it too early. */
static void put_comment(struct text *out, int depth, struct str doc)
{
    if (!doc.len)
        return;
    put_indent(out, depth);
    text_append_str(out, STR("/** "));
    for (size_t i = 0; i < doc.len; i++) {
        const bool ends = doc.ptr[i] == '/' && i > 0 && doc.ptr[i - 1] == '*';
        text_append_str(out, ends ? STR("\\/") : (struct str){doc.ptr + i, 1});
    }
    text_append_str(out, STR(" */\n"));
}

/* --- types ------------------------------------------------------------------------------------- */

static void put_members(struct describe *describe, struct text *out, const struct named_type *type)
{
    const struct str required = source_member(type->schema, "required");
    struct source_walk walk = source_walk(source_member(type->schema, "properties"));
    while (source_next(&walk)) {
        put_comment(out, 1, type_doc(describe->arena, walk.value));
        text_printf(out, "    %.*s%s: ", STR_FMT(walk.key),
                    source_has(required, walk.key) ? "" : "?");
        type_put(&words, out, walk.value,
                 type_name_of_member(describe->arena, type->name, walk.key));
        text_append_str(out, STR(";\n"));
    }
}

static bool is_without_members(struct str schema)
{
    struct source_walk walk = source_walk(source_member(schema, "properties"));
    return str_is_absent(type_base(schema)) && !source_next(&walk);
}

static void put_interface(struct describe *describe, struct text *out,
                          const struct named_type *type)
{
    const struct str base = type_base(type->schema);
    text_printf(out, "export interface %.*s ", STR_FMT(type->name));
    if (!str_is_absent(base))
        text_printf(out, "extends %.*s ", STR_FMT(base));
    text_append_str(out, STR("{\n"));
    put_members(describe, out, type);
    text_append_str(out, STR("}\n\n"));
}

static void put_named_type(struct describe *describe, struct text *out,
                           const struct named_type *type)
{
    put_comment(out, 0, type_doc(describe->arena, type->schema));
    if (type_has_members(type->schema) && !is_without_members(type->schema)) {
        put_interface(describe, out, type);
        return;
    }
    text_printf(out, "export type %.*s = ", STR_FMT(type->name));
    if (type_has_members(type->schema))
        text_append_str(out, STR("Record<string, never>"));
    else
        type_put(&words, out, type->schema, type->name);
    text_append_str(out, STR(";\n\n"));
}

static void put_types(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    struct type_list types;
    types_gather(describe, &types);
    for (size_t i = 0; i < types.count; i++)
        put_named_type(describe, out, &types.items[i]);
}

/* --- operations -------------------------------------------------------------------------------- */

static const char *reply_of(const struct operation *operation)
{
    return operation->reply ? operation->reply->name : "Record<string, never>";
}

static void put_errors(struct text *out, const struct error_code *const *codes)
{
    if (!codes || !codes[0])
        text_append_str(out, STR("never"));
    for (size_t i = 0; codes && codes[i]; i++)
        text_printf(out, "%s\"%s\"", i ? " | " : "", codes[i]->name);
}

static void put_operations(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->operations[i]; i++) {
        const struct operation *operation = describe->operations[i];
        text_printf(out,
                    "    \"%s\": {\n        request: %.*s;\n        reply: %s;\n        errors: ",
                    operation->name, STR_FMT(describe_request_name(describe, operation)),
                    reply_of(operation));
        put_errors(out, operation->errors);
        text_append_str(out, STR(";\n    };\n"));
    }
}

static void put_queries(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->operations[i]; i++)
        if (describe->operations[i]->kind == QUERY)
            text_printf(out, "    \"%s\",\n", describe->operations[i]->name);
}

static void put_codes(struct text *out, const struct error_code *const *codes)
{
    for (size_t i = 0; codes[i]; i++)
        text_printf(out, "    | \"%s\"%s\n", codes[i]->name, codes[i + 1] ? "" : ";");
}

static void put_general_codes(struct describe *describe, struct text *out, const void *item)
{
    (void)describe;
    (void)item;
    put_codes(out, describe_general_codes);
}

static void put_shop_codes(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_codes(out, describe->codes);
}

/* --- calls ------------------------------------------------------------------------------------- */

static void put_call(struct describe *describe, struct text *out, const struct operation *operation)
{
    text_printf(out, "(request: %.*s%s, options?: CallOptions): Promise<%s> =>",
                STR_FMT(describe_request_name(describe, operation)),
                type_may_be_empty(str_of(operation->request->source)) ? " = {}" : "",
                reply_of(operation));
    text_printf(out, " this.call(\"%s\", request, options)", operation->name);
}

static void put_group(struct describe *describe, struct text *out, struct call_group group,
                      int depth);

static void put_inner(struct describe *describe, struct text *out, struct call_group inner,
                      int depth)
{
    text_append_str(out, STR("{\n"));
    put_group(describe, out, inner, depth + 1);
    put_indent(out, depth);
    text_append_char(out, '}');
}

static void put_entry(struct describe *describe, struct text *out, const struct operation *own,
                      struct call_group inner, int depth)
{
    if (own && inner.count)
        text_append_str(out, STR("Object.assign("));
    if (own)
        put_call(describe, out, own);
    if (own && inner.count)
        text_append_str(out, STR(", "));
    if (inner.count)
        put_inner(describe, out, inner, depth);
    if (own && inner.count)
        text_append_char(out, ')');
}

/* The groups of the first word are members of the class, those in them members of objects. */
static void put_group(struct describe *describe, struct text *out, struct call_group group,
                      int depth)
{
    struct str word;
    const struct operation *own;
    struct call_group inner;
    while (calls_next(&group, &word, &own, &inner)) {
        if (depth == 1)
            text_append_char(out, '\n');
        if (own)
            put_comment(out, depth, describe_call(describe->arena, own));
        put_indent(out, depth);
        text_printf(out, depth == 1 ? "readonly %.*s = " : "%.*s: ", STR_FMT(word));
        put_entry(describe, out, own, inner, depth);
        text_append_str(out, depth == 1 ? STR(";\n") : STR(",\n"));
    }
}

static void put_calls(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_group(describe, out, calls_all(describe), 1);
}

/* --- events and notifications ------------------------------------------------------------------ */

static void put_events(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->events[i]; i++) {
        put_comment(out, 1, str_of(describe->events[i]->summary));
        text_printf(out, "    \"%s\": %s;\n", describe->events[i]->name,
                    describe->events[i]->data->name);
    }
}

static void put_event_types(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->events[i]; i++)
        text_printf(out, "    \"%s\",\n", describe->events[i]->name);
}

static void put_notices(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->notices[i]; i++)
        text_printf(out, "    %.*s: %s;\n",
                    STR_FMT(describe_notice_kind(describe, describe->notices[i])),
                    describe->notices[i]->name);
}

static void put_notice_kinds(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->notices[i]; i++)
        text_printf(out, "    \"%.*s\",\n",
                    STR_FMT(describe_notice_kind(describe, describe->notices[i])));
}

static const struct part_slot slots[] = {
    {"version", part_put_version},
    {"types", put_types},
    {"operations", put_operations},
    {"queries", put_queries},
    {"generalcodes", put_general_codes},
    {"shopcodes", put_shop_codes},
    {"calls", put_calls},
    {"events", put_events},
    {"eventtypes", put_event_types},
    {"notices", put_notices},
    {"noticekinds", put_notice_kinds},
    {NULL, NULL},
};

void describe_ts(struct describe *describe, struct text *out)
{
    part_fill(describe, out, str_of(part_client_ts), slots, NULL);
}
