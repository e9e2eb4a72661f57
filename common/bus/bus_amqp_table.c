/* bus_amqp_table.c - examines the headers of a message before the library sees them: where they are
 * in a content header, and whether they may be decoded.
 *
 * A publisher may nest lists as deep as a frame is long. The library follows them by recursion and,
 * in newer versions, gives up with an error that would cost the connection and every message that
 * is on it. So the depth is measured first, by a loop. */
#include <endian.h>

#include "bus/bus_amqp_frames.h"

#define FLAG_CONTENT_TYPE     (1u << 15)
#define FLAG_CONTENT_ENCODING (1u << 14)
#define FLAG_HEADERS          (1u << 13)
#define FLAG_MORE             1u /* another word of flags follows */

static uint32_t get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return be16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return be32toh(value);
}

/* --- where it stands ------------------------------------------------------------------------ */

/* The offset after all words of flags; len when they do not end before it. */
static size_t skip_flags(const uint8_t *payload, size_t len)
{
    size_t at = CONTENT_HEAD;
    while (at + 2 <= len) {
        at += 2;
        if (!(get16(payload + at - 2) & FLAG_MORE))
            return at;
    }
    return len;
}

static size_t skip_short(const uint8_t *payload, size_t len, size_t at)
{
    return at < len ? at + 1 + payload[at] : len;
}

bool table_find(const uint8_t *payload, size_t len, struct table_place *out)
{
    if (len < CONTENT_HEAD + 2)
        return false;
    const uint32_t flags = get16(payload + CONTENT_HEAD);
    size_t at = skip_flags(payload, len);
    if (flags & FLAG_CONTENT_TYPE)
        at = skip_short(payload, len, at);
    if (flags & FLAG_CONTENT_ENCODING)
        at = skip_short(payload, len, at);
    if (!(flags & FLAG_HEADERS) || at + sizeof(uint32_t) > len)
        return false;
    *out = (struct table_place){at, (uint64_t)at + sizeof(uint32_t) + get32(payload + at)};
    return true;
}

void table_deny(uint8_t *payload)
{
    payload[CONTENT_HEAD] &= (uint8_t) ~(FLAG_HEADERS >> 8);
}

/* --- whether it may be decoded --------------------------------------------------------------- */

#define KINDS     128
#define VARIABLE  0xff /* a length of four bytes, then that many bytes */
#define CONTAINER 0xfe /* the same, but these bytes are values again */

/* The bytes of a value by its kind, plus one, so that 0 means that there is no such kind. */
/* clang-format off */
static const uint8_t sizes[KINDS] = {
    ['t'] = 2, ['b'] = 2, ['B'] = 2, ['s'] = 3, ['u'] = 3, ['I'] = 5, ['i'] = 5, ['l'] = 9,
    ['L'] = 9, ['f'] = 5, ['d'] = 9, ['D'] = 6, ['T'] = 9, ['V'] = 1,
    ['S'] = VARIABLE, ['x'] = VARIABLE, ['A'] = CONTAINER, ['F'] = CONTAINER,
};
/* clang-format on */

struct level {
    size_t end;
    bool is_table; /* each value has a name before it */
};

struct walk {
    const uint8_t *bytes;
    size_t at;
    struct level levels[BUS_HEADERS_DEPTH];
    size_t depth; /* index of the current level, from 0 */
};

static size_t left(const struct walk *walk)
{
    return walk->levels[walk->depth].end - walk->at;
}

static bool skip(struct walk *walk, size_t count)
{
    if (count > left(walk))
        return false;
    walk->at += count;
    return true;
}

static bool skip_name(struct walk *walk)
{
    return !walk->levels[walk->depth].is_table || skip(walk, 1 + (size_t)walk->bytes[walk->at]);
}

static bool enter(struct walk *walk, size_t size, bool is_table)
{
    if (size > left(walk) || walk->depth + 1 == BUS_HEADERS_DEPTH)
        return false;
    walk->levels[++walk->depth] = (struct level){walk->at + size, is_table};
    return true;
}

static bool walk_value(struct walk *walk)
{
    if (!skip_name(walk) || left(walk) == 0)
        return false;
    const uint8_t kind = walk->bytes[walk->at++];
    const uint8_t size = kind < KINDS ? sizes[kind] : 0;
    if (size == 0)
        return false;
    if (size < CONTAINER)
        return skip(walk, size - 1U);
    if (left(walk) < sizeof(uint32_t))
        return false;
    const size_t length = get32(walk->bytes + walk->at);
    walk->at += sizeof(uint32_t);
    return size == CONTAINER ? enter(walk, length, kind == 'F') : skip(walk, length);
}

bool table_is_readable(const uint8_t *table, size_t len)
{
    struct walk walk = {.bytes = table, .levels[0] = {len, true}};
    for (;;) {
        if (left(&walk) > 0) {
            if (!walk_value(&walk))
                return false;
        } else if (walk.depth == 0) {
            return true;
        } else {
            walk.depth--;
        }
    }
}
