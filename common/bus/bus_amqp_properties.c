/* bus_amqp_properties.c - reads properties and headers of a message into a struct delivery.
 *
 * Only the headers in the table are read, whatever else a publisher sends. Clients differ in how
 * they send a number: a header that can be read is accepted, whatever its type, and one that cannot
 * be read is reported (delivery.odd_header). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "bus/bus_amqp_frames.h"

struct header_field {
    const char *name;
    size_t offset;
    bool is_number;
};

#define STR_HEADER(field, name_) {.name = (name_), .offset = offsetof(struct delivery, field)},
#define NUMBER_HEADER(name_, field)                                                                \
    {                                                                                              \
        .name = (name_), .offset = offsetof(struct delivery, field), .is_number = true             \
    }

/* clang-format off */
static const struct header_field header_fields[] = {
    DELIVERY_HEADERS(STR_HEADER)
    NUMBER_HEADER("deadline", deadline),
    NUMBER_HEADER("status", status),
    NUMBER_HEADER("retry-after-ms", retry_after_ms),
    NUMBER_HEADER("x-attempt", attempt),
    NUMBER_HEADER("x-delivery-count", delivery_count),
};
/* clang-format on */

#define HEADER_FIELDS (sizeof(header_fields) / sizeof(header_fields[0]))

bool integer_of(const amqp_field_value_t *value, int64_t *out)
{
    switch (value->kind) {
    case AMQP_FIELD_KIND_I8:
        *out = value->value.i8;
        return true;
    case AMQP_FIELD_KIND_U8:
        *out = value->value.u8;
        return true;
    case AMQP_FIELD_KIND_I16:
        *out = value->value.i16;
        return true;
    case AMQP_FIELD_KIND_U16:
        *out = value->value.u16;
        return true;
    case AMQP_FIELD_KIND_I32:
        *out = value->value.i32;
        return true;
    case AMQP_FIELD_KIND_U32:
        *out = value->value.u32;
        return true;
    case AMQP_FIELD_KIND_I64:
        *out = value->value.i64;
        return true;
    case AMQP_FIELD_KIND_U64:
        *out = (int64_t)value->value.u64;
        return value->value.u64 <= INT64_MAX;
    default:
        return false;
    }
}

/* 2^63: the first double that does not fit into an int64_t. */
#define INT64_LIMIT 9223372036854775808.0

/* Cuts off fractions (of a millisecond). */
static bool integer_of_double(double value, int64_t *out)
{
    if (!(value > -INT64_LIMIT && value < INT64_LIMIT))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool is_text(const amqp_field_value_t *value)
{
    return value->kind == AMQP_FIELD_KIND_UTF8 || value->kind == AMQP_FIELD_KIND_BYTES;
}

/* An AMQP timestamp counts seconds, our times are in milliseconds. */
static bool number_of(const amqp_field_value_t *value, int64_t *out)
{
    int64_t seconds;
    switch (value->kind) {
    case AMQP_FIELD_KIND_F32:
        return integer_of_double((double)value->value.f32, out);
    case AMQP_FIELD_KIND_F64:
        return integer_of_double(value->value.f64, out);
    case AMQP_FIELD_KIND_DECIMAL:
        return integer_of_double(
            value->value.decimal.value * pow(10, -value->value.decimal.decimals), out);
    case AMQP_FIELD_KIND_TIMESTAMP:
        seconds = (int64_t)value->value.u64;
        return seconds >= 0 && !__builtin_mul_overflow(seconds, MS_PER_SECOND, out);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        return str_to_int64(str_of_bytes(value->value.bytes), out);
    default:
        return integer_of(value, out);
    }
}

/* A text may come as a number ("x-api-version": 1) if the conversion loses nothing. */
static bool text_of(const amqp_field_value_t *value, struct header_room *room, struct str *out)
{
    int64_t number;
    if (is_text(value)) {
        *out = str_of_bytes(value->value.bytes);
        return true;
    }
    const bool is_whole =
        integer_of(value, &number) ||
        (value->kind == AMQP_FIELD_KIND_F64 && value->value.f64 == trunc(value->value.f64) &&
         number_of(value, &number));
    if (!is_whole || room->used == HEADER_NUMBERS)
        return false;
    char *text = room->texts[room->used++];
    snprintf(text, HEADER_NUMBER_TEXT, "%" PRId64, number);
    *out = str_of(text);
    return true;
}

static void read_header(struct delivery *delivery, const struct header_field *field,
                        const amqp_field_value_t *value, struct header_room *room)
{
    void *target = (char *)delivery + field->offset;
    int64_t number;
    if (value->kind == AMQP_FIELD_KIND_VOID)
        return; /* some clients leave a header out in this way */
    if (!field->is_number) {
        if (!text_of(value, room, target))
            delivery->odd_header = field->name;
    } else if (number_of(value, &number) && number >= 0) {
        *(int64_t *)target = number;
    } else {
        delivery->odd_header = field->name;
    }
}

/* Bytes; no AMQP name is longer. */
#define DEATH_TEXT_MAX 255

#define DEATH_FIELD(member, name_) {.name = (name_), .offset = offsetof(struct delivery, member)},

/* clang-format off */
static const struct header_field death_fields[] = {
    DELIVERY_DEATH(DEATH_FIELD)
};
/* clang-format on */

static bool is_named(amqp_bytes_t key, const char *name)
{
    return key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0;
}

/* If several fields have the same name, the first counts, as it does for the broker. */
static void read_death_field(struct delivery *delivery, const struct header_field *field,
                             const amqp_table_t *death)
{
    for (int i = 0; i < death->num_entries; i++) {
        const amqp_field_value_t *value = &death->entries[i].value;
        if (!is_named(death->entries[i].key, field->name))
            continue;
        if (is_text(value) && value->value.bytes.len <= DEATH_TEXT_MAX)
            *(struct str *)(void *)((char *)delivery + field->offset) =
                str_of_bytes(value->value.bytes);
        return;
    }
}

/* Reads the newest death, which comes first in the list. */
static void read_death(struct delivery *delivery, const amqp_field_value_t *deaths)
{
    const amqp_array_t *list = &deaths->value.array;
    if (deaths->kind != AMQP_FIELD_KIND_ARRAY || list->num_entries == 0 ||
        list->entries[0].kind != AMQP_FIELD_KIND_TABLE)
        return;
    for (size_t f = 0; f < sizeof(death_fields) / sizeof(death_fields[0]); f++)
        read_death_field(delivery, &death_fields[f], &list->entries[0].value.table);
}

static void read_headers(struct delivery *delivery, const amqp_table_t *headers,
                         struct header_room *room)
{
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_table_entry_t *entry = &headers->entries[i];
        if (is_named(entry->key, "x-death"))
            read_death(delivery, &entry->value);
        for (size_t f = 0; f < HEADER_FIELDS; f++)
            if (is_named(entry->key, header_fields[f].name))
                read_header(delivery, &header_fields[f], &entry->value, room);
    }
}

