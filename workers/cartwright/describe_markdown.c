/* describe_markdown.c - `cartwright describe --markdown FOLDER`: the reference for people. README.md
 * lists everything, a page for each domain tells its operations, its events and the types that only
 * this domain uses, and types.md has the rest of the types. */
#include "cartwright/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cartwright/describe_pages.h"
#include "cartwright/describe_source.h"

/* --- pieces ------------------------------------------------------------------------------------ */

static const char written_by[] =
    "<!-- Written by `make reference` from the tables of the program: do not edit. -->\n\n";

/* Writes text of ours so that Markdown shows it as it is, also in a table. */
static void put_plain(struct text *out, struct str plain)
{
    for (size_t i = 0; i < plain.len; i++) {
        if (strchr("|<*[", plain.ptr[i]))
            text_append_char(out, '\\');
        text_append_char(out, plain.ptr[i]);
    }
}

static void put_rights(struct pages *pages, struct text *out, const struct operation *operation)
{
    text_append_str(out, describe_rights(pages->describe->arena, operation));
}

/* Writes the codes with their statuses, as a list in a sentence. */
static void put_errors(struct text *out, const struct error_code *const *codes)
{
    for (size_t i = 0; codes && codes[i]; i++)
        text_printf(out, "%s`%s` (%d)", i ? ", " : "", codes[i]->name, codes[i]->status);
}

/* --- members ----------------------------------------------------------------------------------- */

/* The columns of a table of members. */
struct columns {
    const char *heading;
    bool limits; /* the limits have a column; otherwise they stand behind the description */
};

static const struct columns of_request = {
    "| member | type | required | limits | what it is |\n|---|---|---|---|---|\n", true};
static const struct columns of_type = {
    "| member | type | always there | what it is |\n|---|---|---|---|\n", false};

static void put_member(struct pages *pages, struct text *out, const struct named_type *type,
                       const struct columns *columns, const struct source_walk *member)
{
    struct arena *arena = pages->describe->arena;
    const bool required = source_has(source_member(type->schema, "required"), member->key);
    const struct str description = source_text(arena, source_member(member->value, "description"));
    text_printf(out, "| `%.*s` | ", STR_FMT(member->key));
    pages_put_type(pages, out, member->value, type_name_of_member(arena, type->name, member->key));
    text_printf(out, " | %s | ", required ? "yes" : "");
    if (columns->limits)
        text_printf(out, "%.*s | ", STR_FMT(type_limits(arena, member->value)));
    put_plain(out, columns->limits ? description : type_doc(arena, member->value));
    text_append_str(out, STR(" |\n"));
}

static void put_members(struct pages *pages, struct text *out, const struct named_type *type,
                        const struct columns *columns)
{
    const struct str base = type_base(type->schema);
    struct source_walk walk = source_walk(source_member(type->schema, "properties"));
    if (!str_is_absent(base)) {
        text_append_str(out, STR("It has the members of "));
        pages_put_link(pages, out, base);
        text_append_str(out, STR(", too.\n\n"));
    }
    if (!source_next(&walk)) {
        text_append_str(out, STR("It has no members.\n\n"));
        return;
    }
    text_append_str(out, str_of(columns->heading));
    do
        put_member(pages, out, type, columns, &walk);
    while (source_next(&walk));
    text_append_char(out, '\n');
}

/* --- operations -------------------------------------------------------------------------------- */

static void put_request(struct pages *pages, struct text *out, const struct operation *operation)
{
    const struct named_type request = {describe_request_name(pages->describe, operation),
                                       str_of(operation->request->source)};
    struct source_walk walk = source_walk(source_member(request.schema, "properties"));
    if (!source_next(&walk)) {
        text_append_str(out, STR("**Request:** `{}`\n\n"));
        return;
    }
    const struct str limits = type_limits(pages->describe->arena, request.schema);
    text_printf(out, "**Request**%s%.*s:\n\n", limits.len ? ", with " : "", STR_FMT(limits));
    put_members(pages, out, &request, &of_request);
}

static void put_reply(struct pages *pages, struct text *out, const struct operation *operation)
{
    text_printf(out, "**Reply:** %d, ", describe_status(operation));
    if (operation->reply)
        pages_put_link(pages, out, str_of(operation->reply->name));
    else
        text_append_str(out, STR("`{}`"));
    text_append_str(out, STR("\n\n**Refused with:** "));
    put_errors(out, operation->errors);
    text_printf(out, "%s[codes of all operations](README.md#codes-of-all-operations)\n\n",
                operation->errors && operation->errors[0] ? ", or the " : "the ");
}

static void put_operation(struct pages *pages, struct text *out, const struct operation *operation)
{
    text_printf(out, "### %s\n", operation->name);
    put_plain(out, str_of(operation->summary));
    text_printf(out, ". A %s for ", describe_kinds[operation->kind]);
    put_rights(pages, out, operation);
    text_append_str(out, STR(".\n\n"));
    put_request(pages, out, operation);
    put_reply(pages, out, operation);
}

