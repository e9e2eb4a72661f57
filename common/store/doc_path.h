/* doc_path.h - dotted paths into described documents: "id", "price.amount", "items.productId". */
#ifndef CARTWRIGHT_STORE_DOC_PATH_H
#define CARTWRIGHT_STORE_DOC_PATH_H

#include "base/fields.h"

#define DOC_PATH_MAX 128

struct doc_path {
    enum field_kind kind;    /* of the value at the end of the path; FIELD_INT for "price.amount" */
    char bson[DOC_PATH_MAX]; /* the path as the database knows it: "id" is "_id" */
};

/* False when the path leads nowhere or is longer than DOC_PATH_MAX. */
bool doc_path_resolve(const struct shape *shape, const char *path, struct doc_path *out);

/* The name of a field in BSON. */
static inline const char *doc_field_name(const struct field *field)
{
    return field->flags & FIELD_KEY ? "_id" : field->name;
}

/* Cuts the first segment off *path; *path becomes NULL after the last one. */
struct str doc_path_segment(const char **path);
/* The kind of the part of a FIELD_MONEY that the last segment names: FIELD_INT for "amount",
 * FIELD_STR for "currency". False when it is neither. */
bool doc_path_money(struct str segment, enum field_kind *out);

#endif
