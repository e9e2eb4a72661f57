/* index_spec.h - gives a declared index MongoDB's form, and compares it with an existing one. */
#ifndef CARTWRIGHT_STORE_INDEX_SPEC_H
#define CARTWRIGHT_STORE_INDEX_SPEC_H

#include "store/bson_codec.h"
#include "store/store.h"

/* Fills an empty *out with {name, key, unique, expireAfterSeconds, partialFilterExpression,
 * collation}, the last four only where they apply. `language` is that of the indexes by locale. BUG
 * when the declaration is wrong. */
MUST_CHECK enum outcome index_spec(const struct doc_type *type, const struct doc_index *index,
                                   const char *language, bson_t *out, struct err *err);

enum index_match { INDEX_SAME, INDEX_OTHER_EXPIRY, INDEX_DIFFERS };

/* `existing` is an element of the reply of listIndexes. */
enum index_match index_compare(const bson_t *wanted, const bson_t *existing);

#endif