static void put_operations(struct pages *pages, struct text *out)
{
    const struct operation **operations = pages->describe->operations;
    text_append_str(out, STR("## Operations\n"));
    for (size_t i = 0; operations[i]; i++)
        if (pages_domain_of(pages, operations[i]) == pages->page)
            put_operation(pages, out, operations[i]);
}

static void put_subscribers(struct pages *pages, struct text *out)
{
    const char *heading = "## What it does when something happens\n| event | what it does |\n"
                          "|---|---|\n";
    const char *ending = "";
    for (size_t i = 0; pages->page->operations[i]; i++) {
        const struct operation *operation = pages->page->operations[i];
        if (operation->kind != SUBSCRIBER)
            continue;
        text_append_str(out, str_of(heading));
        text_append_str(out, STR("| "));
        pages_put_event(pages, out, operation->event);
        text_append_str(out, STR(" | "));
        put_plain(out, str_of(operation->summary));
        text_append_str(out, STR(" |\n"));
        heading = "";
        ending = "\n";
    }
    text_append_str(out, str_of(ending));
}

/* --- events and types -------------------------------------------------------------------------- */

static void put_event(struct pages *pages, struct text *out, const struct event_type *event)
{
    text_printf(out, "### %s\n", event->name);
    put_plain(out, str_of(event->summary));
    text_append_str(out, STR(" Its data is "));
    pages_put_link(pages, out, str_of(event->data->name));
    text_append_str(out, STR("."));
    if (event->latest_only)
        text_append_str(out,
                        STR(" When one thing changes often at once, only its last state is sent."));
    text_append_str(out, STR("\n\n"));
}

static void put_events(struct pages *pages, struct text *out)
{
    const char *heading = "## Events\n";
    for (size_t i = 0; pages->describe->events[i]; i++) {
        const struct event_type *event = pages->describe->events[i];
        if (pages_domain_of_event(pages, event) != pages->page)
            continue;
        text_append_str(out, str_of(heading));
        put_event(pages, out, event);
        heading = "";
    }
}

static void put_type(struct pages *pages, struct text *out, const struct named_type *type)
{
    const struct str doc = type_doc(pages->describe->arena, type->schema);
    const bool has_members = type_has_members(type->schema);
    text_printf(out, "### %.*s\n", STR_FMT(type->name));
    if (!has_members)
        pages_put_type(pages, out, type->schema, type->name);
    text_append_str(out, !has_members && doc.len ? STR(": ") : STR(""));
    put_plain(out, doc);
    text_append_str(out, !has_members || doc.len ? STR("\n\n") : STR("\n"));
    if (has_members)
        put_members(pages, out, type, &of_type);
}

/* Writes the types of the page that have members, or those that have none. */
static void put_types(struct pages *pages, struct text *out, const char *heading, bool with_members)
{
    for (size_t i = 0; i < pages->types.count; i++) {
        const struct named_type *type = &pages->types.items[i];
        if (pages_of_type(pages, i) != pages->page || pages_is_request(pages, type->name) ||
            type_has_members(type->schema) != with_members)
            continue;
        text_append_str(out, str_of(heading));
        put_type(pages, out, type);
        heading = "";
    }
}

/* --- pages ------------------------------------------------------------------------------------- */

static void put_domain(struct pages *pages, struct text *out)
{
    text_printf(out, "# The domain %s\n%s", pages->page->name, written_by);
    text_append_str(out, STR("[All operations, events and types](README.md); "
                             "[how to ask](../protocol.md).\n\n"));
    put_operations(pages, out);
    put_subscribers(pages, out);
    put_events(pages, out);
    put_types(pages, out, "## Types\n", true);
}

static void put_shared_types(struct pages *pages, struct text *out)
{
    text_printf(out, "# Types of several domains\n%s", written_by);
    text_append_str(out, STR("[All operations, events and types](README.md).\n\n"));
    put_types(pages, out, "## Objects\n", true);
    put_types(pages, out, "## Values\n", false);
}

static void put_index_of_operations(struct pages *pages, struct text *out)
{
    text_append_str(out, STR("## Operations\n| operation | kind | for | what it does |\n"
                             "|---|---|---|---|\n"));
    for (size_t i = 0; pages->describe->operations[i]; i++) {
        const struct operation *operation = pages->describe->operations[i];
        text_append_str(out, STR("| "));
        pages_put_operation(pages, out, operation);
        text_printf(out, " | %s | ", describe_kinds[operation->kind]);
        put_rights(pages, out, operation);
        text_append_str(out, STR(" | "));
        put_plain(out, str_of(operation->summary));
        text_append_str(out, STR(" |\n"));
    }
}

