/* describe.h - what the parts of `cartwright describe` share. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H

#include "base/fields.h"
#include "wire/json.h"

/* Writes a JSON Schema of `data` in the reply; NULL: an empty object. A field without a value is missing
 * unless it is required, or null where the schema allows it. */
void describe_reply(struct json_writer *writer, const struct shape *shape);

#endif
