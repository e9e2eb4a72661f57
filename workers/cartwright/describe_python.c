/* describe_python.c - `cartwright describe --client python`: a typed client in Python. What does not
 * depend on the operations is in clients/client.py.in. */
#include "cartwright/describe.h"

#include "cartwright/describe_calls.h"
#include "cartwright/describe_source.h"
#include "cartwright/describe_types.h"

static const struct type_words words = {
    .text = "str",
    .integer = "int",
    .number = "float",
    .boolean = "bool",
    .null = "None",
    .only_true = "Literal[True]",
    .only_false = "Literal[False]",
    .object = "dict[str, Any]",
    .list = {"list[", "]"},
    .map = {"dict[str, ", "]"},
    .choice = {"Literal[", ", ", "]"},
    .quote = "\"",
    .any_of = " | ",
    .put_name = type_put_plain_name,
};

/* The words of Python that may be names in JSON. */
static const char *const keywords[] = {
    "and",    "as",      "assert", "async",  "await",  "class", "def",  "del",    "elif",
    "except", "finally", "from",   "global", "import", "in",    "is",   "lambda", "nonlocal",
    "not",    "or",      "pass",   "raise",  "return", "try",   "with", "yield",  NULL,
};

static bool is_keyword(struct str word)
{
    for (size_t i = 0; keywords[i]; i++)
        if (str_eq(word, str_of(keywords[i])))
            return true;
    return false;
}

static const char *behind(struct str word)
{
    return is_keyword(word) ? "_" : "";
}

/* Writes a comment of one line. */
static void put_comment(struct text *out, const char *indent, struct str doc)
{
    if (doc.len)
        text_printf(out, "%s# %.*s\n", indent, STR_FMT(doc));
}

/* Writes a docstring: what is between the quotes of a JSON string means the same in Python. */
static void put_docstring(struct text *out, const char *indent, struct str doc)
{
    struct json_writer writer;
    text_printf(out, "%s\"\"", indent);
    json_writer_init(&writer, out);
    json_put_str(&writer, doc);
    text_append_str(out, STR("\"\"\n"));
}

/* --- types ------------------------------------------------------------------------------------- */

static void put_member_type(struct describe *describe, struct text *out,
                            const struct named_type *type, const struct source_walk *member)
{
    const bool required = source_has(source_member(type->schema, "required"), member->key);
    text_append_str(out, required ? STR("") : STR("NotRequired["));
    type_put(&words, out, member->value,
             type_name_of_member(describe->arena, type->name, member->key));
    text_append_str(out, required ? STR("") : STR("]"));
}

/* A class cannot have a member that is called like a word of Python; a TypedDict that is made by a call
 * can. */
static void put_call_of_type(struct describe *describe, struct text *out,
                             const struct named_type *type)
{
    if (!str_is_absent(type_base(type->schema)))
        panic("%.*s cannot have both a base and such members in Python", STR_FMT(type->name));
    put_comment(out, "", type_doc(describe->arena, type->schema));
    text_printf(out, "%.*s = TypedDict(\n    \"%.*s\",\n    {\n", STR_FMT(type->name),
                STR_FMT(type->name));
    struct source_walk walk = source_walk(source_member(type->schema, "properties"));
    while (source_next(&walk)) {
        put_comment(out, "        ", type_doc(describe->arena, walk.value));
        text_printf(out, "        \"%.*s\": '", STR_FMT(walk.key));
        put_member_type(describe, out, type, &walk);
        text_append_str(out, STR("',\n"));
    }
    text_append_str(out, STR("    },\n)\n\n\n"));
}

static void put_class(struct describe *describe, struct text *out, const struct named_type *type)
{
    const struct str base = type_base(type->schema);
    const struct str doc = type_doc(describe->arena, type->schema);
    text_printf(out, "class %.*s(%.*s):\n", STR_FMT(type->name),
                STR_FMT(str_is_absent(base) ? STR("TypedDict") : base));
    struct source_walk walk = source_walk(source_member(type->schema, "properties"));
    bool more = source_next(&walk);
    if (doc.len || !more)
        put_docstring(out, "    ", doc.len ? doc : type->name);
    text_append_str(out, doc.len && more ? STR("\n") : STR(""));
    for (; more; more = source_next(&walk)) {
        put_comment(out, "    ", type_doc(describe->arena, walk.value));
        text_printf(out, "    %.*s: ", STR_FMT(walk.key));
        put_member_type(describe, out, type, &walk);
        text_append_char(out, '\n');
    }
    text_append_str(out, STR("\n\n"));
}

