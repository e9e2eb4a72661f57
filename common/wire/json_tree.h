/* json_tree.h - `struct json` is jansson's json_t under another name; only common/wire may know. */
#ifndef CARTWRIGHT_WIRE_JSON_TREE_H
#define CARTWRIGHT_WIRE_JSON_TREE_H

#include <jansson.h>

#include "base/str.h"

struct json;

static inline const json_t *json_tree(const struct json *json)
{
    return (const json_t *)(const void *)json;
}

static inline const struct json *json_from_tree(const json_t *tree)
{
    return (const struct json *)(const void *)tree;
}

/* Copies one reference token of a JSON pointer to `out`, without its escapes and with a NUL; false
 * when that needs over `size` bytes (JSON_KEY_MAX: longer than any key that we look for). */
bool json_unescape(struct str token, char *out, size_t size);
#define JSON_KEY_MAX 256

#endif
