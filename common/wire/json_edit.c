/* json_edit.c - JSON for people who look at messages and correct them: masks secrets, sets values.
 *
 * Each call parses a tree of its own, so that no tree changes while other code reads it. */
#include <strings.h>

#include "wire/json.h"
#include "wire/json_tree.h"

/* Casts const away: the tree was parsed just now and no other code sees it. */
static json_t *own_tree(const struct json *json)
{
    return (json_t *)(uintptr_t)json_tree(json);
}

/* --- masking ---------------------------------------------------------------------------------- */

static bool names_a_secret(const char *key)
{
    /* x-caller is the seal of a caller, which is as good as a token. */
    static const char *const words[] = {"password",      "token",  "secret", "x-caller",
                                        "authorization", "apikey", "api-key"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(key, words[i]))
            return true;
    return false;
}

static void mask_tree(json_t *tree);

static void mask_member(json_t *object, void *member)
{
    json_t *value = json_object_iter_value(member);
    if (names_a_secret(json_object_iter_key(member)) && !json_is_null(value))
        json_object_iter_set_new(object, member, json_string("***"));
    else
        mask_tree(value);
}

static void mask_tree(json_t *tree)
{
    for (void *i = json_object_iter(tree); i; i = json_object_iter_next(tree, i))
        mask_member(tree, i);
    for (size_t i = 0; i < json_array_size(tree); i++)
        mask_tree(json_array_get(tree, i));
}

enum outcome json_mask(struct arena *arena, struct str bytes, struct str *out, struct err *err)
{
    const struct json *json;
    TRY(json_parse(arena, bytes, &json, err));
    mask_tree(own_tree(json));
    *out = json_text(arena, json);
    return OUTCOME_DONE;
}

/* --- setting ---------------------------------------------------------------------------------- */

/* Reads what a person types: JSON, or else a text without its quotes. NULL: it is not UTF-8. */
static json_t *typed_value(struct str value)
{
    json_t *tree = json_loadb(value.ptr, value.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    return tree ? tree : json_stringn(value.ptr, value.len);
}

/* Takes over `value`, even when it returns false. */
static bool set_in_array(json_t *array, struct str token, json_t *value)
{
    int64_t index;
    if (str_eq(token, STR("-")))
        return json_array_append_new(array, value) == 0;
    if (str_to_int64(token, &index) && index >= 0)
        return json_array_set_new(array, (size_t)index, value) == 0;
    json_decref(value);
    return false;
}

static bool set_in(json_t *parent, struct str token, json_t *value)
{
    char key[JSON_KEY_MAX];
    if (json_is_array(parent))
        return set_in_array(parent, token, value);
    if (json_is_object(parent) && json_unescape(token, key, sizeof(key)))
        return json_object_set_new(parent, key, value) == 0;
    json_decref(value);
    return false;
}

enum outcome json_set(struct arena *arena, struct str bytes, struct str pointer, struct str value,
                      struct str *out, struct err *err)
{
    const struct json *json;
    TRY(json_parse(arena, bytes, &json, err));
    const struct str path = str_dup(arena, pointer);
    const char *last = path.ptr ? strrchr(path.ptr, '/') : NULL;
    if (!last)
        return err_invalid(err, E_VALIDATION_FAILED,
                           "'%.*s' is not a JSON pointer like /items/0/sku", STR_FMT(pointer));
    const struct str parent = str_dup(arena, (struct str){path.ptr, (size_t)(last - path.ptr)});
    json_t *tree = own_tree(json_at(json, parent.ptr));
    json_t *typed = typed_value(value);
    if (!typed)
        return err_invalid(err, E_MALFORMED, "the value for %.*s is not UTF-8", STR_FMT(pointer));
    if (!set_in(tree, str_of(last + 1), typed))
        return err_invalid(err, E_VALIDATION_FAILED, "there is no place %.*s in the body",
                           STR_FMT(pointer));
    *out = json_text(arena, json);
    return OUTCOME_DONE;
}
