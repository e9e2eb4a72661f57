/* code.c - short codes that people read out and type. */
#include "code.h"

#include "base/text.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct str code_text(struct arena *arena, const char *prefix, const uint8_t *bytes, size_t count)
{
    struct text text;
    text_init(&text, arena, strlen(prefix) + count + 1);
    text_append_str(&text, str_of(prefix));
    for (size_t i = 0; i < count; i++)
        text_append_char(&text, alphabet[bytes[i] & 31]);
    return text_str(&text);
}

struct str code_random(struct job *job, const char *label, const char *prefix, size_t chars)
{
    uint8_t bytes[CODE_CHARS_MAX];
    if (chars > CODE_CHARS_MAX)
        panic("a code of %zu characters is asked for", chars);
    job_random(job, label, bytes, chars);
    return code_text(job_arena(job), prefix, bytes, chars);
}

static char read_char(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        return '0';
    return c == 'I' || c == 'L' ? '1' : c;
}

struct str code_read(struct arena *arena, struct str typed)
{
    struct text text;
    text_init(&text, arena, typed.len + 1);
    for (size_t i = 0; i < typed.len; i++)
        text_append_char(&text, read_char(typed.ptr[i]));
    return text_str(&text);
}
