/* encoding.c - content encodings, by zlib and Zstandard.
 *
 * A body is unpacked in one step into a buffer of the longest text that is accepted: this bounds
 * decompression bombs, and neither library needs a window of its own beside the buffer. */
#include "wire/encoding.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define ZSTD_LEVEL 1
#define ZLIB_LEVEL 1
/* The bits of zlib's window; 16 more select the header of gzip, a negative number selects none. */
#define WINDOW_ZLIB 15
#define WINDOW_GZIP (15 + 16)
#define WINDOW_RAW  (-15)
#define ZLIB_MEMORY 8

/* --- names ------------------------------------------------------------------------------------------ */

static const struct {
    struct str name;
    enum encoding encoding;
} names[] = {
    /* The first row of each encoding has the name that we use; rows are in order of preference. */
    {{"zstd", 4}, ENCODING_ZSTD},     {{"gzip", 4}, ENCODING_GZIP},
    {{"x-gzip", 6}, ENCODING_GZIP},   {{"deflate", 7}, ENCODING_DEFLATE},
    {{"", 0}, ENCODING_NONE},         {{"identity", 8}, ENCODING_NONE},
    {{"utf-8", 5}, ENCODING_NONE},    {{"utf8", 4}, ENCODING_NONE},
    {{"us-ascii", 8}, ENCODING_NONE}, {{"binary", 6}, ENCODING_NONE},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

static bool is_called(struct str text, struct str name)
{
    return text.len == name.len && strncasecmp(text.ptr, name.ptr, name.len) == 0;
}

enum encoding encoding_named(struct str name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (name.len == 0 ? names[i].name.len == 0 : is_called(name, names[i].name))
            return names[i].encoding;
    return ENCODING_UNKNOWN;
}

struct str encoding_name(enum encoding encoding)
{
    for (size_t i = 0; i < NAMES && encoding != ENCODING_NONE; i++)
        if (names[i].encoding == encoding)
            return names[i].name;
    return STR_ABSENT;
}

/* --- accept-encoding ---------------------------------------------------------------------------------- */

static struct str trimmed(struct str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = (struct str){text.ptr + 1, text.len - 1};
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static struct str cut_off(struct str *rest, char end)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    const size_t len = at ? (size_t)(at - rest->ptr) : rest->len;
    const struct str part = {rest->ptr, len};
    const size_t used = at ? len + 1 : len;
    *rest = (struct str){rest->ptr + used, rest->len - used};
    return trimmed(part);
}

/* "q=0" and "q=0.000" mean "not acceptable". */
static bool is_refused(struct str quality)
{
    if (quality.len < 3 || (quality.ptr[0] != 'q' && quality.ptr[0] != 'Q') ||
        quality.ptr[1] != '=')
        return false;
    for (size_t i = 2; i < quality.len; i++)
        if (quality.ptr[i] != '0' && quality.ptr[i] != '.')
            return false;
    return true;
}

static bool accepts(struct str header, struct str name)
{
    while (header.len > 0) {
        struct str item = cut_off(&header, ',');
        const struct str word = cut_off(&item, ';');
        if (is_called(word, name))
            return !is_refused(trimmed(item));
    }
    return false;
}

enum encoding encoding_accepted(struct str header)
{
    for (size_t i = 0; i < NAMES && names[i].encoding != ENCODING_NONE; i++)
        if (accepts(header, names[i].name))
            return names[i].encoding;
    return ENCODING_NONE;
}

/* --- unpacking ---------------------------------------------------------------------------------------- */

enum unpacked { UNPACKED, TOO_LONG, UNREADABLE };

static void *room_for(size_t size)
{
    void *room = malloc(size ? size : 1);
    if (!room)
        panic("out of memory for %zu bytes of a body", size);
    return room;
}

static enum unpacked inflate_all(int window, struct str packed, char *room, size_t max, size_t *len)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed.ptr,
                       .avail_in = (uInt)packed.len,
                       .next_out = (Bytef *)room,
                       .avail_out = (uInt)max};
    if (inflateInit2(&stream, window) != Z_OK)
        panic("out of memory for zlib");
    const int result = inflate(&stream, Z_FINISH);
    *len = max - stream.avail_out;
    const bool is_full = stream.avail_out == 0;
    const bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (result == Z_MEM_ERROR)
        panic("out of memory for zlib");
    return is_whole ? UNPACKED : is_full && result == Z_BUF_ERROR ? TOO_LONG : UNREADABLE;
}

