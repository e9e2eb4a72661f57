/* schema_secret.h - the members of a request that a schema marks writeOnly: passwords and tokens.
 * They are never stored or shown; a web tier may send them sealed. */
#ifndef CARTWRIGHT_WIRE_SCHEMA_SECRET_H
#define CARTWRIGHT_WIRE_SCHEMA_SECRET_H

#include "wire/schema.h"

#define SCHEMA_MASK        "***"
#define SCHEMA_MASKED_BODY "{\"masked\":\"***\"}" /* replaces a body that cannot be read */

struct json;

/* True when any member at any depth is a secret. */
bool schema_has_secrets(const struct schema *schema);
/* Sets *out to the replacement of the secret `value`; false when there is none: the walk ends. */
typedef bool schema_secret_fn(void *context, struct arena *arena, struct str value,
                              struct str *out);
/* Replaces each secret text of `json` by what `change` returns. The tree must have been parsed for
 * this caller alone, because it is changed in place. Members that are missing or not strings stay
 * as they are. False when `change` returned false or a text that is not UTF-8. */
MUST_CHECK bool schema_change_secrets(const struct schema *schema, struct arena *arena,
                                      const struct json *json, schema_secret_fn *change,
                                      void *context);
/* Returns the body with SCHEMA_MASK for each secret. A body that is not JSON cannot be searched for
 * secrets, so SCHEMA_MASKED_BODY replaces it as a whole. Absent when the schema has no secrets:
 * then the body may be kept as it is. */
struct str schema_mask(const struct schema *schema, struct arena *arena, struct str body);

#endif
