/* json_shape.c - writes an object as JSON by its shape: one small function per kind of field. */
#include "base/clock.h"
#include "wire/json.h"

/* Writes the value at `at` and returns true; writes nothing and returns false when it is absent. */
typedef bool put_field(struct json_writer *writer, const struct field *field, const void *at);

static bool put_str(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct str *value = at;
    (void)field;
    if (str_is_absent(*value))
        return false;
    json_put_str(writer, *value);
    return true;
}

static bool put_raw(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct str *value = at;
    (void)field;
    if (str_is_absent(*value))
        return false;
    json_put_raw(writer, *value);
    return true;
}

static bool put_int(struct json_writer *writer, const struct field *field, const void *at)
{
    const int64_t *value = at;
    (void)field;
    json_put_int(writer, *value);
    return true;
}

static bool put_opt_int(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct opt_int *value = at;
    (void)field;
    if (value->has)
        json_put_int(writer, value->value);
    return value->has;
}

static bool put_bool(struct json_writer *writer, const struct field *field, const void *at)
{
    const bool *value = at;
    (void)field;
    json_put_bool(writer, *value);
    return true;
}

static bool put_opt_bool(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct opt_bool *value = at;
    (void)field;
    if (value->has)
        json_put_bool(writer, value->value);
    return value->has;
}

static bool put_time(struct json_writer *writer, const struct field *field, const void *at)
{
    const int64_t *value = at;
    char text[TIME_TEXT + 1];
    (void)field;
    if (*value == 0)
        return false;
    time_format(*value, text);
    json_put_str(writer, (struct str){text, TIME_TEXT});
    return true;
}

static bool put_money(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct money *value = at;
    (void)field;
    if (money_is_absent(*value))
        return false;
    json_open_object(writer);
    json_key(writer, "amount");
    json_put_int(writer, value->amount);
    json_key(writer, "currency");
    json_put_str(writer, str_of(value->currency));
    json_close_object(writer);
    return true;
}

static bool put_enum(struct json_writer *writer, const struct field *field, const void *at)
{
    const int *value = at;
    if (*value < 0)
        return false;
    json_put_str(writer, str_of(field->names[*value]));
    return true;
}

static bool put_struct(struct json_writer *writer, const struct field *field, const void *at)
{
    const void *const *value = at;
    if (*value)
        json_put_shape(writer, field->shape, *value);
    return *value != NULL;
}

static bool put_embed(struct json_writer *writer, const struct field *field, const void *at)
{
    json_put_shape(writer, field->shape, at);
    return true;
}

static bool put_list(struct json_writer *writer, const struct field *field, const void *at)
{
    const struct any_list *list = at;
    if (!list->items && field->flags & (FIELD_OPTIONAL | FIELD_NULLABLE))
        return false;
    json_open_list(writer);
    for (size_t i = 0; i < list->count; i++)
        json_put_shape(writer, field->shape, (const char *)list->items + i * field->shape->size);
    json_close_list(writer);
    return true;
}

static bool put_strs(struct json_writer *writer, const struct field *field, const void *at)
{
    const LIST(struct str) *list = at;
    if (!list->items && field->flags & (FIELD_OPTIONAL | FIELD_NULLABLE))
        return false;
    const size_t count = list->items ? list->count : 0;
    json_open_list(writer);
    for (size_t i = 0; i < count; i++)
        json_put_str(writer, list->items[i]);
    json_close_list(writer);
    return true;
}

static put_field *const put_kind[] = {
    [FIELD_STR] = put_str,           [FIELD_ID] = put_str,          [FIELD_DATE] = put_str,
    [FIELD_INT] = put_int,           [FIELD_OPT_INT] = put_opt_int, [FIELD_BOOL] = put_bool,
    [FIELD_OPT_BOOL] = put_opt_bool, [FIELD_TIME] = put_time,       [FIELD_MONEY] = put_money,
    [FIELD_ENUM] = put_enum,         [FIELD_STRUCT] = put_struct,   [FIELD_EMBED] = put_embed,
    [FIELD_LIST] = put_list,         [FIELD_STRS] = put_strs,       [FIELD_IDS] = put_strs,
    [FIELD_RAW] = put_raw,
};

/* The key is written before it is known whether the value is absent; if it is, the text is cut back
 * to where the member began. That costs nothing for present values, which nearly all are. */
static void put_member(struct json_writer *writer, const struct field *field, const void *object)
{
    const struct json_writer before = *writer;
    const size_t len = writer->text->len;
    json_key(writer, field->name);
    if (put_kind[field->kind](writer, field, field_at(field, object)))
        return;
    const bool *given = field_given(field, object);
    if (given ? *given : !(field->flags & FIELD_OPTIONAL)) {
        json_put_null(writer);
        return;
    }
    *writer = before;
    writer->text->len = len;
    writer->text->ptr[len] = '\0';
}

void json_put_shape(struct json_writer *writer, const struct shape *shape, const void *object)
{
    json_open_object(writer);
    for (size_t i = 0; i < shape->field_count; i++)
        if (!(shape->fields[i].flags & FIELD_SECRET))
            put_member(writer, &shape->fields[i], object);
    json_close_object(writer);
}

struct str json_of_shape(struct arena *arena, const struct shape *shape, const void *object)
{
    struct text text;
    struct json_writer writer;
    text_init(&text, arena, 512);
    json_writer_init(&writer, &text);
    json_put_shape(&writer, shape, object);
    return text_str(&text);
}
