/* fuzz_headers.c - any bytes as the properties of a message: what is read can be written into a
 * copy, as a delay or a dead letter does, and shown to people as JSON; what is found readable before the
 * library sees it, the library can decode.
 *
 * The input is the content header as AMQP has it: flags, then the properties that they name. */
#include <endian.h>
#include <stdlib.h>

#include "bus/bus_amqp_frames.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* A stranger may send the same header twice; everything else would be a fault of the writer. */
static void check_json(struct arena *arena, const amqp_table_t *headers)
{
    const struct json *json;
    struct err err = {0};
    const struct str text = headers_as_json(arena, headers);
    if (json_parse(arena, text, &json, &err) != OUTCOME_DONE)
        require(strstr(err.text, "twice") || strstr(err.text, "values") ||
                memmem(text.ptr, text.len, "\\u0000", 6));
}

/* Always fits in a frame again. */
static void check_copy(const struct delivery *delivery)
{
    const struct bus_header headers[] = {
        {"x-operation", delivery->operation}, {"x-caller", delivery->caller},
        {"x-history", delivery->history},     {"accept-language", delivery->accept_language},
        {"x-client-ip", delivery->client_ip},
    };
    struct bus_message copy = {
        .routing_key = STR("shop.dead.order"),
        .message_id = delivery->message_id,
        .correlation_id = delivery->correlation_id,
        .reply_to = delivery->reply_to,
        .type = delivery->type,
        .deadline = delivery->deadline,
        .attempt = delivery->attempt,
        .expiration = delivery->expiration,
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
    };
#define COPY_HEADER(member, header) copy.member = delivery->member;
    MESSAGE_HEADERS(COPY_HEADER)
#undef COPY_HEADER
    struct frames frames = {.frame_max = BUS_FRAME_MAX};
    require(frames_add_message(&frames, 1, &copy, 1));
    frames_release(&frames);
}

static void check(struct arena *arena, const amqp_basic_properties_t *properties)
{
    struct delivery delivery = {.expiration = -1, .timestamp = -1};
    struct header_room room = {0};
    read_properties(&delivery, properties, &room);
    require(delivery.expiration >= -1 && delivery.timestamp >= -1);
    require(delivery.partition_key.len <= PARTITION_KEY_MAX);
    check_copy(&delivery);
    (void)publish_tag_of(properties); /* any number may stand there */
    if (properties->_flags & AMQP_BASIC_HEADERS_FLAG)
        check_json(arena, &properties->headers);
}

/* The input with what stands before it in a content header. Readable: the library takes it, or there is
 * something else than the table that it does not take. */
static bool is_readable(const uint8_t *data, size_t size)
{
    struct table_place place;
    uint8_t *payload = calloc(1, CONTENT_HEAD + size);
    if (!payload)
        panic("out of memory for a content header");
    memcpy(payload + CONTENT_HEAD, data, size);
    const size_t len = CONTENT_HEAD + size;
    bool readable = true;
    if (table_find(payload, len, &place)) {
        const size_t contents = place.from + sizeof(uint32_t);
        readable =
            place.to <= len && table_is_readable(payload + contents, (size_t)place.to - contents);
        table_deny(payload);
        require(!table_find(payload, len, &place));
    }
    free(payload);
    return readable;
}

/* Just the table: then the library has no other reason to refuse. */
static void check_table(amqp_pool_t *pool, const uint8_t *data, size_t size)
{
    const uint32_t length = htobe32((uint32_t)size);
    uint8_t *encoded = malloc(2 + sizeof(length) + size);
    void *properties = NULL;
    if (!encoded)
        panic("out of memory for a table");
    encoded[0] = 0x20; /* headers, and nothing else */
    encoded[1] = 0;
    memcpy(encoded + 2, &length, sizeof(length));
    memcpy(encoded + 2 + sizeof(length), data, size);
    if (table_is_readable(data, size)) {
        const int status =
            amqp_decode_properties(AMQP_BASIC_CLASS, pool,
                                   (amqp_bytes_t){2 + sizeof(length) + size, encoded}, &properties);
        if (status == AMQP_STATUS_NO_MEMORY)
            panic("out of memory for a table");
        require(status == AMQP_STATUS_OK);
    }
    free(encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    amqp_pool_t pool;
    void *properties = NULL;
    init_amqp_pool(&pool, 4096);
    json_init();
    arena_init(&arena, 4096);
    const amqp_bytes_t bytes = {size, (void *)(uintptr_t)data};
    check_table(&pool, data, size);
    if (is_readable(data, size) &&
        amqp_decode_properties(AMQP_BASIC_CLASS, &pool, bytes, &properties) == AMQP_STATUS_OK)
        check(&arena, properties);
    arena_release(&arena);
    empty_amqp_pool(&pool);
    return 0;
}
