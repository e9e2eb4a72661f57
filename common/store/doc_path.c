/* doc_path.c - dotted paths into described documents. */
#include "store/doc_path.h"

#include <stdio.h>

struct str doc_path_segment(const char **path)
{
    const char *from = *path;
    const char *dot = strchr(from, '.');
    *path = dot ? dot + 1 : NULL;
    return dot ? (struct str){from, (size_t)(dot - from)} : str_of(from);
}

bool doc_path_money(struct str segment, enum field_kind *out)
{
    if (str_eq(segment, STR("amount")))
        *out = FIELD_INT;
    else if (str_eq(segment, STR("currency")))
        *out = FIELD_STR;
    else
        return false;
    return true;
}

/* Appends a segment to the path; false when there is no room. */
static bool add_segment(struct doc_path *out, size_t *len, const char *name, size_t name_len)
{
    const int wrote = snprintf(out->bson + *len, sizeof(out->bson) - *len, "%s%.*s",
                               *len ? "." : "", (int)name_len, name);
    *len += (size_t)wrote;
    return *len < sizeof(out->bson);
}

static bool enter_money(struct doc_path *out, size_t *len, const char **path)
{
    const struct str part = doc_path_segment(path);
    return !*path && doc_path_money(part, &out->kind) && add_segment(out, len, part.ptr, part.len);
}

bool doc_path_resolve(const struct shape *shape, const char *path, struct doc_path *out)
{
    struct doc_path found = {0};
    size_t len = 0;
    while (path) {
        const struct str segment = doc_path_segment(&path);
        const struct field *field = shape ? shape_field(shape, segment) : NULL;
        if (!field)
            return false;
        const char *name = doc_field_name(field);
        if (!add_segment(&found, &len, name, strlen(name)))
            return false;
        found.kind = field->kind;
        shape = field->shape;
        if (path && field->kind == FIELD_MONEY && !enter_money(&found, &len, &path))
            return false;
    }
    *out = found;
    return true;
}
