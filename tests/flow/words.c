/* words.c - a line of a script, taken apart. */
#include "flow/words.h"

#include "base/text.h"

/* --- splitting ------------------------------------------------------------------------------- */

/* The end of a bracketed word; NULL when it is not closed. Brackets inside strings do not count. */
static const char *bracket_end(const char *at, const char *end)
{
    int depth = 0;
    bool in_string = false;
    for (; at < end; at++) {
        if (in_string && *at == '\\' && at + 1 < end)
            at++;
        else if (*at == '"')
            in_string = !in_string;
        else if (!in_string && (*at == '{' || *at == '['))
            depth++;
        else if (!in_string && (*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
    }
    return NULL;
}

static const char *quote_end(const char *at, const char *end)
{
    const char *quote = memchr(at + 1, '\'', (size_t)(end - at - 1));
    return quote ? quote + 1 : NULL;
}

static const char *blank_end(const char *at, const char *end)
{
    while (at < end && *at != ' ' && *at != '\n')
        at++;
    return at;
}

static const char *word_end(const char *at, const char *end)
{
    if (*at == '{' || *at == '[')
        return bracket_end(at, end);
    return *at == '\'' ? quote_end(at, end) : blank_end(at, end);
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Without its quotes; \xHH becomes a byte. */
static struct str unquoted(struct arena *arena, struct str word)
{
    struct text text;
    text_init(&text, arena, word.len);
    for (size_t i = 1; i + 1 < word.len; i++) {
        const bool is_byte = i + 4 < word.len && word.ptr[i] == '\\' && word.ptr[i + 1] == 'x' &&
                             hex_value(word.ptr[i + 2]) >= 0 && hex_value(word.ptr[i + 3]) >= 0;
        text_append_char(
            &text, is_byte ? (char)(hex_value(word.ptr[i + 2]) * 16 + hex_value(word.ptr[i + 3]))
                           : word.ptr[i]);
        i += is_byte ? 3 : 0;
    }
    return text_str(&text);
}

bool words_split(struct arena *arena, struct str line, struct words *out, struct str *why)
{
    *out = (struct words){0};
    const char *at = line.ptr;
    const char *end = line.ptr + line.len;
    for (;;) {
        while (at < end && (*at == ' ' || *at == '\n'))
            at++;
        if (at == end)
            return true;
        const char *after = word_end(at, end);
        if (!after || out->count == WORDS_MAX) {
            *why = str_printf(arena, "%s: %.*s", after ? "too many words" : "never closed",
                              (int)(end - at), at);
            return false;
        }
        const struct str word = {at, (size_t)(after - at)};
        out->items[out->count++] = *at == '\'' ? unquoted(arena, word) : str_dup(arena, word);
        at = after;
    }
}

/* --- variables ------------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static size_t name_len(const char *at, const char *end)
{
    size_t len = 0;
    while (at + len < end && is_name_char(at[len]))
        len++;
    return len;
}

/* A JSON string without its quotes; other values as they are. */
static struct str plain(struct str json)
{
    const bool is_string = json.len >= 2 && json.ptr[0] == '"';
    return is_string ? (struct str){json.ptr + 1, json.len - 2} : json;
}

struct reference {
    size_t len; /* of the whole reference; 0: there is none here */
    struct str name;
    bool as_json;
};

/* "$name" or ${name} at this place. */
static struct reference reference_at(const char *at, const char *end)
{
    const bool quoted = end - at > 3 && at[0] == '"' && at[1] == '$' && is_name_char(at[2]);
    const bool braced = end - at > 3 && at[0] == '$' && at[1] == '{';
    if (!quoted && !braced)
        return (struct reference){0};
    const size_t len = name_len(at + 2, end);
    if (at + 2 + len == end || at[2 + len] != (quoted ? '"' : '}'))
        return (struct reference){0};
    return (struct reference){len + 3, {at + 2, len}, quoted};
}

bool words_fill_in(struct arena *arena, const struct map *variables, struct str text,
                   struct str *out, struct str *why)
{
    struct text filled;
    text_init(&filled, arena, text.len + 64);
    const char *end = text.ptr + text.len;
    for (const char *at = text.ptr; at < end;) {
        const struct reference reference = reference_at(at, end);
        if (reference.len == 0) {
            const bool escaped = end - at > 2 && at[0] == '"' && at[1] == '$' && at[2] == '$';
            text_append_char(&filled, *at);
            at += escaped ? 2 : 1;
            if (escaped)
                text_append_char(&filled, *at++);
            continue;
        }
        const struct str *value = map_get(variables, reference.name);
        if (!value) {
            *why = str_printf(arena, "there is no $%.*s", STR_FMT(reference.name));
            return false;
        }
        text_append_str(&filled, reference.as_json ? *value : plain(*value));
        at += reference.len;
    }
    *out = text_str(&filled);
    return true;
}

/* --- taking ---------------------------------------------------------------------------------- */

struct str words_take(struct words *words)
{
    return words->next < words->count ? words->items[words->next++] : STR_ABSENT;
}

bool words_take_if(struct words *words, const char *word)
{
    if (words->next == words->count || !str_eq(words->items[words->next], str_of(word)))
        return false;
    words->next++;
    return true;
}

struct str words_take_json(struct words *words)
{
    const struct str word = words->next < words->count ? words->items[words->next] : STR_ABSENT;
    const bool is_json = word.len > 0 && (word.ptr[0] == '{' || word.ptr[0] == '[');
    return is_json ? words_take(words) : STR_ABSENT;
}
