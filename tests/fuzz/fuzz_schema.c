/* fuzz_schema.c - any JSON against any schema: it is decoded, or refused with at least one fault;
 * and what was decoded can be written and decoded again.
 *
 * The first line is the name of the schema, the rest is the message. */
#include <stdlib.h>

#include "schemas/all.h"
#include "wire/json.h"
#include "wire/schema_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const struct schema *schema_of(struct str name)
{
    for (size_t d = 0; all_schemas[d]; d++)
        for (size_t i = 0; all_schemas[d][i]; i++)
            if (str_eq(str_of(all_schemas[d][i]->name), name))
                return all_schemas[d][i];
    return NULL;
}

static bool has_secrets(const struct shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (shape->fields[i].flags & FIELD_SECRET)
            return true;
    return false;
}

/* Secrets are not written, so where they are required they would be missing. */
static void round_trip(const struct schema *schema, struct arena *arena, const void *request)
{
    struct err err = {0};
    const struct json *json;
    const void *again;
    if (has_secrets(schema->shape))
        return;
    const struct str text = json_of_shape(arena, schema->shape, request);
    require(json_parse(arena, text, &json, &err) == OUTCOME_DONE);
    require(schema_decode(schema, arena, json, &again, &err) == OUTCOME_DONE);
    require(str_eq(text, json_of_shape(arena, schema->shape, again)));
}

static void decode(const struct schema *schema, struct arena *arena, struct str bytes)
{
    struct err err = {0};
    const struct json *json;
    const void *request;
    if (schema_prepare(schema, &err) != OUTCOME_DONE)
        panic("%s", err.text);
    if (json_parse(arena, bytes, &json, &err) != OUTCOME_DONE)
        return;
    if (schema_decode(schema, arena, json, &request, &err) == OUTCOME_DONE)
        round_trip(schema, arena, request);
    else
        require(err.code == E_VALIDATION_FAILED && err.fields && err.field_count <= ERR_FIELDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    const char *text = (const char *)data;
    const char *line = size ? memchr(text, '\n', size) : NULL;
    const size_t len = line ? (size_t)(line - text) : 0;
    const struct schema *schema = schema_of((struct str){text, len});
    if (!schema)
        return 0;
    json_init();
    arena_init(&arena, 4096);
    decode(schema, &arena, (struct str){line + 1, size - len - 1});
    arena_release(&arena);
    return 0;
}
