/* describe_schema.c - the parts of `cartwright describe` that know how the text of a schema refers to
 * other forms. */
#include "cartwright/describe.h"

#include "base/map.h"
#include "cartwright/describe_source.h"
#include "schemas/all.h"

#define REF "\"#/$defs/"

static const char *definition_named(struct str name)
{
    for (const struct schema_definition *row = all_definitions; row->name; row++)
        if (str_eq(str_of(row->name), name))
            return row->source;
    panic("no form is called '%.*s'", STR_FMT(name));
}

/* The next name that `*at` refers to; absent at the end. Moves *at behind it. */
static struct str next_ref(const char **at)
{
    const char *found = strstr(*at, REF);
    if (!found)
        return STR_ABSENT;
    found += strlen(REF);
    const struct str name = {found, strcspn(found, "\"")};
    *at = found + name.len;
    return name;
}

/* Writes what `source` refers to, and what that refers to, each once. */
static void put_definitions(struct json_writer *writer, struct map *done, const char *source)
{
    for (struct str name = next_ref(&source); !str_is_absent(name); name = next_ref(&source)) {
        if (map_get(done, name))
            continue;
        const char *text = definition_named(name);
        map_set(done, name, (void *)(uintptr_t)text);
        json_put_name(writer, name);
        json_put_raw(writer, str_of(text));
        put_definitions(writer, done, text);
    }
}

/* Puts the members of an object without its braces. */
static void put_members(struct json_writer *writer, const char *source)
{
    const char *open = strchr(source, '{');
    const char *close = strrchr(source, '}');
    text_append(writer->text, open + 1, (size_t)(close - open - 1));
}

void describe_schema(struct json_writer *writer, struct arena *arena, const struct schema *schema)
{
    struct map done;
    map_init(&done, arena);
    json_open_object(writer);
    if (!schema) {
        json_key(writer, "type");
        json_put_str(writer, STR("object"));
        json_close_object(writer);
        return;
    }
    put_members(writer, schema->source);
    writer->comma = true;
    json_key(writer, "$defs");
    json_open_object(writer);
    put_definitions(writer, &done, schema->source);
    json_close_object(writer);
    json_close_object(writer);
}

static void put_form(struct text *out, struct str name, const char *source, const char *prefix,
                     bool alone)
{
    text_printf(out, "\"%.*s\":", STR_FMT(name));
    source_put(out, str_of(source), prefix, alone);
}

void describe_put_forms(const struct describe *describe, struct text *out, const char *prefix,
                        bool alone,
                        struct str (*name_of)(const struct describe *, const struct operation *))
{
    for (const struct schema_definition *row = all_definitions; row->name; row++) {
        put_form(out, str_of(row->name), row->source, prefix, alone);
        text_append_char(out, ',');
    }
    for (size_t i = 0; describe->operations[i]; i++) {
        const struct operation *operation = describe->operations[i];
        put_form(out, name_of(describe, operation), operation->request->source, prefix, alone);
        if (describe->operations[i + 1])
            text_append_char(out, ',');
    }
}
