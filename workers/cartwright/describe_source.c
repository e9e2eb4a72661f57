/* describe_source.c - reads the texts of schemas, and lays out JSON text for people. */
#include "cartwright/describe_source.h"

#include "base/err.h"
#include "wire/json.h"

#define BLANKS " \n"
#define DEFS   "#/$defs/"
#define REF    "\"$ref\""

/* --- walking ----------------------------------------------------------------------------------- */

/* `at` is at the opening quote. */
static const char *end_of_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static int nesting(char c)
{
    return (c == '{' || c == '[') - (c == '}' || c == ']');
}

static const char *end_of_value(const char *at)
{
    if (*at == '"')
        return end_of_string(at);
    if (nesting(*at) != 1)
        return at + strcspn(at, ",]}" BLANKS);
    int depth = 0;
    do {
        depth += nesting(*at);
        at = *at == '"' ? end_of_string(at) : at + 1;
    } while (depth > 0);
    return at;
}

struct source_walk source_walk(struct str source)
{
    if (str_is_absent(source))
        return (struct source_walk){.at = "}"};
    return (struct source_walk){.at = source.ptr + 1, .in_object = *source.ptr == '{'};
}

static struct str text_between(const char *begin, const char *end)
{
    return (struct str){begin, (size_t)(end - begin)};
}

bool source_next(struct source_walk *walk)
{
    walk->at += strspn(walk->at, "," BLANKS);
    if (nesting(*walk->at) < 0)
        return false;
    if (walk->in_object) {
        const char *end = end_of_string(walk->at);
        walk->key = text_between(walk->at + 1, end - 1);
        walk->at = end + strspn(end, ":" BLANKS);
    }
    const char *end = end_of_value(walk->at);
    walk->value = text_between(walk->at, end);
    walk->at = end;
    return true;
}

struct str source_member(struct str object, const char *key)
{
    struct source_walk walk = source_walk(object);
    while (source_next(&walk))
        if (str_eq(walk.key, str_of(key)))
            return walk.value;
    return STR_ABSENT;
}

bool source_has(struct str list, struct str text)
{
    struct source_walk walk = source_walk(list);
    while (source_next(&walk))
        if (str_eq(source_raw(walk.value), text))
            return true;
    return false;
}

struct str source_raw(struct str string)
{
    if (str_is_absent(string))
        return STR_ABSENT;
    return (struct str){string.ptr + 1, string.len - 2};
}

struct str source_text(struct arena *arena, struct str string)
{
    if (str_is_absent(string))
        return STR_ABSENT;
    const struct json *json = NULL;
    struct err err = {0};
    const struct str object = str_printf(arena, "{\"text\":%.*s}", STR_FMT(string));
    if (json_parse(arena, object, &json, &err) != OUTCOME_DONE)
        panic("the text of a schema is not JSON: %s", err.text);
    return json_str(json_member(json, "text"));
}

struct str source_ref(struct str schema)
{
    const struct str ref = source_raw(source_member(schema, "$ref"));
    if (str_is_absent(ref))
        return STR_ABSENT;
    return (struct str){ref.ptr + strlen(DEFS), ref.len - strlen(DEFS)};
}

/* --- writing ----------------------------------------------------------------------------------- */

/* True when the member from `begin` to `end` is not alone in its object. */
static bool has_others(const char *begin, const char *end)
{
    do
        begin--;
    while (strchr(BLANKS, *begin));
    return *begin == ',' || end[strspn(end, BLANKS)] == ',';
}

/* Writes the $ref at `at`; returns what follows it. */
static const char *put_ref(struct text *out, const char *at, const char *prefix, bool alone)
{
    const char *value = strchr(at + strlen(REF), '"');
    const char *end = end_of_string(value);
    const struct str name = text_between(value + 1 + strlen(DEFS), end - 1);
    const bool wrap = alone && has_others(at, end);
    text_printf(out, "%s\"$ref\":\"%s%.*s\"%s", wrap ? "\"allOf\":[{" : "", prefix, STR_FMT(name),
                wrap ? "}]" : "");
    return end;
}

void source_put(struct text *out, struct str source, const char *prefix, bool alone)
{
    const char *end = source.ptr + source.len;
    const char *at = source.ptr;
    for (;;) {
        const char *ref = memmem(at, (size_t)(end - at), REF, strlen(REF));
        text_append_str(out, text_between(at, ref ? ref : end));
        if (!ref)
            return;
        at = put_ref(out, ref, prefix, alone);
    }
}

static void put_line(struct text *out, int depth)
{
    text_printf(out, "\n%*s", 2 * depth, "");
}

/* Writes one character that is not in a string; `next` is the one that follows, without blanks. */
static void put_mark(struct text *out, char c, char next, int *depth)
{
    const int step = nesting(c);
    const bool is_empty = step > 0 && nesting(next) < 0;
    const bool ends_empty = step < 0 && nesting(out->ptr[out->len - 1]) > 0;
    *depth += step;
    if (step < 0 && !ends_empty)
        put_line(out, *depth);
    text_append_char(out, c);
    if (c == ':')
        text_append_char(out, ' ');
    else if (c == ',' || (step > 0 && !is_empty))
        put_line(out, *depth);
}

void source_put_indented(struct text *out, struct str json)
{
    int depth = 0;
    const char *end = json.ptr + json.len;
    for (const char *at = json.ptr; at < end; at += strspn(at, BLANKS)) {
        const char *begin = at;
        at = *at == '"' ? end_of_string(at) : at + 1;
        if (*begin == '"')
            text_append_str(out, text_between(begin, at));
        else
            put_mark(out, *begin, at[strspn(at, BLANKS)], &depth);
    }
    text_append_char(out, '\n');
}
