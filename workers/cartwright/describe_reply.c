/* describe_reply.c - writes the JSON Schema of a reply, from the table that writes the reply. */
#include "cartwright/describe.h"

static void put_shape(struct json_writer *writer, const struct shape *shape);

static void put_text(struct json_writer *writer, const char *key, const char *value)
{
    json_key(writer, key);
    json_put_str(writer, str_of(value));
}

struct form {
    const char *type;
    const char *detail; /* a further keyword, or NULL */
    const char *value;
};

static const struct form forms[] = {
    [FIELD_STR] = {"string", NULL, NULL},
    [FIELD_ID] = {"string", "pattern", "^[0-9a-f]{24}$"},
    [FIELD_DATE] = {"string", "format", "date"},
    [FIELD_INT] = {"integer", NULL, NULL},
    [FIELD_OPT_INT] = {"integer", NULL, NULL},
    [FIELD_BOOL] = {"boolean", NULL, NULL},
    [FIELD_OPT_BOOL] = {"boolean", NULL, NULL},
    [FIELD_OPT_STR] = {"string", NULL, NULL},
    [FIELD_TIME] = {"string", "format", "date-time"},
    [FIELD_STRS] = {"string", NULL, NULL}, /* of each item */
    [FIELD_IDS] = {"string", "pattern", "^[0-9a-f]{24}$"},
};

static void put_form(struct json_writer *writer, const struct form *form)
{
    put_text(writer, "type", form->type);
    if (form->detail)
        put_text(writer, form->detail, form->value);
}

static void put_money(struct json_writer *writer)
{
    put_text(writer, "type", "object");
    put_text(writer, "description", "amount in the currency's smallest unit");
    json_key(writer, "properties");
    json_open_object(writer);
    json_key(writer, "amount");
    json_open_object(writer);
    put_text(writer, "type", "integer");
    json_close_object(writer);
    json_key(writer, "currency");
    json_open_object(writer);
    put_text(writer, "type", "string");
    json_close_object(writer);
    json_close_object(writer);
}

static void put_names(struct json_writer *writer, const char *const *names)
{
    json_key(writer, "enum");
    json_open_list(writer);
    for (size_t i = 0; names[i]; i++)
        json_put_str(writer, str_of(names[i]));
    json_close_list(writer);
}

static void put_items(struct json_writer *writer, const struct field *field)
{
    put_text(writer, "type", "array");
    json_key(writer, "items");
    if (field->shape) {
        put_shape(writer, field->shape);
        return;
    }
    json_open_object(writer);
    put_form(writer, &forms[field->kind]);
    json_close_object(writer);
}

static void put_members(struct json_writer *writer, const struct shape *shape);

static void put_field(struct json_writer *writer, const struct field *field)
{
    json_open_object(writer);
    switch (field->kind) {
    case FIELD_MONEY:
        put_money(writer);
        break;
    case FIELD_ENUM:
        put_names(writer, field->names);
        break;
    case FIELD_STRUCT:
    case FIELD_EMBED:
        put_members(writer, field->shape);
        break;
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        put_items(writer, field);
        break;
    case FIELD_RAW:
        put_text(writer, "description", "JSON of a form of its own");
        break;
    default:
        put_form(writer, &forms[field->kind]);
    }
    json_close_object(writer);
}

static void put_field_or_null(struct json_writer *writer, const struct field *field)
{
    if (!(field->flags & FIELD_NULLABLE) && field->kind != FIELD_OPT_STR) {
        put_field(writer, field);
        return;
    }
    json_open_object(writer);
    json_key(writer, "anyOf");
    json_open_list(writer);
    put_field(writer, field);
    json_open_object(writer);
    put_text(writer, "type", "null");
    json_close_object(writer);
    json_close_list(writer);
    json_close_object(writer);
}

static void put_required(struct json_writer *writer, const struct shape *shape)
{
    json_key(writer, "required");
    json_open_list(writer);
    for (size_t i = 0; i < shape->field_count; i++)
        if (!(shape->fields[i].flags & (FIELD_OPTIONAL | FIELD_SECRET)))
            json_put_str(writer, str_of(shape->fields[i].name));
    json_close_list(writer);
}

static void put_members(struct json_writer *writer, const struct shape *shape)
{
    put_text(writer, "type", "object");
    json_key(writer, "properties");
    json_open_object(writer);
    for (size_t i = 0; i < shape->field_count; i++) {
        if (shape->fields[i].flags & FIELD_SECRET)
            continue;
        json_key(writer, shape->fields[i].name);
        put_field_or_null(writer, &shape->fields[i]);
    }
    json_close_object(writer);
    put_required(writer, shape);
}

static void put_shape(struct json_writer *writer, const struct shape *shape)
{
    json_open_object(writer);
    put_text(writer, "title", shape->name);
    put_members(writer, shape);
    json_close_object(writer);
}

void describe_reply(struct json_writer *writer, const struct shape *shape)
{
    if (shape) {
        put_shape(writer, shape);
        return;
    }
    json_open_object(writer);
    put_text(writer, "type", "object");
    json_close_object(writer);
}
