/* validator_spec.c - the $jsonSchema of a shape: one row for each kind of field. */
#include "store/validator_spec.h"

#include "store/doc_path.h"

static bool put_object(bson_t *out, const struct shape *shape);

static const char *const bson_types[] = {
    [FIELD_STR] = "string",    [FIELD_ID] = "objectId",   [FIELD_DATE] = "string",
    [FIELD_INT] = "long",      [FIELD_OPT_INT] = "long",  [FIELD_BOOL] = "bool",
    [FIELD_OPT_BOOL] = "bool", [FIELD_TIME] = "date",     [FIELD_MONEY] = "object",
    [FIELD_ENUM] = "string",   [FIELD_STRUCT] = "object", [FIELD_EMBED] = "object",
    [FIELD_LIST] = "array",    [FIELD_STRS] = "array",    [FIELD_IDS] = "array",
    [FIELD_RAW] = "string",
};

/* Whole numbers may have been written by hand as int, and null stands for absence. */
static bool put_type(bson_t *out, const struct field *field)
{
    bson_t types;
    const char *type = bson_types[field->kind];
    const bool may_be_int = strcmp(type, "long") == 0;
    return bson_append_array_begin(out, "bsonType", -1, &types) &&
           bson_append_utf8(&types, "0", 1, type, -1) &&
           bson_append_utf8(&types, "1", 1, may_be_int ? "int" : "null", -1) &&
           (!may_be_int || bson_append_utf8(&types, "2", 1, "null", -1)) &&
           bson_append_array_end(out, &types);
}

static bool put_items(bson_t *out, const struct field *field)
{
    bson_t items;
    const char *type = field->kind == FIELD_IDS ? "objectId" : "string";
    return bson_append_document_begin(out, "items", -1, &items) &&
           (field->shape ? put_object(&items, field->shape)
                         : bson_append_utf8(&items, "bsonType", -1, type, -1)) &&
           bson_append_document_end(out, &items);
}

static bool put_parts(bson_t *out, const struct field *field)
{
    switch (field->kind) {
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        return put_items(out, field);
    default:
        return true;
    }
}

static bool put_field(bson_t *out, const struct field *field)
{
    bson_t rules;
    return bson_append_document_begin(out, doc_field_name(field), -1, &rules) &&
           put_type(&rules, field) && put_parts(&rules, field) &&
           bson_append_document_end(out, &rules);
}

static bool put_properties(bson_t *out, const struct shape *shape)
{
    bson_t properties;
    bool ok = bson_append_document_begin(out, "properties", -1, &properties);
    for (size_t i = 0; ok && i < shape->field_count; i++)
        ok = put_field(&properties, &shape->fields[i]);
    return ok && bson_append_document_end(out, &properties);
}

static bool is_required(const struct field *field)
{
    return !(field->flags & (FIELD_OPTIONAL | FIELD_NULLABLE)) && !field->fallback &&
           field->kind != FIELD_OPT_INT && field->kind != FIELD_OPT_BOOL;
}

/* MongoDB refuses an empty list. */
static bool put_required(bson_t *out, const struct shape *shape)
{
    bson_t required;
    uint32_t count = 0;
    char number[16];
    const char *key;
    bson_init(&required);
    bool ok = true;
    for (size_t i = 0; ok && i < shape->field_count; i++) {
        if (!is_required(&shape->fields[i]))
            continue;
        const size_t len = bson_uint32_to_string(count++, &key, number, sizeof(number));
        ok = bson_append_utf8(&required, key, (int)len, doc_field_name(&shape->fields[i]), -1);
    }
    ok = ok && (count == 0 || bson_append_array(out, "required", -1, &required));
    bson_destroy(&required);
    return ok;
}

static bool put_object(bson_t *out, const struct shape *shape)
{
    return bson_append_utf8(out, "bsonType", -1, "object", -1) && put_required(out, shape) &&
           put_properties(out, shape);
}

static bool put_placeholders(bson_t *choices)
{
    bson_t choice, version;
    return bson_append_document_begin(choices, "0", 1, &choice) &&
           bson_append_document_begin(&choice, "version", -1, &version) &&
           bson_append_bool(&version, "$exists", -1, false) &&
           bson_append_document_end(&choice, &version) &&
           bson_append_document_end(choices, &choice);
}

static bool put_documents(bson_t *choices, const struct shape *shape)
{
    bson_t choice, schema;
    return bson_append_document_begin(choices, "1", 1, &choice) &&
           bson_append_document_begin(&choice, "$jsonSchema", -1, &schema) &&
           put_object(&schema, shape) && bson_append_document_end(&choice, &schema) &&
           bson_append_document_end(choices, &choice);
}

bool validator_spec(bson_t *out, const struct shape *shape)
{
    bson_t choices;
    return bson_append_array_begin(out, "$or", -1, &choices) && put_placeholders(&choices) &&
           put_documents(&choices, shape) && bson_append_array_end(out, &choices);
}
