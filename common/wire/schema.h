/* schema.h - forms: from JSON to a typed struct, by rules that stand only in schemas/.
 *
 * The files below schemas/ (JSON Schema 2020-12; schemas/README.md) are the only statement of what a
 * request, a reply, an event, a notification and a document may say. At build time
 * common/wire/schema_gen.py turns each into a struct and a `struct schema` in
 * build/gen/schemas/<folder>.h and .c (`cart.item.add` -> struct cart_item_add_request,
 * cart_item_add_schema). The functions below interpret those tables.
 *
 * Decision: `1.0` is not an integer here (jansson reads a real; JSON Schema would accept it). */
#ifndef CARTWRIGHT_WIRE_SCHEMA_H
#define CARTWRIGHT_WIRE_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

struct json;
struct schema_node; /* one compiled schema or subschema: schema_node.h, for generated code only */

enum schema_kind {
    SCHEMA_REQUEST,
    SCHEMA_REPLY,
    SCHEMA_EVENT,
    SCHEMA_NOTIFICATION,
    SCHEMA_DOCUMENT,
    SCHEMA_FILE,
};

struct schema {
    const char *name; /* of a request its operation, "cart.item.add"; of others the type, "Cart" */
    enum schema_kind kind;
    const struct schema_node *root;
    const struct shape *shape; /* of the struct that schema_decode fills */
    /* The JSON Schema as text, for `describe`. A $ref in it is "#/$defs/<name>"; what that is stands
     * in all_definitions (schemas/all.h). */
    const char *source;
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
/* The same for what a shop of ours wrote, such as an event: only types, enums and what is required
 * are checked, because a value that was good for another release need not be good for the rules of
 * today. It needs no schema_prepare. */
MUST_CHECK enum outcome schema_read(const struct schema *schema, struct arena *arena,
                                    const struct json *json, const void **out, struct err *err);

#endif
