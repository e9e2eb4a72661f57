/* schema_secret.c - walks the shape and the value of a request side by side to find its secrets. */
#include "wire/schema_secret.h"

#include "wire/json.h"
#include "wire/json_tree.h"

struct walk {
    struct arena *arena;
    schema_secret_fn *change;
    void *context;
};

static bool shape_has_secrets(const struct shape *shape)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (field->flags & FIELD_SECRET || (field->shape && shape_has_secrets(field->shape)))
            return true;
    }
    return false;
}

bool schema_has_secrets(const struct schema *schema)
{
    return shape_has_secrets(schema->shape);
}

static bool change_text(const struct walk *walk, json_t *object, const char *name, json_t *value)
{
    struct str changed;
    const struct str text = {json_string_value(value), json_string_length(value)};
    if (!walk->change(walk->context, walk->arena, text, &changed))
        return false;
    return json_object_set_new(object, name, json_stringn(changed.ptr, changed.len)) == 0;
}

static bool walk_object(const struct walk *walk, const struct shape *shape, json_t *object);

static bool walk_list(const struct walk *walk, const struct shape *shape, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!walk_object(walk, shape, json_array_get(list, i)))
            return false;
    return true;
}

static bool walk_member(const struct walk *walk, const struct field *field, json_t *object)
{
    json_t *value = json_object_get(object, field->name);
    if (field->flags & FIELD_SECRET)
        return !json_is_string(value) || change_text(walk, object, field->name, value);
    if (!field->shape)
        return true;
    return json_is_array(value) ? walk_list(walk, field->shape, value)
                                : walk_object(walk, field->shape, value);
}

/* A value that is not an object counts as one whose members are all missing. */
static bool walk_object(const struct walk *walk, const struct shape *shape, json_t *object)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (!walk_member(walk, &shape->fields[i], object))
            return false;
    return true;
}

bool schema_change_secrets(const struct schema *schema, struct arena *arena,
                           const struct json *json, schema_secret_fn *change, void *context)
{
    const struct walk walk = {arena, change, context};
    return walk_object(&walk, schema->shape, (json_t *)(uintptr_t)json_tree(json));
}

static bool mask(void *context, struct arena *arena, struct str value, struct str *out)
{
    (void)context;
    (void)arena;
    (void)value;
    *out = STR(SCHEMA_MASK);
    return true;
}

struct str schema_mask(const struct schema *schema, struct arena *arena, struct str body)
{
    const struct json *json;
    struct err ignored = {0};
    if (!schema_has_secrets(schema))
        return STR_ABSENT;
    /* A body that cannot be read or rewritten is not kept at all. */
    if (json_parse(arena, body, &json, &ignored) != OUTCOME_DONE ||
        !schema_change_secrets(schema, arena, json, mask, NULL))
        return STR(SCHEMA_MASKED_BODY);
    return json_text(arena, json);
}
