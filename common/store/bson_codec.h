/* bson_codec.h - documents as BSON and back, driven by the table that describes them.
 *
 * The table is a promise in both directions: a field that is neither optional nor nullable is
 * always there, or has a fallback. Fields that the table does not know, because a newer release
 * wrote them, are kept where the shape has a place for them, and are written behind all others. */
#ifndef CARTWRIGHT_STORE_BSON_CODEC_H
#define CARTWRIGHT_STORE_BSON_CODEC_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "store/mongoc_headers.h"
#include "store/store.h"

#define AUTO_BSON __attribute__((cleanup(bson_destroy))) bson_t

/* The field in which a document counts the commits that rested on it (WRITE_CHECK). Its value means
 * nothing, and it is never kept. */
#define CODEC_CHECKS "checks"

/* Where and why a document does not fit its table. */
struct codec_fault {
    const char *shape;
    const char *field;
    const char *what;
    bool fell_back; /* an object that fits has the fallback of a member that was missing */
};

/* Appends all fields of `object`. When the result is false, *fault says why; its `field` must be
 * NULL before the call. */
MUST_CHECK bool codec_put(bson_t *out, const struct shape *shape, const void *object,
                          struct codec_fault *fault);
/* Fills a zeroed `object`. Its texts point into `data`, which must live as long as the object; ids,
 * lists and structs live in the arena. `fault` as with codec_put(). */
MUST_CHECK bool codec_get(struct arena *arena, const struct shape *shape, const uint8_t *data,
                          size_t len, void *object, struct codec_fault *fault);
/* The same for whole documents, with their generation: a new one gets ours, an older one is upgraded
 * when it is read, and `older` of its head tells that its stored form is not the one in which it
 * would be written now. */
MUST_CHECK bool codec_put_doc(bson_t *out, const struct doc_type *type, const void *doc,
                              struct codec_fault *fault);
MUST_CHECK bool codec_get_doc(struct arena *arena, const struct doc_type *type, const uint8_t *data,
                              size_t len, void *doc, struct codec_fault *fault);
/* Appends one value in the BSON type of its kind: text kinds take it from `text` (absent: null),
 * the others from `number`. False when a value of the kind is neither. Where an id belongs, a text
 * that is no id is appended as a string, which is equal to no ObjectId. */
MUST_CHECK bool codec_put_value(bson_t *out, const char *name, enum field_kind kind,
                                struct str text, int64_t number);
/* An absent text is stored as an empty one. */
MUST_CHECK bool codec_put_text(bson_t *out, const char *name, struct str text);
/* False when `id` is not 24 hex digits. */
MUST_CHECK bool codec_put_id(bson_t *out, const char *name, struct str id);

#endif
