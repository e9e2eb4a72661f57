/* bus_amqp_headers.c - all headers of a message as JSON, for people who look at the message.
 *
 * Lanes never ask for them: they read only the few headers that they know. A publisher may nest
 * tables as deep as a frame is long, so the depth is bounded here as everywhere. */
#include "bus/bus_amqp_frames.h"
#include "wire/json.h"

static void put_value(struct json_writer *writer, const amqp_field_value_t *value, int depth);

static void put_table(struct json_writer *writer, const amqp_table_t *table, int depth)
{
    json_open_object(writer);
    for (int i = 0; i < table->num_entries; i++) {
        json_put_name(writer, str_of_bytes(table->entries[i].key));
        put_value(writer, &table->entries[i].value, depth);
    }
    json_close_object(writer);
}

static void put_array(struct json_writer *writer, const amqp_array_t *array, int depth)
{
    json_open_list(writer);
    for (int i = 0; i < array->num_entries; i++)
        put_value(writer, &array->entries[i], depth);
    json_close_list(writer);
}

static const char *kind_name(uint8_t kind)
{
    switch (kind) {
    case AMQP_FIELD_KIND_F32:
    case AMQP_FIELD_KIND_F64:
        return "<double>";
    case AMQP_FIELD_KIND_DECIMAL:
        return "<decimal>";
    case AMQP_FIELD_KIND_TABLE:
    case AMQP_FIELD_KIND_ARRAY:
        return "<too deep>";
    default:
        return "<unknown>";
    }
}

static void put_value(struct json_writer *writer, const amqp_field_value_t *value, int depth)
{
    int64_t number;
    if (value->kind == AMQP_FIELD_KIND_UTF8 || value->kind == AMQP_FIELD_KIND_BYTES)
        json_put_str(writer, str_of_bytes(value->value.bytes));
    else if (integer_of(value, &number))
        json_put_int(writer, number);
    else if (value->kind == AMQP_FIELD_KIND_TIMESTAMP)
        json_put_int(writer, (int64_t)value->value.u64);
    else if (value->kind == AMQP_FIELD_KIND_BOOLEAN)
        json_put_bool(writer, value->value.boolean);
    else if (value->kind == AMQP_FIELD_KIND_VOID)
        json_put_null(writer);
    else if (value->kind == AMQP_FIELD_KIND_TABLE && depth < HEADERS_DEPTH_MAX)
        put_table(writer, &value->value.table, depth + 1);
    else if (value->kind == AMQP_FIELD_KIND_ARRAY && depth < HEADERS_DEPTH_MAX)
        put_array(writer, &value->value.array, depth + 1);
    else
        json_put_str(writer, str_of(kind_name(value->kind)));
}

struct str headers_as_json(struct arena *arena, const amqp_table_t *headers)
{
    struct text text;
    text_init(&text, arena, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    put_table(&writer, headers, 1);
    return text_str(&text);
}
