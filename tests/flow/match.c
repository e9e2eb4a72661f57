/* match.c - subset match of JSON trees. Recursion is bounded by the depth that json_parse allows. */
#include "flow/match.h"

#include "wire/json_tree.h"

struct matching {
    struct arena *arena;
    struct str *why;
};

static bool differs(const struct matching *m, struct str path, const json_t *want,
                    const json_t *got)
{
    const struct str wanted = json_text(m->arena, json_from_tree(want));
    const struct str came = got ? json_text(m->arena, json_from_tree(got)) : STR("nothing");
    *m->why = str_printf(m->arena, "at \"%.*s\": expected %.*s, came %.*s", STR_FMT(path),
                         STR_FMT(wanted), STR_FMT(came));
    return false;
}

static bool is_word(const json_t *want, const char *word)
{
    return json_is_string(want) && strcmp(json_string_value(want), word) == 0;
}

static bool match_at(const struct matching *m, struct str path, const json_t *want,
                     const json_t *got);

static bool match_object(const struct matching *m, struct str path, const json_t *want,
                         const json_t *got)
{
    json_t *object = (json_t *)(uintptr_t)want; /* jansson iterates over non-const only */
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        const struct str at = str_printf(m->arena, "%.*s/%s", STR_FMT(path), key);
        if (!match_at(m, at, json_object_iter_value(i), json_object_get(got, key)))
            return false;
    }
    return true;
}

static bool match_list(const struct matching *m, struct str path, const json_t *want,
                       const json_t *got)
{
    if (json_array_size(want) != json_array_size(got))
        return differs(m, path, want, got);
    for (size_t i = 0; i < json_array_size(want); i++)
        if (!match_at(m, str_printf(m->arena, "%.*s/%zu", STR_FMT(path), i),
                      json_array_get(want, i), json_array_get(got, i)))
            return false;
    return true;
}

static bool match_at(const struct matching *m, struct str path, const json_t *want,
                     const json_t *got)
{
    if (is_word(want, "-"))
        return got ? differs(m, path, want, got) : true;
    if (!got)
        return differs(m, path, want, got);
    if (is_word(want, "*"))
        return true;
    if (json_is_object(want) && json_is_object(got))
        return match_object(m, path, want, got);
    if (json_is_array(want) && json_is_array(got))
        return match_list(m, path, want, got);
    return json_equal(want, got) ? true : differs(m, path, want, got);
}

bool match(struct arena *arena, const struct json *want, const struct json *got, struct str *why)
{
    const struct matching m = {arena, why};
    return match_at(&m, STR(""), json_tree(want), json_tree(got));
}

bool match_some(struct arena *arena, const struct json *want, const struct json *got,
                struct str *why)
{
    const size_t count = json_array_size(json_tree(want));
    for (size_t i = 0; i < count; i++) {
        const struct json *element = json_element(want, i);
        bool found = false;
        for (size_t k = 0; k < json_count(got) && !found; k++)
            found = match(arena, element, json_element(got, k), why);
        if (found)
            continue;
        const struct matching m = {arena, why};
        return differs(&m, str_printf(arena, "/%zu", i), json_tree(element), json_tree(got));
    }
    return true;
}

const struct json *json_value(struct arena *arena, struct str text, struct str *why)
{
    struct err err = {0};
    const struct json *object;
    const struct str wrapped = str_printf(arena, "{\"value\":%.*s}", STR_FMT(text));
    if (json_parse(arena, wrapped, &object, &err) == OUTCOME_DONE)
        return json_member(object, "value");
    *why = str_printf(arena, "not JSON (%s): %.*s", err.text, STR_FMT(text));
    return NULL;
}
