/* encoding.h - content encodings: how the bytes of a body stand for its text. */
#ifndef CARTWRIGHT_WIRE_ENCODING_H
#define CARTWRIGHT_WIRE_ENCODING_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum encoding {
    ENCODING_NONE, /* also by the names that clients write without meaning anything: utf-8, binary */
    ENCODING_GZIP,
    ENCODING_DEFLATE, /* with zlib's head or without it: clients disagree */
    ENCODING_ZSTD,
    ENCODING_UNKNOWN,
};

/* Of a property content_encoding, whatever the case; absent is NONE. */
enum encoding encoding_named(struct str name);
/* The name by which clients know it; of NONE and UNKNOWN absent. */
struct str encoding_name(enum encoding encoding);
/* The best of those that a header accept-encoding takes ("gzip, deflate;q=0"), or NONE. */
enum encoding encoding_accepted(struct str header);

/* The text in the arena. What is longer than `max` is TOO_LARGE, and costs no more than `max` bytes of
 * memory to find out; what cannot be read is MALFORMED. `encoding` is not UNKNOWN. */
MUST_CHECK enum outcome encoding_unpack(struct arena *arena, enum encoding encoding,
                                        struct str packed, size_t max, struct str *out,
                                        struct err *err);
/* The bytes in the arena. */
struct str encoding_pack(struct arena *arena, enum encoding encoding, struct str text);

#endif
