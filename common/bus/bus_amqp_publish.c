/* bus_amqp_publish.c - writes methods and messages as frames into one growing buffer.
 *
 * A frame is: type (1 byte), channel (2), size (4), payload, 0xCE; numbers are big-endian. A
 * message is a method frame, a header frame, and body frames of at most frame_max bytes each. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/bus_amqp_frames.h"

#define FRAME_HEAD     7
#define FRAME_OVERHEAD (FRAME_HEAD + 1)
#define METHOD_ID_SIZE 4
#define BUFFER_START   ((size_t)256 * 1024)

static void reserve(struct frames *frames, size_t more)
{
    if (frames->len + more <= frames->capacity)
        return;
    size_t capacity = frames->capacity ? frames->capacity : BUFFER_START;
    while (capacity < frames->len + more)
        capacity *= 2;
    frames->bytes = realloc(frames->bytes, capacity);
    if (!frames->bytes)
        panic("out of memory for %zu bytes to be sent", capacity);
    frames->capacity = capacity;
}

void frames_release(struct frames *frames)
{
    free(frames->bytes);
    *frames = (struct frames){.frame_max = frames->frame_max};
}

void frames_add_raw(struct frames *frames, const void *bytes, size_t len)
{
    reserve(frames, len);
    memcpy(frames->bytes + frames->len, bytes, len);
    frames->len += len;
}

static void put16(uint8_t *at, uint16_t value)
{
    value = htobe16(value);
    memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    memcpy(at, &value, sizeof(value));
}

/* Completes a frame whose payload is already in place after the frames of the buffer. */
static void close_frame(struct frames *frames, uint8_t type, amqp_channel_t channel, size_t size)
{
    uint8_t *frame = frames->bytes + frames->len;
    frame[0] = type;
    put16(frame + 1, channel);
    put32(frame + 3, (uint32_t)size);
    frame[FRAME_HEAD + size] = AMQP_FRAME_END;
    frames->len += size + FRAME_OVERHEAD;
}

bool frames_add_method(struct frames *frames, amqp_channel_t channel, amqp_method_number_t id,
                       void *decoded)
{
    reserve(frames, frames->frame_max);
    uint8_t *payload = frames->bytes + frames->len + FRAME_HEAD;
    const amqp_bytes_t room = {frames->frame_max - FRAME_OVERHEAD - METHOD_ID_SIZE,
                               payload + METHOD_ID_SIZE};
    const int size = amqp_encode_method(id, decoded, room);
    if (size < 0)
        return false;
    put32(payload, id);
    close_frame(frames, AMQP_FRAME_METHOD, channel, METHOD_ID_SIZE + (size_t)size);
    return true;
}

/* --- a message ------------------------------------------------------------------------------ */

/* All headers but bus_message.headers: those of the list, four numbers and the publish tag. */
#define COUNT_HEADER(member, header) +1
#define HEADERS_FIXED                (5 MESSAGE_HEADERS(COUNT_HEADER))

struct headers {
    amqp_table_entry_t fixed[HEADERS_FIXED];
    amqp_table_entry_t *entries; /* `fixed`, or malloc'd when the message has further headers */
    int count;
};

static void add_str_header(struct headers *headers, const char *name, struct str value)
{
    if (str_is_absent(value))
        return;
    headers->entries[headers->count++] = (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_bytes_of(value)},
    };
}

static void add_int_header(struct headers *headers, const char *name, int64_t value)
{
    if (value <= 0)
        return;
    headers->entries[headers->count++] = (amqp_table_entry_t){
        .key = amqp_cstring_bytes(name),
        .value = {.kind = AMQP_FIELD_KIND_I64, .value.i64 = value},
    };
}

static void headers_init(struct headers *headers, const struct bus_message *message,
                         uint64_t publish_tag)
{
    headers->count = 0;
    headers->entries = headers->fixed;
    if (message->header_count) {
        headers->entries =
            malloc((message->header_count + HEADERS_FIXED) * sizeof(*headers->entries));
        if (!headers->entries)
            panic("out of memory for %zu headers", message->header_count);
    }
#define ADD_HEADER(member, header) add_str_header(headers, header, message->member);
    MESSAGE_HEADERS(ADD_HEADER)
#undef ADD_HEADER
    add_int_header(headers, "status", message->status);
    add_int_header(headers, "retry-after-ms", message->retry_after_ms);
    add_int_header(headers, "x-attempt", message->attempt);
    add_int_header(headers, "deadline", message->deadline);
    add_int_header(headers, "x-publish-tag", (int64_t)publish_tag);
    for (size_t i = 0; i < message->header_count; i++)
        add_str_header(headers, message->headers[i].name, message->headers[i].value);
}

