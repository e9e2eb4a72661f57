/* str.h - strings as pointer + length.
 *
 * A `struct str` never owns its bytes: they live in an arena, in a delivery or in the program.
 * Every text that this project makes (as opposed to a part of another text) is followed by a NUL
 * that is not counted, so its ptr may be handed to a C function once str_is_c() holds (no NUL
 * inside). `ptr == NULL` means "absent", which is not the same as empty. */
#ifndef CARTWRIGHT_BASE_STR_H
#define CARTWRIGHT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_ABSENT   ((struct str){NULL, 0})
/* The two arguments of a "%.*s". */
#define STR_FMT(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_of(const char *c)
{
    return c ? (struct str){c, strlen(c)} : STR_ABSENT;
}

static inline bool str_is_absent(struct str s)
{
    return s.ptr == NULL;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Compares in byte order; a prefix sorts before what it begins, and absent equals empty. */
int str_cmp(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
/* True when the str is present and contains no NUL, so that C sees the same string at ptr. */
bool str_is_c(struct str s);
/* A multiplicative hash (Knuth), eight bytes at a time. It is for maps of trusted or bounded size
 * within one machine; it must not be used for secrets and must not be stored. */
uint64_t str_hash(struct str s);
/* Reads decimal digits with an optional '-'; false on anything else or out of int64. */
bool str_to_int64(struct str s, int64_t *out);
/* The reverse, without printf (which costs ten times as much): writes the digits of `value` to the
 * end of `room`, into which the result points. */
#define STR_INT64_MAX sizeof("-9223372036854775808")
struct str str_of_int64(int64_t value, char room[STR_INT64_MAX]);
/* Decodes a part of a URI: each %XX becomes its byte. `room` holds s.len + 1 bytes, and *out points
 * into it. False on a '%' without two hex digits, and on %00. */
bool str_percent_decode(struct str s, char *room, struct str *out);

/* Copies the text into the arena. An absent str stays absent. */
struct str str_dup(struct arena *arena, struct str s);
struct str str_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Joins `a`, the character `between` and `b`. */
struct str str_join(struct arena *arena, struct str a, char between, struct str b);
/* Converts ASCII letters to lower case and leaves other bytes unchanged. */
struct str str_lower(struct arena *arena, struct str s);
/* Returns the length in bytes of the UTF-8 sequence at `at` (which is before `end`), 0 when it is
 * not valid (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
size_t str_utf8_length(const char *at, const char *end);
/* Returns the code point of a valid sequence of that length. */
uint32_t str_utf8_value(const char *at, size_t length);
/* True for characters that a terminal or a viewer obeys instead of showing them: controls (C0, C1,
 * delete), marks that change the direction of writing, line and paragraph separators. */
bool str_is_obeyed(uint32_t character);
/* Makes a text from an untrusted source safe to show: obeyed characters become \uXXXX, bytes that
 * are not UTF-8 become U+FFFD. JSON keeps its meaning. `lines`: newlines stay as they are. */
struct str str_shown(struct arena *arena, struct str text, bool lines);

#endif
