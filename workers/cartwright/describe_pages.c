/* describe_pages.c - finds the page of each type: a type that one domain uses stands on the page of
 * that domain, any other one in types.md. */
#include "cartwright/describe_pages.h"

#include "cartwright/describe_source.h"

static const struct type_words words = {
    .text = "text",
    .integer = "whole number",
    .number = "number",
    .boolean = "true or false",
    .null = "null",
    .only_true = "true",
    .only_false = "false",
    .object = "object",
    .list = {"list of ", ""},
    .map = {"map of names to ", ""},
    .choice = {"one of ", ", ", ""},
    .quote = "`",
    .any_of = " or ",
};

/* The user of a type that several domains use. */
static const struct domain several = {.name = "types"};

/* --- who uses what ----------------------------------------------------------------------------- */

static void use(struct pages *pages, struct str schema, struct str name);

static size_t index_of(const struct pages *pages, struct str name)
{
    for (size_t i = 0; i < pages->types.count; i++)
        if (str_eq(pages->types.items[i].name, name))
            return i;
    panic("no type is called '%.*s'", STR_FMT(name));
}

static void use_members(struct pages *pages, const struct named_type *type)
{
    struct source_walk walk = source_walk(source_member(type->schema, "properties"));
    while (source_next(&walk))
        use(pages, walk.value, type_name_of_member(pages->describe->arena, type->name, walk.key));
}

/* Notes that the domain pages->page uses the type and all in it. */
static void use_type(void *context, struct text *out, struct str name)
{
    (void)out;
    struct pages *pages = context;
    const size_t index = index_of(pages, name);
    const struct named_type *type = &pages->types.items[index];
    const struct domain **user = &pages->users[index];
    if (*user == pages->page || *user == &several)
        return;
    *user = *user ? &several : pages->page;
    const struct str base = type_base(type->schema);
    if (!str_is_absent(base))
        use_type(pages, out, base);
    use_members(pages, type);
}

/* Notes the types that are named in a schema. What type_put() writes is thrown away. */
static void use(struct pages *pages, struct str schema, struct str name)
{
    struct type_words naming = words;
    naming.put_name = use_type;
    naming.context = pages;
    struct text nowhere;
    text_init(&nowhere, pages->describe->arena, 256);
    type_put(&naming, &nowhere, schema, name);
}

void pages_init(struct pages *pages, struct describe *describe)
{
    *pages = (struct pages){.describe = describe};
    types_gather(describe, &pages->types);
    pages->users = arena_array(describe->arena, pages->types.count, sizeof(*pages->users));
    for (size_t i = 0; describe->operations[i]; i++) {
        const struct operation *operation = describe->operations[i];
        pages->page = pages_domain_of(pages, operation);
        use_type(pages, NULL, describe_request_name(describe, operation));
        if (operation->reply)
            use_type(pages, NULL, str_of(operation->reply->name));
    }
    for (size_t i = 0; describe->events[i]; i++) {
        pages->page = pages_domain_of_event(pages, describe->events[i]);
        if (pages->page)
            use_type(pages, NULL, str_of(describe->events[i]->data->name));
    }
}

const struct domain *pages_of_type(const struct pages *pages, size_t index)
{
    const struct domain *user = pages->users[index];
    const bool has_members = type_has_members(pages->types.items[index].schema);
    return user == &several || !has_members ? NULL : user;
}

bool pages_is_request(const struct pages *pages, struct str type)
{
    for (size_t i = 0; pages->describe->operations[i]; i++)
        if (str_eq(describe_request_name(pages->describe, pages->describe->operations[i]), type))
            return true;
    return false;
}

/* --- domains ----------------------------------------------------------------------------------- */

const struct domain *pages_domain_of(const struct pages *pages, const struct operation *operation)
{
    const struct domain *const *domains = pages->describe->service->domains;
    for (size_t i = 0; domains[i]; i++)
        if (domain_operation(domains[i], str_of(operation->name)) == operation)
            return domains[i];
    return NULL;
}

static bool has_prefix(const struct domain *domain, struct str word)
{
    for (size_t i = 0; domain->prefixes[i]; i++)
        if (str_eq(str_of(domain->prefixes[i]), word))
            return true;
    return false;
}

static bool replies_with(const struct domain *domain, const struct schema *form)
{
    for (size_t i = 0; domain->operations[i]; i++)
        if (domain->operations[i]->reply == form)
            return true;
    return false;
}

const struct domain *pages_domain_of_event(const struct pages *pages,
                                           const struct event_type *event)
{
    const struct domain *const *domains = pages->describe->service->domains;
    const struct str word = {event->name, strcspn(event->name, ".")};
    for (size_t i = 0; domains[i]; i++)
        if (has_prefix(domains[i], word))
            return domains[i];
    for (size_t i = 0; domains[i]; i++)
        if (replies_with(domains[i], event->data))
            return domains[i];
    return NULL;
}

/* --- links ------------------------------------------------------------------------------------- */

/* Writes a link to a heading; viewers make its anchor of the letters, in lower case. `page` is the
 * domain of the page, NULL for types.md. */
static void put_heading_link(struct pages *pages, struct text *out, const struct domain *page,
                             struct str heading, const char *quote)
{
    const char *file = page ? page->name : several.name;
    const bool elsewhere = strcmp(file, pages->file) != 0;
    text_printf(out, "[%s%.*s%s](%s%s#", quote, STR_FMT(heading), quote, elsewhere ? file : "",
                elsewhere ? ".md" : "");
    const struct str lower = str_lower(pages->describe->arena, heading);
    for (size_t i = 0; i < lower.len; i++)
        if (lower.ptr[i] != '.')
            text_append_char(out, lower.ptr[i]);
    text_append_char(out, ')');
}

void pages_put_link(struct pages *pages, struct text *out, struct str type)
{
    put_heading_link(pages, out, pages_of_type(pages, index_of(pages, type)), type, "");
}

void pages_put_operation(struct pages *pages, struct text *out, const struct operation *operation)
{
    put_heading_link(pages, out, pages_domain_of(pages, operation), str_of(operation->name), "`");
}

void pages_put_event(struct pages *pages, struct text *out, const struct event_type *event)
{
    const struct domain *domain = pages_domain_of_event(pages, event);
    if (domain)
        put_heading_link(pages, out, domain, str_of(event->name), "`");
    else
        text_printf(out, "`%s`", event->name);
}

static void put_name(void *context, struct text *out, struct str name)
{
    pages_put_link(context, out, name);
}

void pages_put_type(struct pages *pages, struct text *out, struct str schema, struct str name)
{
    struct type_words linking = words;
    linking.put_name = put_name;
    linking.context = pages;
    type_put(&linking, out, schema, name);
}
