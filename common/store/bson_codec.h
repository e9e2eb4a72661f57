/* bson_codec.h - documents as BSON and back, driven by the table that describes them.
 *
 * The table is the promise of both ways: a field that is neither optional nor nullable is always
 * there, or has a fallback. Fields that the table does not know (a newer release wrote them) are kept
 * where the shape has a place for them, and written behind all others. */
#ifndef CARTWRIGHT_STORE_BSON_CODEC_H
#define CARTWRIGHT_STORE_BSON_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "store/mongoc_headers.h"

#define AUTO_BSON __attribute__((cleanup(bson_destroy))) bson_t

/* Counts the commits that rested on a document. It means nothing and is never kept. */
#define CODEC_CHECKS "checks"

/* Where and why a document does not fit its table. */
struct codec_fault {
    const char *shape;
    const char *field;
    const char *what;
};

/* Appends all fields of `object`. */
MUST_CHECK bool codec_put(bson_t *out, const struct shape *shape, const void *object,
                          struct codec_fault *fault);
/* Fills a zeroed `object`. Strings point into `data`, which must live as long as the object. */
MUST_CHECK bool codec_get(struct arena *arena, const struct shape *shape, const uint8_t *data,
                          size_t len, void *object, struct codec_fault *fault);
/* Appends one value in the form of its kind: text kinds from `text` (absent: null), the others from
 * `number`. False when the kind has no plain value. A text that is no id stays a string: it is
 * equal to no ObjectId. */
MUST_CHECK bool codec_put_value(bson_t *out, const char *name, enum field_kind kind,
                                struct str text, int64_t number);
/* An absent text is stored as an empty one. */
MUST_CHECK bool codec_put_text(bson_t *out, const char *name, struct str text);
MUST_CHECK bool codec_put_id(bson_t *out, const char *name, struct str id);

#endif
