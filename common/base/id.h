/* id.h - object ids: 12 bytes, written as 24 lower-case hex digits.
 *
 * The layout is MongoDB's (4 bytes of seconds, 5 random bytes of the process, 3 of a counter), so
 * ids sort by the second of their making. In memory and on the wire an id is its text. */
#ifndef CARTWRIGHT_BASE_ID_H
#define CARTWRIGHT_BASE_ID_H

#include "base/str.h"

#define ID_BYTES 12
#define ID_TEXT  24 /* hex digits, without the NUL */

bool id_is_valid(struct str text);
/* A new id; unique among all processes because the 5 bytes are drawn after each fork. */
struct str id_new(struct arena *arena, int64_t now_ms);
/* text must be valid. */
void id_to_bytes(struct str text, uint8_t out[ID_BYTES]);
struct str id_from_bytes(struct arena *arena, const uint8_t bytes[ID_BYTES]);

/* Lower-case hex, for digests and logs. */
struct str hex_of(struct arena *arena, const void *bytes, size_t len);

/* Fills with bytes of the kernel's generator; ends the process when there are none. */
void random_bytes(void *out, size_t len);
/* Another generator, for the whole process: a simulation's, which gives the same bytes again. Ids
 * begin anew with it. NULL: the kernel's. */
void random_set_source(void (*fill)(void *out, size_t len));

#endif