uint64_t publish_tag_of(const amqp_basic_properties_t *properties)
{
    const amqp_table_t *headers = &properties->headers;
    int64_t tag = 0;
    if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG))
        return 0;
    for (int i = 0; i < headers->num_entries; i++)
        if (is_named(headers->entries[i].key, "x-publish-tag") &&
            integer_of(&headers->entries[i].value, &tag))
            return (uint64_t)tag;
    return 0;
}

int64_t major_version(const amqp_table_t *server_properties)
{
    for (int i = 0; i < server_properties->num_entries; i++) {
        const amqp_table_entry_t *entry = &server_properties->entries[i];
        if (!is_named(entry->key, "version") || !is_text(&entry->value))
            continue;
        const struct str version = str_of_bytes(entry->value.value.bytes);
        const char *dot = version.len ? memchr(version.ptr, '.', version.len) : NULL;
        int64_t major;
        if (dot && str_to_int64((struct str){version.ptr, (size_t)(dot - version.ptr)}, &major))
            return major;
    }
    return -1;
}

/* Drops the header texts if they are too long in total: such a message is not one of ours, and a
 * copy of it (for a delay, or as a dead letter) must fit in a frame. */
static void drop_long_headers(struct delivery *delivery)
{
    size_t total = 0;
    for (size_t f = 0; f < HEADER_FIELDS; f++)
        if (!header_fields[f].is_number)
            total += ((struct str *)(void *)((char *)delivery + header_fields[f].offset))->len;
    if (total <= BUS_HEADERS_MAX)
        return;
    for (size_t f = 0; f < HEADER_FIELDS; f++)
        if (!header_fields[f].is_number)
            *(struct str *)(void *)((char *)delivery + header_fields[f].offset) = STR_ABSENT;
    delivery->headers_fault = HEADERS_TOO_LONG;
}

static void drop_long_key(struct delivery *delivery)
{
    if (delivery->partition_key.len > PARTITION_KEY_MAX)
        delivery->partition_key = STR_ABSENT;
}

static struct str property_of(const amqp_basic_properties_t *properties, amqp_flags_t flag,
                              amqp_bytes_t value)
{
    return properties->_flags & flag ? str_of_bytes(value) : STR_ABSENT;
}

void read_properties(struct delivery *out, const amqp_basic_properties_t *from,
                     struct header_room *room)
{
    out->message_id = property_of(from, AMQP_BASIC_MESSAGE_ID_FLAG, from->message_id);
    out->correlation_id = property_of(from, AMQP_BASIC_CORRELATION_ID_FLAG, from->correlation_id);
    out->reply_to = property_of(from, AMQP_BASIC_REPLY_TO_FLAG, from->reply_to);
    out->content_type = property_of(from, AMQP_BASIC_CONTENT_TYPE_FLAG, from->content_type);
    out->content_encoding =
        property_of(from, AMQP_BASIC_CONTENT_ENCODING_FLAG, from->content_encoding);
    out->type = property_of(from, AMQP_BASIC_TYPE_FLAG, from->type);
    const struct str expiration = property_of(from, AMQP_BASIC_EXPIRATION_FLAG, from->expiration);
    if (!str_is_absent(expiration) &&
        (!str_to_int64(expiration, &out->expiration) || out->expiration < 0))
        out->expiration = -1;
    if (from->_flags & AMQP_BASIC_TIMESTAMP_FLAG && from->timestamp <= INT64_MAX)
        out->timestamp = (int64_t)from->timestamp;
    if (from->_flags & AMQP_BASIC_HEADERS_FLAG)
        read_headers(out, &from->headers, room);
    drop_long_key(out);
    drop_long_headers(out);
}
