/* str.h - strings as pointer + length.
 *
 * A `struct str` never owns its bytes: they live in an arena, in a delivery or in the program.
 * Every str made by this project is followed by a NUL that is not counted, so str.ptr may be handed
 * to a C function once str_is_c() holds (no NUL inside). `ptr == NULL` means "absent", which is not
 * the same as empty. */
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
/* For "%.*s". */
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

/* Byte order; a prefix sorts before what it begins. Absent equals empty. */
int str_cmp(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
/* True when no NUL hides inside, so that ptr is the same string for C. */
bool str_is_c(struct str s);
/* Multiplicative (Knuth), eight bytes at a time: for maps of trusted or bounded size within one
 * machine, never for secrets and never stored. */
uint64_t str_hash(struct str s);
/* Decimal digits with an optional '-', nothing else; false on anything out of int64. */
bool str_to_int64(struct str s, int64_t *out);
/* The way back, without printf (which costs ten times as much): the digits of `value` at the end of
 * `room`, in which they live. */
#define STR_INT64_MAX sizeof("-9223372036854775808")
struct str str_of_int64(int64_t value, char room[STR_INT64_MAX]);
/* Of a URI: each %XX becomes its byte. `room` has s.len + 1 bytes, into which *out points. False on a
 * '%' that begins none, and on a NUL. */
bool str_percent_decode(struct str s, char *room, struct str *out);

/* Copies into the arena. An absent str stays absent. */
struct str str_dup(struct arena *arena, struct str s);
struct str str_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* a, the character, b. */
struct str str_join(struct arena *arena, struct str a, char between, struct str b);
/* ASCII letters to lower case; other bytes unchanged. */
struct str str_lower(struct arena *arena, struct str s);
/* Bytes of the UTF-8 sequence at `at` (before `end`), 0 when it is none (RFC 3629: no overlong
 * forms, no surrogates, nothing above U+10FFFF). */
size_t str_utf8_length(const char *at, const char *end);
/* The code point of such a sequence. */
uint32_t str_utf8_value(const char *at, size_t length);
/* Characters that a terminal or a viewer obeys instead of showing them: controls (C0, C1, delete),
 * the marks that turn the direction of writing, line and paragraph separators. */
bool str_is_obeyed(uint32_t character);
/* The same text for people, whoever wrote it: these characters as \uXXXX, what is not UTF-8 as U+FFFD.
 * Of a text that is JSON what is meant by it stays the same, and its line ends stay when `lines`. */
struct str str_shown(struct arena *arena, struct str text, bool lines);

#endif
