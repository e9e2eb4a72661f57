/* id.h - object ids: 12 bytes, written as 24 lower-case hex digits.
 *
 * The layout is MongoDB's (4 bytes of seconds, 5 random bytes of the process, 3 bytes of a
 * counter), so ids sort by the second in which they were made. In memory and on the wire an id is
 * its text. */
#ifndef CARTWRIGHT_BASE_ID_H
#define CARTWRIGHT_BASE_ID_H

#include "base/str.h"

#define ID_BYTES 12
#define ID_TEXT  24 /* hex digits, without the NUL */

bool id_is_valid(struct str text);
/* Makes an id that is unique among all processes: the 5 random bytes are drawn after each fork. */
struct str id_new(struct arena *arena, int64_t now_ms);
/* `text` must be a valid id (id_is_valid). */
void id_to_bytes(struct str text, uint8_t out[ID_BYTES]);
struct str id_from_bytes(struct arena *arena, const uint8_t bytes[ID_BYTES]);

/* Returns the bytes as lower-case hex digits, for digests and logs. */
struct str hex_of(struct arena *arena, const void *bytes, size_t len);

/* Fills `out` with bytes of the kernel's generator; panics when the kernel gives none. */
void random_bytes(void *out, size_t len);
/* Replaces the generator of the whole process, for a simulation, which needs the same bytes in each
 * run. The random parts of ids are drawn anew from it. NULL restores the kernel's generator. */
void random_set_source(void (*fill)(void *out, size_t len));

#endif
