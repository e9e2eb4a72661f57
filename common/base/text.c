/* text.c - a growing text in an arena. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

void text_init(struct text *text, struct arena *arena, size_t capacity)
{
    *text = (struct text){.arena = arena, .capacity = capacity < 16 ? 16 : capacity};
    text->ptr = arena_bytes(arena, text->capacity);
    text->ptr[0] = '\0';
}

void text_reserve(struct text *text, size_t more)
{
    const size_t needed = text->len + more + 1;
    if (needed <= text->capacity)
        return;
    while (text->capacity < needed)
        text->capacity *= 2;
    char *larger = arena_bytes(text->arena, text->capacity);
    memcpy(larger, text->ptr, text->len + 1);
    text->ptr = larger;
}

void text_append_int(struct text *text, int64_t value)
{
    char digits[STR_INT64_MAX];
    text_append_str(text, str_of_int64(value, digits));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len > 0) {
        text_reserve(text, (size_t)len);
        vsnprintf(text->ptr + text->len, (size_t)len + 1, format, again);
        text->len += (size_t)len;
    }
    va_end(again);
}