static void headers_release(struct headers *headers)
{
    if (headers->entries != headers->fixed)
        free(headers->entries);
}

static void set_property(amqp_basic_properties_t *properties, amqp_flags_t flag,
                         amqp_bytes_t *property, struct str value)
{
    if (str_is_absent(value))
        return;
    properties->_flags |= flag;
    *property = amqp_bytes_of(value);
}

#define NUMBER_TEXT 24

static void set_properties(amqp_basic_properties_t *properties, const struct bus_message *message,
                           char expiration[NUMBER_TEXT])
{
    properties->_flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties->content_type = str_is_absent(message->content_type)
                                   ? amqp_cstring_bytes("application/json")
                                   : amqp_bytes_of(message->content_type);
    properties->delivery_mode =
        message->transient ? AMQP_DELIVERY_NONPERSISTENT : AMQP_DELIVERY_PERSISTENT;
    set_property(properties, AMQP_BASIC_CONTENT_ENCODING_FLAG, &properties->content_encoding,
                 message->content_encoding);
    set_property(properties, AMQP_BASIC_MESSAGE_ID_FLAG, &properties->message_id,
                 message->message_id);
    set_property(properties, AMQP_BASIC_CORRELATION_ID_FLAG, &properties->correlation_id,
                 message->correlation_id);
    set_property(properties, AMQP_BASIC_REPLY_TO_FLAG, &properties->reply_to, message->reply_to);
    set_property(properties, AMQP_BASIC_TYPE_FLAG, &properties->type, message->type);
    if (message->expiration > 0) {
        snprintf(expiration, NUMBER_TEXT, "%" PRId64, message->expiration);
        properties->_flags |= AMQP_BASIC_EXPIRATION_FLAG;
        properties->expiration = amqp_cstring_bytes(expiration);
    }
    if (message->timestamp > 0) {
        properties->_flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        properties->timestamp = (uint64_t)message->timestamp;
    }
}

static bool add_header_frame(struct frames *frames, amqp_channel_t channel,
                             const struct bus_message *message, uint64_t publish_tag)
{
    char expiration[NUMBER_TEXT];
    amqp_basic_properties_t properties = {0};
    set_properties(&properties, message, expiration);
    struct headers headers;
    headers_init(&headers, message, publish_tag);
    if (headers.count) {
        properties._flags |= AMQP_BASIC_HEADERS_FLAG;
        properties.headers = (amqp_table_t){headers.count, headers.entries};
    }

    reserve(frames, frames->frame_max);
    uint8_t *payload = frames->bytes + frames->len + FRAME_HEAD;
    put16(payload, AMQP_BASIC_CLASS);
    put16(payload + 2, 0);
    put64(payload + 4, message->body.len);
    const amqp_bytes_t room = {frames->frame_max - FRAME_OVERHEAD - CONTENT_HEAD,
                               payload + CONTENT_HEAD};
    const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &properties, room);
    headers_release(&headers);
    if (size < 0)
        return false;
    close_frame(frames, AMQP_FRAME_HEADER, channel, CONTENT_HEAD + (size_t)size);
    return true;
}

static void add_body_frames(struct frames *frames, amqp_channel_t channel, struct str body)
{
    const size_t piece_max = frames->frame_max - FRAME_OVERHEAD;
    while (body.len > 0) {
        const size_t piece = body.len < piece_max ? body.len : piece_max;
        reserve(frames, piece + FRAME_OVERHEAD);
        memcpy(frames->bytes + frames->len + FRAME_HEAD, body.ptr, piece);
        close_frame(frames, AMQP_FRAME_BODY, channel, piece);
        body.ptr += piece;
        body.len -= piece;
    }
}

bool frames_add_message(struct frames *frames, amqp_channel_t channel,
                        const struct bus_message *message, uint64_t publish_tag)
{
    const size_t before = frames->len;
    amqp_basic_publish_t publish = {
        .exchange = amqp_bytes_of(message->exchange),
        .routing_key = amqp_bytes_of(message->routing_key),
        .mandatory = message->mandatory,
    };
    if (frames_add_method(frames, channel, AMQP_BASIC_PUBLISH_METHOD, &publish) &&
        add_header_frame(frames, channel, message, publish_tag)) {
        add_body_frames(frames, channel, message->body);
        return true;
    }
    frames->len = before;
    return false;
}
