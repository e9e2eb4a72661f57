/* describe_openapi.c - `cartwright describe --openapi`: an OpenAPI 3.1 document of the HTTP edge. An
 * operation has the routes of describe_routes, or else POST /api/v1/call/<operation>. */
#include "cartwright/describe_routes.h"

#include "cartwright/describe_source.h"

#define SCHEMAS "#/components/schemas/"

/* --- members of a request ---------------------------------------------------------------------- */

static struct str source_of(const struct operation *operation)
{
    return str_of(operation->request->source);
}

static bool in_path(const struct route *route, struct str member)
{
    const char *open = strchr(route->path, '{');
    return open && str_starts_with(str_of(open + 1), member) && open[1 + member.len] == '}';
}

static bool takes_query(const struct route *route)
{
    return strcmp(route->method, "get") == 0 || strcmp(route->method, "delete") == 0;
}

static void put_text(struct json_writer *writer, const char *key, const char *value)
{
    json_key(writer, key);
    json_put_str(writer, str_of(value));
}

/* Writes a part of a schema, with its references into the document. */
static void put_schema(struct json_writer *writer, struct str source)
{
    struct text text;
    text_init(&text, writer->text->arena, source.len + 64);
    source_put(&text, source, SCHEMAS, false);
    json_put_raw(writer, text_str(&text));
}

/* --- parameters -------------------------------------------------------------------------------- */

/* The place in the path may hold the one or the other member. */
static void put_either(struct json_writer *writer, struct str properties, struct str schema,
                       const char *other)
{
    json_open_object(writer);
    json_key(writer, "anyOf");
    json_open_list(writer);
    put_schema(writer, schema);
    put_schema(writer, source_member(properties, other));
    json_close_list(writer);
    json_close_object(writer);
}

static void put_parameter(struct json_writer *writer, const struct route *route,
                          const struct source_walk *member, const struct operation *operation)
{
    const bool is_path = in_path(route, member->key);
    const struct str required = source_member(source_of(operation), "required");
    json_open_object(writer);
    json_key(writer, "name");
    json_put_str(writer, member->key);
    put_text(writer, "in", is_path ? "path" : "query");
    json_key(writer, "required");
    json_put_bool(writer, is_path || source_has(required, member->key));
    json_key(writer, "schema");
    if (is_path && route->either)
        put_either(writer, source_member(source_of(operation), "properties"), member->value,
                   route->either);
    else
        put_schema(writer, member->value);
    json_close_object(writer);
}

static void put_header_parameters(struct json_writer *writer, const struct operation *operation)
{
    const struct str properties = source_member(source_of(operation), "properties");
    openapi_put_ref(writer, "parameters", "Traceparent");
    if (operation->kind == COMMAND) {
        openapi_put_ref(writer, "parameters", "IdempotencyKey");
        openapi_put_ref(writer, "parameters", "Prefer");
    }
    if (!str_is_absent(source_member(properties, "expectedVersion")))
        openapi_put_ref(writer, "parameters", "IfMatch");
}

static void put_parameters(struct json_writer *writer, const struct route *route,
                           const struct operation *operation)
{
    json_key(writer, "parameters");
    json_open_list(writer);
    struct source_walk walk = source_walk(source_member(source_of(operation), "properties"));
    while (source_next(&walk))
        if (in_path(route, walk.key) || (takes_query(route) && !route->alone))
            put_parameter(writer, route, &walk, operation);
    put_header_parameters(writer, operation);
    json_close_list(writer);
}

/* --- the body ---------------------------------------------------------------------------------- */

static void put_required(struct json_writer *writer, const struct route *route, struct str required)
{
    json_key(writer, "required");
    json_open_list(writer);
    struct source_walk walk = source_walk(required);
    while (source_next(&walk))
        if (!in_path(route, source_raw(walk.value)))
            json_put_str(writer, source_raw(walk.value));
    json_close_list(writer);
}

/* Returns the schema of the request without what stands in the path. */
static struct str rest_of(const struct route *route, struct str schema, struct arena *arena)
{
    struct text text;
    struct json_writer rest;
    struct json_writer *writer = &rest;
    text_init(&text, arena, schema.len);
    json_writer_init(writer, &text);
    json_open_object(writer);
    put_text(writer, "type", "object");
    json_key(writer, "additionalProperties");
    json_put_bool(writer, false);
    json_key(writer, "properties");
    json_open_object(writer);
    struct source_walk walk = source_walk(source_member(schema, "properties"));
    while (source_next(&walk))
        if (!in_path(route, walk.key)) {
            json_put_name(writer, walk.key);
            put_schema(writer, walk.value);
        }
    json_close_object(writer);
    put_required(writer, route, source_member(schema, "required"));
    json_close_object(writer);
    return text_str(&text);
}

static void put_body(struct describe *describe, struct json_writer *writer,
                     const struct route *route, const struct operation *operation)
{
    if (takes_query(route))
        return;
    json_key(writer, "requestBody");
    json_open_object(writer);
    json_key(writer, "required");
    json_put_bool(writer, !str_is_absent(source_member(source_of(operation), "required")));
    const struct str name = describe_request_name(describe, operation);
    openapi_put_content(
        writer, strchr(route->path, '{')
                    ? rest_of(route, source_of(operation), describe->arena)
                    : str_printf(describe->arena, "{\"$ref\":\"" SCHEMAS "%s\"}", name.ptr));
    json_close_object(writer);
}