static bool has_keyword(struct str schema)
{
    struct source_walk walk = source_walk(source_member(schema, "properties"));
    while (source_next(&walk))
        if (is_keyword(walk.key))
            return true;
    return false;
}

/* True when the type has other types in it, which may stand further down. */
static bool has_types(struct str schema)
{
    static const char *const holders[] = {"$ref", "items", "oneOf", "additionalProperties"};
    for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
        if (!str_is_absent(source_member(schema, holders[i])))
            return true;
    return false;
}

static void put_alias(struct describe *describe, struct text *out, const struct named_type *type)
{
    const char *quote = has_types(type->schema) ? "'" : "";
    put_comment(out, "", type_doc(describe->arena, type->schema));
    text_printf(out, "%.*s: TypeAlias = %s", STR_FMT(type->name), quote);
    type_put(&words, out, type->schema, type->name);
    text_printf(out, "%s\n\n\n", quote);
}

static void put_named_type(struct describe *describe, struct text *out,
                           const struct named_type *type)
{
    if (!type_has_members(type->schema))
        put_alias(describe, out, type);
    else if (has_keyword(type->schema))
        put_call_of_type(describe, out, type);
    else
        put_class(describe, out, type);
}

/* Those that have another type as their base come last, because a base must stand before. */
static void put_types(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    struct type_list types;
    types_gather(describe, &types);
    for (int with_base = 0; with_base < 2; with_base++)
        for (size_t i = 0; i < types.count; i++)
            if (str_is_absent(type_base(types.items[i].schema)) == !with_base)
                put_named_type(describe, out, &types.items[i]);
}

/* --- operations -------------------------------------------------------------------------------- */

static void put_codes(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe_general_codes[i]; i++)
        text_printf(out, "    \"%s\",\n", describe_general_codes[i]->name);
    for (size_t i = 0; describe->codes[i]; i++)
        text_printf(out, "    \"%s\",\n", describe->codes[i]->name);
}

static void put_queries(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->operations[i]; i++)
        if (describe->operations[i]->kind == QUERY)
            text_printf(out, "        \"%s\",\n", describe->operations[i]->name);
}

static void put_method(struct describe *describe, struct text *out, struct str word,
                       const struct operation *operation)
{
    const char *reply = operation->reply ? operation->reply->name : "Nothing";
    const bool may_be_empty = type_may_be_empty(str_of(operation->request->source));
    text_printf(out,
                "\n    def %.*s%s(self, request: %.*s%s, **options: Unpack[CallOptions]) -> %s:\n",
                STR_FMT(word), behind(word), STR_FMT(describe_request_name(describe, operation)),
                may_be_empty ? " | None = None" : "", reply);
    put_docstring(out, "        ", describe_call(describe->arena, operation));
    text_printf(out, "        return cast(%s, self._caller.call(\"%s\", request, options))\n",
                reply, operation->name);
}

/* --- the tree of calls ------------------------------------------------------------------------- */

/* "_CartItemCalls" for the operations that begin with cart.item. */
static struct str class_of(struct describe *describe, struct call_group group)
{
    const struct str words_of = {group.first[0]->name, group.length};
    return str_printf(describe->arena, "_%.*s",
                      STR_FMT(describe_pascal(describe->arena, words_of, "Calls")));
}

/* Writes the class of a group, behind those of the groups in it. */
static void put_group(struct describe *describe, struct text *out, struct call_group group);

static void put_groups(struct describe *describe, struct text *out, struct call_group group)
{
    struct str word;
    const struct operation *own;
    struct call_group inner;
    while (calls_next(&group, &word, &own, &inner))
        if (inner.count)
            put_group(describe, out, inner);
}

static void put_attributes(struct describe *describe, struct text *out, struct call_group group)
{
    struct str word;
    const struct operation *own;
    struct call_group inner;
    while (calls_next(&group, &word, &own, &inner))
        if (inner.count)
            text_printf(out, "        self.%.*s%s = %.*s(caller)\n", STR_FMT(word), behind(word),
                        STR_FMT(class_of(describe, inner)));
}

