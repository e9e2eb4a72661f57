/* schema.h - requests: from JSON to a typed struct, by rules that stand only in schemas/.
 *
 * `schemas/<domain>/<rest>.json` (JSON Schema 2020-12) is the only statement of a request's rules.
 * At build time common/wire/schema_gen.py turns each file into a struct and a `struct schema` in
 * build/gen/schemas/<domain>.h and .c (`cart.item.add` -> struct cart_item_add_request,
 * cart_item_add_schema). An unknown keyword, a remote $ref or a pattern that is not anchored is a
 * build error. The functions below interpret those tables.
 *
 * Decision: `1.0` is not an integer here (jansson reads a real; JSON Schema would accept it). */
#ifndef CARTWRIGHT_WIRE_SCHEMA_H
#define CARTWRIGHT_WIRE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

struct json;
struct schema_node; /* one compiled schema or subschema: schema_node.h, for generated code only */

struct schema {
    const char *name; /* "cart.item.add" */
    const struct schema_node *root;
    const struct shape *shape; /* of the struct that schema_decode fills */
    const char *source;        /* text of the schema file, $refs resolved, for `describe` */
};

/* Compiles the patterns of a schema, each text once per process. Call it at start, before
 * schema_decode. OUTCOME_BUG for a pattern that does not compile. */
MUST_CHECK enum outcome schema_prepare(const struct schema *schema, struct err *err);
/* Checks the whole request and fills a new struct in the arena; its strings point into the tree. On
 * OUTCOME_INVALID err is VALIDATION_FAILED with one field per fault (at most ERR_FIELDS_MAX), in
 * the order of the document. Optional members that are missing are absent (fields.h). A missing
 * list has items == NULL; an empty list has not. */
MUST_CHECK enum outcome schema_decode(const struct schema *schema, struct arena *arena,
                                      const struct json *json, const void **out, struct err *err);

#endif
