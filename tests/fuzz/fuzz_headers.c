/* fuzz_headers.c - any bytes as the properties of a message: what is read can be written into a
 * copy, as a delay or a dead letter does, and shown to people as JSON.
 *
 * The input is the content header as AMQP has it: flags, then the properties that they name. */
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
        {"x-operation", delivery->operation},
        {"x-caller", delivery->caller},
        {"x-history", delivery->history},
        {"accept-language", delivery->accept_language},
    };
    const struct bus_message copy = {
        .routing_key = STR("shop.dead.order"),
        .message_id = delivery->message_id,
        .correlation_id = delivery->correlation_id,
        .reply_to = delivery->reply_to,
        .type = delivery->type,
        .authorization = delivery->authorization,
        .api_key = delivery->api_key,
        .api_version = delivery->api_version,
        .traceparent = delivery->traceparent,
        .partition_key = delivery->partition_key,
        .deadline = delivery->deadline,
        .attempt = delivery->attempt,
        .expiration = delivery->expiration,
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
    };
    struct frames frames = {.frame_max = FRAME_MAX};
    require(frames_add_message(&frames, 1, &copy, 1));
    frames_release(&frames);
}

static void check(struct arena *arena, const amqp_basic_properties_t *properties)
{
    struct delivery delivery = {.expiration = -1, .timestamp = -1};
    read_properties(&delivery, properties);
    require(delivery.expiration >= -1 && delivery.timestamp >= -1);
    require(delivery.partition_key.len <= PARTITION_KEY_MAX);
    check_copy(&delivery);
    (void)publish_tag_of(properties); /* any number may stand there */
    if (properties->_flags & AMQP_BASIC_HEADERS_FLAG)
        check_json(arena, &properties->headers);
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
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, bytes, &properties) == AMQP_STATUS_OK)
        check(&arena, properties);
    arena_release(&arena);
    empty_amqp_pool(&pool);
    return 0;
}
