/* json_read.c - parses untrusted bytes into a tree, and reads the tree without a schema.
 *
 * jansson is the parser; it refuses bad UTF-8, lone surrogates, NUL, NaN, duplicate keys, numbers
 * beyond int64 and trailing bytes. It does not bound the depth and the number of values as we need
 * it: these are counted before it sees the text, so a hostile message costs one linear pass and no
 * memory.
 *
 * A tree has its own memory, which is released with the arena. (Letting jansson allocate from the
 * arena was measured: it saves 7 % of the parse, most of which is spent in the lexer, and is not
 * worth it.) */
#include "wire/json.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/memory.h"
#include "wire/json_tree.h"

/* The seed 0 makes jansson draw one from the kernel, as it else does at the first object. */
void json_init(void)
{
    json_set_alloc_funcs(memory_alloc, free);
    json_object_seed(0);
}

/* --- before jansson: depth, number of values, top level --------------------------------------- */

struct scan {
    const char *at;
    const char *end;
    size_t depth;
    size_t containers;
    size_t commas;
    size_t empty_containers;
    char last; /* the last byte outside strings that is not white space; '\0': none yet */
};

/* Returns the position after the closing quote. A string without one reaches up to `end`; jansson
 * will refuse it. */
static const char *skip_string(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    return at < end ? at + 1 : end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void scan_byte(struct scan *scan, char c)
{
    if (c == '{' || c == '[') {
        scan->depth++;
        scan->containers++;
    } else if (c == '}' || c == ']') {
        scan->depth -= scan->depth > 0;
        scan->empty_containers += scan->last == '{' || scan->last == '[';
    } else if (c == ',') {
        scan->commas++;
    }
}

/* Each container that is not empty holds one value more than commas; the root is one value, too. */
static size_t scan_values(const struct scan *scan)
{
    return 1 + scan->containers + scan->commas - scan->empty_containers;
}

static enum outcome prescan(struct str bytes, struct err *err)
{
    struct scan scan = {.at = bytes.ptr, .end = bytes.ptr + bytes.len};
    if (str_starts_with(bytes, STR("\xEF\xBB\xBF")))
        return err_invalid(err, E_MALFORMED, "a byte order mark is not allowed");
    while (scan.at < scan.end) {
        const char c = *scan.at++;
        if (is_space(c))
            continue;
        if (scan.last == '\0' && c != '{')
            return err_invalid(err, E_MALFORMED, "must be a JSON object");
        scan_byte(&scan, c);
        scan.last = c;
        if (c == '"')
            scan.at = skip_string(scan.at, scan.end);
        if (scan.depth > JSON_DEPTH_MAX)
            return err_invalid(err, E_MALFORMED, "nested more than %d deep", JSON_DEPTH_MAX);
        if (scan_values(&scan) > JSON_NODES_MAX)
            return err_invalid(err, E_MALFORMED, "more than %d values", JSON_NODES_MAX);
    }
    return OUTCOME_DONE;
}

/* --- the parse -------------------------------------------------------------------------------- */

/* jansson's own texts are not used: they quote the message, which may hold a password, and may cut
 * a character in half. */
static const char *fault_text(enum json_error_code code)
{
    static const char *const texts[] = {
        [json_error_invalid_utf8] = "not UTF-8",
        [json_error_premature_end_of_input] = "ends too early",
        [json_error_end_of_input_expected] = "goes on after its end",
        [json_error_null_character] = "a NUL character is not allowed",
        [json_error_null_byte_in_key] = "a NUL character is not allowed",
        [json_error_duplicate_key] = "the same key stands twice",
        [json_error_numeric_overflow] = "number out of range",
    };
    const size_t index = (size_t)code;
    const bool known = index < sizeof(texts) / sizeof(texts[0]) && texts[index];
    return known ? texts[index] : "not valid JSON";
}

static void release_tree(void *tree)
{
    json_decref(tree);
}

enum outcome json_parse(struct arena *arena, struct str bytes, const struct json **out,
                        struct err *err)
{
    if (bytes.len == 0)
        return err_invalid(err, E_MALFORMED, "the message is empty");
    TRY(prescan(bytes, err));
    json_error_t error;
    json_t *tree = json_loadb(bytes.ptr, bytes.len, JSON_REJECT_DUPLICATES, &error);
    if (!tree)
        return err_invalid(err, E_MALFORMED, "%s at line %d, column %d",
                           fault_text(json_error_code(&error)), error.line, error.column);
    arena_attach(arena, release_tree, tree);
    *out = json_from_tree(tree);
    return OUTCOME_DONE;
}

/* --- reading ---------------------------------------------------------------------------------- */

const struct json *json_member(const struct json *json, const char *key)
{
    return json_from_tree(json_object_get(json_tree(json), key));
}

const struct json *json_element(const struct json *json, size_t index)
{
    return json_from_tree(json_array_get(json_tree(json), index));
}

size_t json_count(const struct json *json)
{
    const json_t *tree = json_tree(json);
    return json_is_object(tree) ? json_object_size(tree) : json_array_size(tree);
}

struct str json_str(const struct json *json)
{
    const json_t *tree = json_tree(json);
    if (!json_is_string(tree))
        return STR_ABSENT;
    return (struct str){json_string_value(tree), json_string_length(tree)};
}

int64_t json_int(const struct json *json, int64_t fallback)
{
    const json_t *tree = json_tree(json);
    return json_is_integer(tree) ? json_integer_value(tree) : fallback;
}

bool json_bool(const struct json *json, bool fallback)
{
    const json_t *tree = json_tree(json);
    return json_is_boolean(tree) ? json_is_true(tree) : fallback;
}

bool json_unescape(struct str token, char *out, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (len + 1 == size)
            return false;
        const bool escaped = token.ptr[i] == '~' && i + 1 < token.len;
        if (escaped)
            i++;
        out[len++] = !escaped ? token.ptr[i] : token.ptr[i] == '1' ? '/' : '~';
    }
    out[len] = '\0';
    return true;
}

static const struct json *step(const struct json *json, struct str token)
{
    char key[JSON_KEY_MAX];
    int64_t index;
    if (json && json_is_array(json_tree(json)))
        return str_to_int64(token, &index) && index >= 0 ? json_element(json, (size_t)index) : NULL;
    return json_unescape(token, key, sizeof(key)) ? json_member(json, key) : NULL;
}

const struct json *json_at(const struct json *json, const char *pointer)
{
    while (json && *pointer == '/') {
        const size_t len = strcspn(pointer + 1, "/");
        json = step(json, (struct str){pointer + 1, len});
        pointer += 1 + len;
    }
    return *pointer == '\0' ? json : NULL;
}
