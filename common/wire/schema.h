/* schema.h - requests: from JSON to a typed struct, by rules that stand only in schemas/.
 *
 * `schemas/<domain>/<rest>.json` (JSON Schema 2020-12) is the only statement of a request's rules.
 * At build time common/wire/schema_gen.py turns each file into a struct and a `struct schema` in
 * build/gen/schemas/<domain>.h and .c (`cart.item.add` -> struct cart_item_add_request,
 * cart_item_add_schema). An unknown keyword, a remote $ref or a pattern that is not anchored is a
 * build error. Here is the interpreter of those tables.
 *
 * Decision: `1.0` is not an integer here (jansson reads a real; JSON Schema would accept it). */
#ifndef CARTWRIGHT_WIRE_SCHEMA_H
#define CARTWRIGHT_WIRE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

struct json;
struct schema_node; /* one compiled (sub)schema; see schema_node.h, for generated code only */

struct schema {
    const char *name; /* "cart.item.add" */
    const struct schema_node *root;
    const struct shape *shape; /* of the struct that decode fills */
    const char *source;        /* the schema file itself, $refs resolved, for `describe` */
};

/* Compiles the patterns of a schema once (they are cached by their text); call at start. */
MUST_CHECK enum outcome schema_prepare(const struct schema *schema, struct err *err);
/* Checks everything and fills a new struct in the arena; strings point into the tree. On
 * OUTCOME_INVALID err is VALIDATION_FAILED with one field per fault (at most ERR_FIELDS_MAX), in
 * the order of the document. Optional members that are missing are absent (fields.h); a list that is
 * missing has items == NULL, an empty one has not. */
MUST_CHECK enum outcome schema_decode(const struct schema *schema, struct arena *arena,
                                      const struct json *json, const void **out, struct err *err);

#endif