/* --- paths ------------------------------------------------------------------------------------- */

/* Guests may come without a token. */
static void put_security(struct json_writer *writer, const struct operation *operation)
{
    if (operation->who != GUEST)
        return;
    json_key(writer, "security");
    json_put_raw(writer, STR("[{},{\"bearer\":[]}]"));
}

/* The first route of an operation has its name; a further one is called after its path. */
static struct str operation_id(struct arena *arena, const struct route *route)
{
    const char *place = strchr(route->path, '{');
    for (const struct route *before = describe_routes; before < route; before++)
        if (place && strcmp(before->operation, route->operation) == 0)
            return str_printf(arena, "%s.by.%.*s", route->operation, (int)strcspn(place + 1, "}"),
                              place + 1);
    return str_of(route->operation);
}

static void put_method(struct describe *describe, struct json_writer *writer,
                       const struct route *route, struct str id, const struct operation *operation)
{
    struct arena *arena = describe->arena;
    json_key(writer, route->method);
    json_open_object(writer);
    json_key(writer, "operationId");
    json_put_str(writer, id);
    put_text(writer, "summary", operation->summary);
    put_text(writer, "description",
             str_printf(arena, "Operation %s, for %.*s.", operation->name,
                        STR_FMT(describe_rights(arena, operation)))
                 .ptr);
    json_key(writer, "tags");
    json_open_list(writer);
    json_put_str(writer, (struct str){operation->name, strcspn(operation->name, ".")});
    json_close_list(writer);
    put_security(writer, operation);
    put_parameters(writer, route, operation);
    put_body(describe, writer, route, operation);
    openapi_put_responses(writer, operation);
    json_close_object(writer);
}

/* Opens the path of the route, unless the route before it has the same one. */
static void put_route(struct describe *describe, struct json_writer *writer,
                      const struct route *route)
{
    const struct operation *operation =
        service_operation(describe->service, str_of(route->operation));
    if (!operation)
        panic("the route %s leads to no operation", route->path);
    const bool is_first = route == describe_routes || strcmp(route[-1].path, route->path) != 0;
    const bool is_last = !route[1].operation || strcmp(route[1].path, route->path) != 0;
    if (is_first) {
        json_put_name(writer, str_of(route->path));
        json_open_object(writer);
    }
    put_method(describe, writer, route, operation_id(describe->arena, route), operation);
    if (is_last)
        json_close_object(writer);
}

static bool has_route(const struct operation *operation)
{
    for (const struct route *route = describe_routes; route->operation; route++)
        if (strcmp(route->operation, operation->name) == 0)
            return true;
    return false;
}

static void put_call(struct describe *describe, struct json_writer *writer,
                     const struct operation *operation)
{
    const struct str path = str_printf(describe->arena, "/api/v1/call/%s", operation->name);
    const struct route route = {operation->name, "post", path.ptr, NULL, false};
    json_put_name(writer, path);
    json_open_object(writer);
    put_method(describe, writer, &route, str_of(operation->name), operation);
    json_close_object(writer);
}

/* --- the document ------------------------------------------------------------------------------ */

/* Writes the members of an object, without its braces, by `put`. */
static void put_open(struct describe *describe, struct text *out,
                     void (*put)(struct describe *describe, struct json_writer *writer))
{
    struct text text;
    struct json_writer writer;
    text_init(&text, describe->arena, 64 * 1024);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    put(describe, &writer);
    json_close_object(&writer);
    text_append(out, text.ptr + 1, text.len - 2);
}

static void put_all_paths(struct describe *describe, struct json_writer *writer)
{
    for (const struct route *route = describe_routes; route->operation; route++)
        put_route(describe, writer, route);
    for (size_t i = 0; describe->operations[i]; i++)
        if (!has_route(describe->operations[i]))
            put_call(describe, writer, describe->operations[i]);
}

static void put_paths(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_open(describe, out, put_all_paths);
}

static void put_shared_responses(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    put_open(describe, out, openapi_put_problems);
}

/* The first words of the operations' names. */
static void put_tags(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    struct str before = STR("");
    for (size_t i = 0; describe->operations[i]; i++) {
        const char *name = describe->operations[i]->name;
        const struct str tag = {name, strcspn(name, ".")};
        if (!str_eq(tag, before))
            text_printf(out, "%s{\"name\":\"%.*s\"}", before.len ? "," : "", STR_FMT(tag));
        before = tag;
    }
}

static void put_schemas(struct describe *describe, struct text *out, const void *item)
{
    (void)item;
    describe_put_forms(describe, out, SCHEMAS, false, describe_request_name);
}

static const struct part_slot slots[] = {
    {"version", part_put_version},       {"tags", put_tags},       {"paths", put_paths},
    {"responses", put_shared_responses}, {"schemas", put_schemas}, {NULL, NULL},
};

void describe_openapi(struct describe *describe, struct text *out)
{
    part_fill(describe, out, str_of(part_openapi_json), slots, NULL);
}
