/* json.c - whole trees: their digest and their text. */
#include "wire/json.h"

#include <xxhash.h>

#include "wire/json_tree.h"

/* --- fingerprint ------------------------------------------------------------------------------ */

/* Each type has its own seed, which keeps 1, "1", [1] and {"1": ...} apart. */
struct digest_input {
    XXH128_hash_t first;
    XXH128_hash_t second;
};

static XXH128_hash_t digest_of(const json_t *tree);

static XXH128_hash_t digest_pair(XXH128_hash_t first, XXH128_hash_t second, json_type seed)
{
    const struct digest_input input = {first, second};
    return XXH3_128bits_withSeed(&input, sizeof(input), (XXH64_hash_t)seed);
}

static XXH128_hash_t digest_bytes(const void *bytes, size_t len, json_type seed)
{
    return XXH3_128bits_withSeed(bytes, len, (XXH64_hash_t)seed);
}

/* The digests of the members are summed up, so that their order does not matter without sorting. */
static XXH128_hash_t digest_object(const json_t *tree)
{
    json_t *object = (json_t *)(uintptr_t)tree; /* jansson iterates over non-const trees only */
    XXH128_hash_t sum = {0, 0};
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const XXH128_hash_t key =
            digest_bytes(json_object_iter_key(i), json_object_iter_key_len(i), JSON_OBJECT);
        const XXH128_hash_t member =
            digest_pair(key, digest_of(json_object_iter_value(i)), JSON_OBJECT);
        sum.low64 += member.low64;
        sum.high64 += member.high64;
    }
    const size_t count = json_object_size(object);
    return digest_pair(sum, digest_bytes(&count, sizeof(count), JSON_OBJECT), JSON_OBJECT);
}

static XXH128_hash_t digest_array(const json_t *tree)
{
    const size_t count = json_array_size(tree);
    XXH128_hash_t digest = digest_bytes(&count, sizeof(count), JSON_ARRAY);
    for (size_t i = 0; i < count; i++)
        digest = digest_pair(digest, digest_of(json_array_get(tree, i)), JSON_ARRAY);
    return digest;
}

static XXH128_hash_t digest_number(const json_t *tree)
{
    const json_int_t integer = json_integer_value(tree);
    const double real = json_real_value(tree);
    return json_is_integer(tree) ? digest_bytes(&integer, sizeof(integer), JSON_INTEGER)
                                 : digest_bytes(&real, sizeof(real), JSON_REAL);
}

static XXH128_hash_t digest_of(const json_t *tree)
{
    if (json_is_object(tree))
        return digest_object(tree);
    if (json_is_array(tree))
        return digest_array(tree);
    if (json_is_string(tree))
        return digest_bytes(json_string_value(tree), json_string_length(tree), JSON_STRING);
    if (json_is_number(tree))
        return digest_number(tree);
    return digest_bytes("", 0, json_typeof(tree)); /* true, false and null are types of their own */
}

void json_fingerprint(const struct json *json, uint8_t out[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, digest_of(json_tree(json)));
    memcpy(out, canonical.digest, sizeof(canonical.digest));
}

/* --- text of a tree --------------------------------------------------------------------------- */

static int append(const char *bytes, size_t len, void *text)
{
    text_append(text, bytes, len);
    return 0;
}

static struct str dump(struct arena *arena, const json_t *tree, size_t flags)
{
    struct text text;
    text_init(&text, arena, 256);
    if (json_dump_callback(tree, append, &text, flags | JSON_ENCODE_ANY) != 0)
        panic("a parsed tree cannot be written");
    return text_str(&text);
}

struct str json_text(struct arena *arena, const struct json *json)
{
    return json ? dump(arena, json_tree(json), JSON_COMPACT) : STR_ABSENT;
}

enum outcome json_pretty(struct arena *arena, struct str bytes, struct str *out, struct err *err)
{
    const struct json *json;
    TRY(json_parse(arena, bytes, &json, err));
    *out = str_shown(arena, dump(arena, json_tree(json), JSON_INDENT(2)), true);
    return OUTCOME_DONE;
}
