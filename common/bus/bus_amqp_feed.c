/* bus_amqp_feed.c - splits bytes into frames: type (1 byte), channel (2), size (4), payload, 0xCE.
 *
 * Frames are decoded in the buffer in which they arrived; a part of a frame is moved to the front
 * and waits for the rest. RabbitMQ does not split content headers, so one that a publisher was
 * allowed to send may be larger than the size that was agreed with us. The header table of such a
 * content header is dropped as it arrives, and what remains is small. */
#include <endian.h>

#include "bus/bus_amqp.h"

#define FRAME_HEAD     7
#define FRAME_OVERHEAD (FRAME_HEAD + 1)
#define SIZE_AT        3
#define TABLE_SEEN_MAX ((size_t)TABLE_AT_MAX + sizeof(uint32_t)) /* including its length */
/* No broker sends a longer content header, whatever size was asked for. */
#define LONG_FRAME_MAX ((size_t)1 << 20)

static uint32_t size_of(const uint8_t *frame)
{
    uint32_t size;
    memcpy(&size, frame + SIZE_AT, sizeof(size));
    return be32toh(size);
}

static void set_size(uint8_t *frame, size_t size)
{
    const uint32_t wire = htobe32((uint32_t)size);
    memcpy(frame + SIZE_AT, &wire, sizeof(wire));
}

static void no_amqp(struct link *link, const char *what)
{
    link_lose(link, "the broker sent what is no AMQP: %s", what);
}

/* Removes the bytes [from, to); those that have not arrived yet are dropped when they do. */
static void drop(struct link *link, size_t from, uint64_t to)
{
    const size_t there = to < link->in_len ? (size_t)to : link->in_len;
    link->skip = to - there;
    memmove(link->in + from, link->in + there, link->in_len - there);
    link->in_len -= there - from;
}

/* Drops the headers of the frame at `at`, which is larger than agreed. False when more of the frame
 * must arrive first, or when it cannot be shortened: then the link is lost. */
static bool shorten(struct link *link, size_t at)
{
    uint8_t *frame = link->in + at;
    const size_t size = size_of(frame);
    const size_t there = link->in_len - at - FRAME_HEAD;
    /* No more bytes are examined, so that it does not matter in which pieces the frame arrives. */
    const size_t most = size < TABLE_SEEN_MAX ? size : TABLE_SEEN_MAX;
    struct table_place table;
    if (frame[0] != AMQP_FRAME_HEADER || size > LONG_FRAME_MAX) {
        no_amqp(link, "a frame that is larger than agreed");
    } else if (table_find(frame + FRAME_HEAD, there < most ? there : most, &table)) {
        if (table.to > size) {
            no_amqp(link, "headers that are longer than their frame");
            return false;
        }
        link->headers_fault = HEADERS_TOO_LONG;
        table_deny(frame + FRAME_HEAD);
        set_size(frame, size - (size_t)(table.to - table.from));
        drop(link, at + FRAME_HEAD + table.from, at + FRAME_HEAD + table.to);
        return true;
    } else if (there >= most) {
        no_amqp(link, "properties that are larger than agreed");
    }
    return false;
}

/* The size of the frame at `at` in bytes; 0 when it is not complete yet, or makes no sense. */
static size_t frame_at(struct link *link, size_t at)
{
    const size_t size_max = link->out.frame_max - FRAME_OVERHEAD;
    if (link->in_len - at < FRAME_HEAD)
        return 0;
    while (size_of(link->in + at) > size_max)
        if (!shorten(link, at))
            return 0;
    const size_t len = size_of(link->in + at) + FRAME_OVERHEAD;
    return link->in_len - at < len ? 0 : len;
}

static void take_frame(struct link *link, uint8_t *bytes, size_t len)
{
    uint16_t channel;
    memcpy(&channel, bytes + 1, sizeof(channel));
    const struct frame frame = {bytes[0], be16toh(channel), bytes + FRAME_HEAD,
                                len - FRAME_OVERHEAD};
    if (bytes[len - 1] == AMQP_FRAME_END)
        link_receive(link, &frame);
    else
        no_amqp(link, "a frame without an end");
}

/* Removes those of the `got` bytes just read that belong to a dropped table: they come first. */
static void skip_table(struct link *link, size_t got)
{
    const size_t skipped = link->skip < got ? (size_t)link->skip : got;
    uint8_t *fresh = link->in + link->in_len - got;
    link->skip -= skipped;
    memmove(fresh, fresh + skipped, got - skipped);
    link->in_len -= skipped;
}

void link_take(struct link *link, size_t got)
{
    size_t at = 0;
    link->in_len += got;
    if (link->skip)
        skip_table(link, got);
    while (!link->lost) {
        const size_t len = frame_at(link, at);
        if (len == 0)
            break;
        take_frame(link, link->in + at, len);
        at += len;
    }
    link->in_len -= at;
    memmove(link->in, link->in + at, link->in_len);
}
