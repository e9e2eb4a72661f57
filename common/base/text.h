/* text.h - a growing text in an arena, for writers that append piece by piece.
 *
 * The text is contiguous, and NUL-terminated after each call. Growth copies the text and leaves the
 * old copy in the arena, so start with a capacity (in bytes) near the expected size. */
#ifndef CARTWRIGHT_BASE_TEXT_H
#define CARTWRIGHT_BASE_TEXT_H

#include "base/arena.h"
#include "base/str.h"

struct text {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t capacity;
};

void text_init(struct text *text, struct arena *arena, size_t capacity);
/* Makes room for `more` further bytes and the NUL. */
void text_reserve(struct text *text, size_t more);
void text_append_int(struct text *text, int64_t value);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Inline, like text_append_char: a reply consists of a thousand small pieces. */
static inline void text_append(struct text *text, const void *bytes, size_t len)
{
    if (text->capacity - text->len <= len)
        text_reserve(text, len);
    if (len)
        memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
    text->ptr[text->len] = '\0';
}

static inline void text_append_char(struct text *text, char c)
{
    text_append(text, &c, 1);
}

static inline void text_append_str(struct text *text, struct str s)
{
    text_append(text, s.ptr, s.len);
}

/* The text so far; valid until the next append. */
static inline struct str text_str(const struct text *text)
{
    return (struct str){text->ptr, text->len};
}

#endif
