/* describe_bundle.c - `cartwright describe --json-schema`: every form and every request in one JSON
 * Schema, and a table that says which operation takes and gives which. */
#include "cartwright/describe.h"

static struct str operation_name(const struct describe *describe, const struct operation *operation)
{
    (void)describe;
    return str_of(operation->name);
}

static void put_text(struct json_writer *writer, const char *key, struct str value)
{
    json_key(writer, key);
    json_put_str(writer, value);
}

static void put_ref(struct json_writer *writer, struct arena *arena, const char *key,
                    const char *name)
{
    json_key(writer, key);
    json_open_object(writer);
    put_text(writer, "$ref", str_printf(arena, "#/$defs/%s", name));
    json_close_object(writer);
}

static void put_operation(struct json_writer *writer, struct arena *arena,
                          const struct operation *operation)
{
    json_put_name(writer, str_of(operation->name));
    json_open_object(writer);
    put_text(writer, "summary", str_of(operation->summary));
    put_text(writer, "kind", str_of(describe_kinds[operation->kind]));
    put_text(writer, "who", str_of(who_names[operation->who]));
    put_ref(writer, arena, "request", operation->name);
    if (operation->reply)
        put_ref(writer, arena, "reply", operation->reply->name);
    json_key(writer, "status");
    json_put_int(writer, describe_status(operation));
    json_key(writer, "errors");
    json_open_list(writer);
    for (size_t i = 0; operation->errors && operation->errors[i]; i++)
        json_put_str(writer, str_of(operation->errors[i]->name));
    json_close_list(writer);
    json_close_object(writer);
}

static void put_event(struct json_writer *writer, struct arena *arena,
                      const struct event_type *event)
{
    json_put_name(writer, str_of(event->name));
    json_open_object(writer);
    put_text(writer, "summary", str_of(event->summary));
    put_ref(writer, arena, "data", event->data->name);
    json_close_object(writer);
}

void describe_bundle(struct describe *describe, struct text *out)
{
    text_append_str(out, STR("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
                             "\"$id\":\"urn:cartwright:bundle\",\"$defs\":{"));
    describe_put_forms(describe, out, "#/$defs/", false, operation_name);
    text_append_str(out, STR("},\"x-operations\":"));
    struct json_writer writer;
    json_writer_init(&writer, out);
    json_open_object(&writer);
    for (size_t i = 0; describe->operations[i]; i++)
        put_operation(&writer, describe->arena, describe->operations[i]);
    json_close_object(&writer);
    text_append_str(out, STR(",\"x-events\":"));
    json_writer_init(&writer, out);
    json_open_object(&writer);
    for (size_t i = 0; describe->events[i]; i++)
        put_event(&writer, describe->arena, describe->events[i]);
    json_close_object(&writer);
    text_append_char(out, '}');
}
