/* fuzz_frames.c - any bytes from the broker's side of a connection: the link takes what is AMQP and
 * is lost over the rest, and it does not matter in which pieces they arrive.
 *
 * The first byte is the size of the pieces of the second run and, if odd, asks for all headers; the
 * rest is frames, as they come after the login. */
#include <sodium.h>
#include <stdlib.h>

#include "bus/bus_amqp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX  4096
#define FRAME_MAX 4096 /* small: longer ones are within reach */
#define WHOLE     (LINK_BUFFER - FRAME_MAX)

/* One life of a link, and a digest of all that it told. */
struct listener {
    struct link link;
    crypto_generichash_state told;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void tell(struct listener *listener, const void *bytes, size_t len)
{
    crypto_generichash_update(&listener->told, bytes, len);
}

/* Reads every byte and the NUL behind it. */
static void tell_str(struct listener *listener, struct str text)
{
    tell(listener, &text.len, sizeof(text.len));
    tell(listener, text.ptr, text.len);
    require(str_is_absent(text) ? text.len == 0 : text.ptr[text.len] == '\0');
}

static void tell_delivery(struct listener *listener, const struct delivery *delivery)
{
#define PROPERTY_OF(member)       delivery->member,
#define HEADER_OF(member, header) delivery->member,
    /* clang-format off */
    const struct str texts[] = {
        DELIVERY_PROPERTIES(PROPERTY_OF)
        DELIVERY_HEADERS(HEADER_OF)
        DELIVERY_DEATH(HEADER_OF)
        delivery->body,
        delivery->headers,
    };
    /* clang-format on */
    const int64_t numbers[] = {
        (int64_t)delivery->tag,   delivery->deadline,    delivery->status,
        delivery->expiration,     delivery->timestamp,   delivery->attempt,
        delivery->delivery_count, delivery->redelivered, delivery->too_large,
        delivery->headers_fault,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        tell_str(listener, texts[i]);
    tell(listener, numbers, sizeof(numbers));
    require(delivery->body.len <= (delivery->too_large ? 0 : BODY_MAX));
}

static void on_delivered(void *owner, struct delivery *delivery)
{
    tell_delivery(owner, delivery);
    delivery_free(delivery);
}

static void on_returned(void *owner, struct delivery *message)
{
    tell(owner, "returned", 8);
    on_delivered(owner, message);
}

static void on_confirmed(void *owner, uint64_t tag, bool multiple, bool ok)
{
    const uint64_t confirmed[] = {tag, multiple, ok};
    tell(owner, confirmed, sizeof(confirmed));
}

static void listener_init(struct listener *listener, bool keep_headers)
{
    static const struct link_events events = {on_delivered, on_returned, on_confirmed};
    static const struct bus_uri uri = {.places = {{"broker", 5672}}, .place_count = 1};
    static const struct str consumed[] = {{"shop.cart", 9}, {"shop.order", 10}};
    *listener = (struct listener){
        .link = {.options = {.uri = &uri,
                             .timeout_ms = 1,
                             .body_max = BODY_MAX,
                             .keep_headers = keep_headers,
                             .events = &events,
                             .owner = listener},
                 .open = true,
                 .socket = {.fd = -1},
                 .place = &uri.places[0],
                 .in = malloc(LINK_BUFFER),
                 .out = {.frame_max = FRAME_MAX},
                 .call = {.channel = 1, .reply = AMQP_QUEUE_DECLARE_OK_METHOD},
                 .consumed = consumed,
                 .consumed_count = 2},
    };
    if (!listener->link.in)
        panic("out of memory for a connection");
    init_amqp_pool(&listener->link.pool, 4096);
    crypto_generichash_init(&listener->told, NULL, 0, 16);
}

/* The loss belongs to what is told. */
static void listener_end(struct listener *listener, uint8_t digest[16])
{
    tell_str(listener, str_of(listener->link.reason));
    tell(listener, &listener->link.call.message_count, sizeof(int64_t));
    tell(listener, listener->link.out.bytes, listener->link.out.len);
    link_lose(&listener->link, "the end");
    link_close(&listener->link);
    crypto_generichash_final(&listener->told, digest, 16);
}

static void hear(struct str bytes, size_t piece, bool keep_headers, uint8_t digest[16])
{
    struct listener listener;
    listener_init(&listener, keep_headers);
    for (size_t at = 0; at < bytes.len && !listener.link.lost; at += piece) {
        const size_t len = bytes.len - at < piece ? bytes.len - at : piece;
        require(listener.link.in_len + len <= LINK_BUFFER);
        memcpy(listener.link.in + listener.link.in_len, bytes.ptr + at, len);
        link_take(&listener.link, len);
    }
    listener_end(&listener, digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t whole[16];
    uint8_t pieces[16];
    if (size < 2)
        return 0;
    const struct str bytes = {(const char *)data + 1, size - 1};
    const bool keep_headers = data[0] & 1;
    hear(bytes, bytes.len < WHOLE ? bytes.len : WHOLE, keep_headers, whole);
    hear(bytes, (size_t)data[0] + 1, keep_headers, pieces);
    require(memcmp(whole, pieces, sizeof(whole)) == 0);
    return 0;
}