/* An operation whose name others begin with is the call of their class. */
static void put_methods(struct describe *describe, struct text *out, struct call_group group)
{
    struct str word;
    const struct operation *own;
    struct call_group inner;
    while (calls_next(&group, &word, &own, &inner))
        if (own && !inner.count)
            put_method(describe, out, word, own);
}

static const struct operation *call_of(struct describe *describe, struct call_group group)
{
    const struct str name = {group.first[0]->name, group.length - 1};
    return service_operation(describe->service, name);
}

static void put_group(struct describe *describe, struct text *out, struct call_group group)
{
    put_groups(describe, out, group);
    const struct operation *own = call_of(describe, group);
    text_printf(out, "class %.*s:\n    def __init__(self, caller: _Caller) -> None:\n",
                STR_FMT(class_of(describe, group)));
    text_append_str(out, STR("        self._caller = caller\n"));
    put_attributes(describe, out, group);
    if (own)
        put_method(describe, out, STR("__call__"), own);
    put_methods(describe, out, group);
    text_append_str(out, STR("\n\n"));
}

static void put_all_groups(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_groups(describe, out, calls_all(describe));
}

static void put_all_attributes(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_attributes(describe, out, calls_all(describe));
}

/* --- events and notifications ------------------------------------------------------------------ */

/* Writes the class of what has a head, and what tells which one it is. */
static void put_headed(struct text *out, struct str name, const char *head, struct str doc)
{
    text_printf(out, "class %.*s(%s):\n", STR_FMT(name), head);
    put_docstring(out, "    ", doc);
}

static struct str event_class(struct describe *describe, const struct event_type *event)
{
    return describe_pascal(describe->arena, str_of(event->name), "Event");
}

static void put_events(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->events[i]; i++) {
        const struct event_type *event = describe->events[i];
        put_headed(out, event_class(describe, event), "EventHead", str_of(event->summary));
        text_printf(out, "\n    type: Literal[\"%s\"]\n    data: %s\n\n\n", event->name,
                    event->data->name);
    }
    text_append_str(out,
                    STR("# Any event; its `type` tells which.\nShopEvent: TypeAlias = Union[\n"));
    for (size_t i = 0; describe->events[i]; i++)
        text_printf(out, "    %.*s,\n", STR_FMT(event_class(describe, describe->events[i])));
    text_append_str(out, STR("]\n\n"));
}

static void put_event_types(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->events[i]; i++)
        text_printf(out, "        \"%s\",\n", describe->events[i]->name);
}

static struct str notice_class(struct describe *describe, const struct schema *notice)
{
    return describe_pascal(describe->arena, describe_notice_kind(describe, notice), "Notification");
}

static void put_notices(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->notices[i]; i++) {
        const struct schema *notice = describe->notices[i];
        put_headed(out, notice_class(describe, notice), "NotificationHead",
                   type_doc(describe->arena, str_of(notice->source)));
        text_printf(out, "\n    kind: Literal[\"%.*s\"]\n    data: %s\n\n\n",
                    STR_FMT(describe_notice_kind(describe, notice)), notice->name);
    }
    text_append_str(
        out,
        STR("# Any notification; its `kind` tells which.\nShopNotification: TypeAlias = Union[\n"));
    for (size_t i = 0; describe->notices[i]; i++)
        text_printf(out, "    %.*s,\n", STR_FMT(notice_class(describe, describe->notices[i])));
    text_append_str(out, STR("]\n\n"));
}

static void put_notice_kinds(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    for (size_t i = 0; describe->notices[i]; i++)
        text_printf(out, "        \"%.*s\",\n",
                    STR_FMT(describe_notice_kind(describe, describe->notices[i])));
}

static const struct part_slot slots[] = {
    {"version", part_put_version},
    {"types", put_types},
    {"codes", put_codes},
    {"queries", put_queries},
    {"groups", put_all_groups},
    {"attributes", put_all_attributes},
    {"events", put_events},
    {"eventtypes", put_event_types},
    {"notices", put_notices},
    {"noticekinds", put_notice_kinds},
    {NULL, NULL},
};

void describe_python(struct describe *describe, struct text *out)
{
    part_fill(describe, out, str_of(part_client_py), slots, NULL);
}
