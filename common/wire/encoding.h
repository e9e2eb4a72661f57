/* encoding.h - content encodings: how the bytes of a body represent its text. */
#ifndef CARTWRIGHT_WIRE_ENCODING_H
#define CARTWRIGHT_WIRE_ENCODING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum encoding {
    ENCODING_NONE, /* also named utf-8, binary and the like, which clients set without meaning */
    ENCODING_GZIP,
    ENCODING_DEFLATE, /* with or without zlib's header: clients disagree about it */
    ENCODING_ZSTD,
    ENCODING_UNKNOWN,
};

/* Returns the encoding that a property content_encoding names, in any case; absent is NONE. */
enum encoding encoding_named(struct str name);
/* Returns the name by which clients know the encoding; absent for NONE and UNKNOWN. */
struct str encoding_name(enum encoding encoding);
/* Returns the best encoding that a header accept-encoding allows ("gzip, deflate;q=0"), or NONE. */
enum encoding encoding_accepted(struct str header);

/* Unpacks a body into the arena. A text of over `max` bytes is TOO_LARGE, which costs `max` + 1
 * bytes of memory to find out; bytes that cannot be unpacked are MALFORMED (both OUTCOME_INVALID).
 * For NONE *out is `packed` itself, of any length. `encoding` must not be UNKNOWN. */
MUST_CHECK enum outcome encoding_unpack(struct arena *arena, enum encoding encoding,
                                        struct str packed, size_t max, struct str *out,
                                        struct err *err);
/* Packs a text into the arena; the result is not followed by a NUL. For NONE it is `text` itself.
 * `encoding` must not be UNKNOWN. */
struct str encoding_pack(struct arena *arena, enum encoding encoding, struct str text);

#endif
