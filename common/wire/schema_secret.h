/* schema_secret.h - the members of a request that a schema marks writeOnly: passwords and tokens. They
 * are never kept nor shown; a web tier may send them sealed. */
#ifndef CARTWRIGHT_WIRE_SCHEMA_SECRET_H
#define CARTWRIGHT_WIRE_SCHEMA_SECRET_H

#include "wire/schema.h"

#define SCHEMA_MASK        "***"
#define SCHEMA_MASKED_BODY "{\"masked\":\"***\"}" /* in place of one that cannot be read */

struct json;

/* Any member, at any depth. */
bool schema_has_secrets(const struct schema *schema);
/* What becomes of a secret text; false: it cannot be had, and the walk ends. */
typedef bool schema_secret_fn(void *context, struct arena *arena, struct str value,
                              struct str *out);
/* Puts `change`'s text in the place of each secret text of `json`, which was parsed for this caller
 * alone. Members that are missing, or no text, stay as they are. False when `change` was. */
MUST_CHECK bool schema_change_secrets(const struct schema *schema, struct arena *arena,
                                      const struct json *json, schema_secret_fn *change,
                                      void *context);
/* The body with SCHEMA_MASK for each secret. What is no JSON cannot be searched for them: then all of
 * it is SCHEMA_MASKED_BODY. Absent when the schema has no secrets: the body may be kept as it is. */
struct str schema_mask(const struct schema *schema, struct arena *arena, struct str body);

#endif
