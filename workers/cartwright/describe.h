/* describe.h - what the parts of `cartwright describe` share. Everything that is described comes from
 * the tables that serve requests and from the forms in schemas/. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H

#include "base/text.h"
#include "service/operation.h"
#include "wire/json.h"

/* "command", "query" or "subscriber". */
extern const char *const describe_kinds[];

/* The status of a success. */
int describe_status(const struct operation *operation);

/* Writes a schema as a JSON Schema that stands alone: its text, and what it refers to under "$defs".
 * NULL: the schema of an empty object. */
void describe_schema(struct json_writer *writer, struct arena *arena, const struct schema *schema);

#endif