static void put_index_of_events(struct pages *pages, struct text *out)
{
    text_append_str(out, STR("\n## Events\n| event | when | data |\n|---|---|---|\n"));
    for (size_t i = 0; pages->describe->events[i]; i++) {
        const struct event_type *event = pages->describe->events[i];
        text_append_str(out, STR("| "));
        pages_put_event(pages, out, event);
        text_append_str(out, STR(" | "));
        put_plain(out, str_of(event->summary));
        text_append_str(out, STR(" | "));
        pages_put_link(pages, out, str_of(event->data->name));
        text_append_str(out, STR(" |\n"));
    }
}

static void put_index_of_notices(struct pages *pages, struct text *out)
{
    struct arena *arena = pages->describe->arena;
    text_append_str(out,
                    STR("\n## Notifications\n| kind | what it tells | data |\n|---|---|---|\n"));
    for (size_t i = 0; pages->describe->notices[i]; i++) {
        const struct schema *notice = pages->describe->notices[i];
        text_printf(out, "| `%.*s` | ", STR_FMT(describe_notice_kind(pages->describe, notice)));
        put_plain(out, type_doc(arena, str_of(notice->source)));
        text_append_str(out, STR(" | "));
        pages_put_link(pages, out, str_of(notice->name));
        text_append_str(out, STR(" |\n"));
    }
}

static int compare_types(const void *a, const void *b)
{
    return str_cmp(((const struct named_type *)a)->name, ((const struct named_type *)b)->name);
}

static void put_index_of_types(struct pages *pages, struct text *out)
{
    const struct type_list *types = &pages->types;
    struct named_type *sorted =
        arena_copy(pages->describe->arena, types->items, types->count * sizeof(*sorted));
    qsort(sorted, types->count, sizeof(*sorted), compare_types);
    const char *between = "\n## Types\n";
    for (size_t i = 0; i < types->count; i++) {
        if (pages_is_request(pages, sorted[i].name))
            continue;
        text_append_str(out, str_of(between));
        pages_put_link(pages, out, sorted[i].name);
        between = ",\n";
    }
    text_append_char(out, '\n');
}

static void put_general_codes(struct text *out)
{
    text_append_str(out,
                    STR("\n## Codes of all operations\n"
                        "[The protocol](../protocol.md#a-reply) says when each of them comes.\n\n"
                        "| code | status | may the same message come again? |\n|---|---|---|\n"));
    for (size_t i = 0; describe_general_codes[i]; i++) {
        const struct error_code *code = describe_general_codes[i];
        text_printf(out, "| `%s` | %d | %s |\n", code->name, code->status,
                    code->retryable ? "yes" : "no");
    }
}

static void put_index(struct pages *pages, struct text *out)
{
    text_printf(out, "# Reference\n%s", written_by);
    text_append_str(
        out,
        STR("What the shop can be asked, what it answers, and what it tells of its own accord. "
            "[The protocol](../protocol.md)\nsays how to ask: an operation is a routing key, its "
            "request the body of the message. Every role may do what\nthe roles below it may: "
            "guest, customer, admin, superadmin.\n\n"));
    put_index_of_operations(pages, out);
    put_index_of_events(pages, out);
    put_index_of_notices(pages, out);
    put_index_of_types(pages, out);
    put_general_codes(out);
}

/* --- files ------------------------------------------------------------------------------------- */

static bool write_file(const char *path, const struct text *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    const bool written = fwrite(text->ptr, 1, text->len, file) == text->len;
    return fclose(file) == 0 && written;
}

/* Writes one page; `page` is the domain that it is about, NULL for one about several. */
static int write_page(struct pages *pages, const char *folder, const char *name,
                      const struct domain *page, void (*put)(struct pages *, struct text *))
{
    struct arena *arena = pages->describe->arena;
    struct text text;
    text_init(&text, arena, 64 * 1024);
    pages->page = page;
    pages->file = name;
    put(pages, &text);
    while (text.len > 1 && text.ptr[text.len - 1] == '\n' && text.ptr[text.len - 2] == '\n')
        text.len--;
    const struct str path = str_printf(arena, "%s/%s.md", folder, name);
    if (!write_file(path.ptr, &text))
        return command_fail("describe", EXIT_FAILED, "%s: %s", path.ptr, strerror(errno));
    return EXIT_OK;
}

int describe_markdown(struct describe *describe, const char *folder)
{
    struct pages pages;
    pages_init(&pages, describe);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return command_fail("describe", EXIT_FAILED, "%s: %s", folder, strerror(errno));
    int status = write_page(&pages, folder, "README", NULL, put_index);
    if (status == EXIT_OK)
        status = write_page(&pages, folder, "types", NULL, put_shared_types);
    const struct domain *const *domains = describe->service->domains;
    for (size_t i = 0; status == EXIT_OK && domains[i]; i++)
        status = write_page(&pages, folder, domains[i]->name, domains[i], put_domain);
    return status;
}
