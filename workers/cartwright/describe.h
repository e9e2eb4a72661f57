/* describe.h - what the parts of `cartwright describe` share. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H

#include "base/fields.h"
#include "wire/json.h"

/* Writes the JSON Schema of `data` in the reply; shape NULL: of any object. In a reply a field
 * without a value is missing, unless the schema requires it, or null, where the schema allows
 * it. */
void describe_reply(struct json_writer *writer, const struct shape *shape);

#endif