static enum unpacked unzstd(struct str packed, char *room, size_t max, size_t *len)
{
    const size_t result = ZSTD_decompress(room, max, packed.ptr, packed.len);
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        panic("out of memory for Zstandard");
    if (ZSTD_isError(result))
        return ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall ? TOO_LONG : UNREADABLE;
    *len = result;
    return UNPACKED;
}

static enum unpacked unpack(enum encoding encoding, struct str packed, char *room, size_t max,
                            size_t *len)
{
    if (encoding == ENCODING_ZSTD)
        return unzstd(packed, room, max, len);
    if (encoding == ENCODING_GZIP)
        return inflate_all(WINDOW_GZIP, packed, room, max, len);
    const enum unpacked unpacked = inflate_all(WINDOW_ZLIB, packed, room, max, len);
    return unpacked == UNREADABLE ? inflate_all(WINDOW_RAW, packed, room, max, len) : unpacked;
}

enum outcome encoding_unpack(struct arena *arena, enum encoding encoding, struct str packed,
                             size_t max, struct str *out, struct err *err)
{
    if (encoding == ENCODING_NONE) {
        *out = packed;
        return OUTCOME_DONE;
    }
    char *room = room_for(max + 1);
    size_t len = 0;
    enum unpacked unpacked = unpack(encoding, packed, room, max + 1, &len);
    if (unpacked == UNPACKED && len > max)
        unpacked = TOO_LONG;
    if (unpacked == UNPACKED)
        *out = str_dup(arena, (struct str){room, len});
    free(room);
    if (unpacked == TOO_LONG)
        return err_invalid(err, E_TOO_LARGE, "the body is over %zu bytes when it is unpacked", max);
    if (unpacked == UNREADABLE)
        return err_invalid(err, E_MALFORMED, "the body is not %s, as content_encoding says",
                           encoding_name(encoding).ptr);
    return OUTCOME_DONE;
}

/* --- packing ------------------------------------------------------------------------------------------ */

static struct str deflate_all(struct arena *arena, int window, struct str text)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text.ptr, .avail_in = (uInt)text.len};
    if (deflateInit2(&stream, ZLIB_LEVEL, Z_DEFLATED, window, ZLIB_MEMORY, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        panic("out of memory for zlib");
    const size_t most = deflateBound(&stream, text.len);
    char *bytes = arena_bytes(arena, most);
    stream.next_out = (Bytef *)bytes;
    stream.avail_out = (uInt)most;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        panic("zlib needs more room than it said");
    deflateEnd(&stream);
    return (struct str){bytes, most - stream.avail_out};
}

struct str encoding_pack(struct arena *arena, enum encoding encoding, struct str text)
{
    if (encoding == ENCODING_NONE)
        return text;
    if (encoding != ENCODING_ZSTD)
        return deflate_all(arena, encoding == ENCODING_GZIP ? WINDOW_GZIP : WINDOW_ZLIB, text);
    const size_t most = ZSTD_compressBound(text.len);
    char *bytes = arena_bytes(arena, most);
    const size_t len = ZSTD_compress(bytes, most, text.ptr, text.len, ZSTD_LEVEL);
    if (ZSTD_isError(len))
        panic("Zstandard: %s", ZSTD_getErrorName(len));
    return (struct str){bytes, len};
}
