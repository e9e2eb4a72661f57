/* str.c - strings as pointer + length. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

int str_cmp(struct str a, struct str b)
{
    const size_t shorter = a.len < b.len ? a.len : b.len;
    const int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool str_is_c(struct str s)
{
    return s.ptr && memchr(s.ptr, '\0', s.len) == NULL;
}

uint64_t str_hash(struct str s)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
    uint64_t hash = s.len * odd;
    while (s.len > 0) {
        uint64_t word = 0;
        const size_t n = s.len < sizeof(word) ? s.len : sizeof(word);
        memcpy(&word, s.ptr, n);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 32;
        s = (struct str){s.ptr + n, s.len - n};
    }
    return hash;
}

bool str_to_int64(struct str s, int64_t *out)
{
    const bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t value = 0;
    for (; i < s.len; i++) {
        const int digit = s.ptr[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    /* The value is counted downwards, because INT64_MIN has no positive counterpart. */
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    *out = value;
    return true;
}

struct str str_of_int64(int64_t value, char room[STR_INT64_MAX])
{
    char *const end = room + STR_INT64_MAX - 1;
    char *at = end;
    uint64_t rest = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    *end = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--at = '-';
    return (struct str){at, (size_t)(end - at)};
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = memchr(digits, c, sizeof(digits) - 1);
    return at ? (int)((at - digits) % 16) : -1;
}

bool str_percent_decode(struct str s, char *room, struct str *out)
{
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] != '%') {
            room[len++] = s.ptr[i];
            continue;
        }
        const int high = i + 2 < s.len ? hex_digit(s.ptr[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(s.ptr[i + 2]) : -1;
        if (low < 0 || high + low == 0)
            return false;
        room[len++] = (char)(high * 16 + low);
        i += 2;
    }
    room[len] = '\0';
    *out = (struct str){room, len};
    return true;
}

struct str str_dup(struct arena *arena, struct str s)
{
    if (str_is_absent(s))
        return s;
    char *copy = arena_bytes(arena, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

struct str str_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    const int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        va_end(again);
        return STR("");
    }
    char *text = arena_bytes(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return (struct str){text, (size_t)len};
}

struct str str_join(struct arena *arena, struct str a, char between, struct str b)
{
    char *text = arena_bytes(arena, a.len + b.len + 2);
    if (a.len)
        memcpy(text, a.ptr, a.len);
    text[a.len] = between;
    if (b.len)
        memcpy(text + a.len + 1, b.ptr, b.len);
    text[a.len + b.len + 1] = '\0';
    return (struct str){text, a.len + b.len + 1};
}

struct str str_lower(struct arena *arena, struct str s)
{
    if (str_is_absent(s))
        return s;
    char *copy = arena_bytes(arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] + ('a' - 'A') : s.ptr[i]);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t str_utf8_length(const char *at, const char *end)
{
    const unsigned char lead = (unsigned char)at[0];
    if (lead < 0x80)
        return 1;
    const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
    if (length == 0 || (size_t)(end - at) < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(at[i]))
            return 0;
    const unsigned char second = (unsigned char)at[1];
    const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                       (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
    return wrong ? 0 : length;
}

uint32_t str_utf8_value(const char *at, size_t length)
{
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t value = (unsigned char)at[0] & lead_bits[length];
    for (size_t i = 1; i < length; i++)
        value = value << 6 | ((unsigned char)at[i] & 0x3F);
    return value;
}

bool str_is_obeyed(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},
                  {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* Writes the character at `at` and returns the position after it. */
static const char *show(struct text *out, const char *at, const char *end, bool lines)
{
    const size_t length = str_utf8_length(at, end);
    const uint32_t character = length ? str_utf8_value(at, length) : 0;
    if (length == 0)
        text_append(out, "\xEF\xBF\xBD", 3);
    else if (str_is_obeyed(character) && !(lines && character == '\n'))
        text_printf(out, "\\u%04x", character);
    else
        text_append(out, at, length);
    return at + (length ? length : 1);
}

struct str str_shown(struct arena *arena, struct str text, bool lines)
{
    struct text out;
    text_init(&out, arena, text.len + 16);
    for (const char *at = text.ptr, *end = text.ptr + text.len; at < end;)
        at = show(&out, at, end, lines);
    return text_str(&out);
}
