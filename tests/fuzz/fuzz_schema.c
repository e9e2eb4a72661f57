/* fuzz_schema.c - any JSON against any schema: it is decoded, or refused with at least one fault;
 * and what was decoded can be written and decoded again.
 *
 * The first byte chooses the schema, the rest is the message. */
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

static size_t schema_count(void)
{
    size_t count = 0;
    for (size_t d = 0; all_schemas[d]; d++)
        for (size_t i = 0; all_schemas[d][i]; i++)
            count++;
    return count;
}

static const struct schema *schema_at(size_t index)
{
    for (size_t d = 0; all_schemas[d]; d++)
        for (size_t i = 0; all_schemas[d][i]; i++)
            if (index-- == 0)
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
    require(schema_prepare(schema, &err) == OUTCOME_DONE);
    if (json_parse(arena, bytes, &json, &err) != OUTCOME_DONE)
        return;
    if (schema_decode(schema, arena, json, &request, &err) == OUTCOME_DONE)
        round_trip(schema, arena, request);
    else
        require(err.code == VALIDATION_FAILED && err.fields && err.field_count <= ERR_FIELDS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (size == 0)
        return 0;
    arena_init(&arena, 4096);
    decode(schema_at(data[0] % schema_count()), &arena,
           (struct str){(const char *)data + 1, size - 1});
    arena_release(&arena);
    return 0;
}
