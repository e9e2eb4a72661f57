/* validator_spec.h - what MongoDB itself demands of the documents of a collection.
 *
 * It stops what no release of ours writes: a bug, or a person at the shell. So it demands only what
 * every release keeps: the members that a document must have in this release and has no fallback
 * for, and the BSON types of those that are known. Unknown members are allowed (a newer release
 * wrote them), and values and enums are not looked at. A document without a version is let through:
 * placeholders (store_mongo_absent.c) have none, and nobody ever sees them. */
#ifndef CARTWRIGHT_STORE_VALIDATOR_SPEC_H
#define CARTWRIGHT_STORE_VALIDATOR_SPEC_H

#include "base/fields.h"
#include "store/bson_codec.h"

/* Fills an empty *out with {$or: [{version: {$exists: false}}, {$jsonSchema: ...}]}. False when it
 * has no room. */
MUST_CHECK bool validator_spec(bson_t *out, const struct shape *shape);

#endif
