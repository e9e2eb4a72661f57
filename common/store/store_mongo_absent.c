/* store_mongo_absent.c - proves in a transaction that a document is not there.
 *
 * A read would prove nothing: it meets no write conflict, so each of two transactions could miss
 * what the other inserts. Therefore a placeholder is inserted in the place in question, and a later
 * command of the same transaction deletes it. A document that is in the place already shows as a
 * duplicate key. One that is inserted there at the same time, or was inserted since this
 * transaction began, is a write conflict. One that is inserted afterwards finds the place free.
 * Nobody else ever sees the placeholder.
 *
 * In all other unique indexes the placeholder must have a value that no document has: without it
 * two placeholders would be in each other's way. */
#include "store/doc_path.h"
#include "store/store_mongo.h"

/* The beginning of values that no document has: no text of ours begins with a control character. */
#define NOBODYS "\x01"

static bool fail(struct codec_fault *fault, const char *field, const char *what)
{
    fault->field = field;
    fault->what = what;
    return false;
}

static bool put_own_id(bson_t *out, const struct write *write)
{
    return codec_put_value(out, "_id", write->type->shape->fields[0].kind, doc_head(write->doc)->id,
                           0);
}

/* Puts a value that no document has into the first field of a unique index, unless the placeholder
 * has that field already. */
static bool put_filler(bson_t *document, const struct write *write, const char *path)
{
    char text[sizeof(NOBODYS) + DOC_PATH_MAX];
    const struct str id = doc_head(write->doc)->id;
    snprintf(text, sizeof(text), NOBODYS "%.*s", STR_FMT(id));
    return bson_has_field(document, path) || bson_append_utf8(document, path, -1, text, -1);
}

static bool put_value(bson_t *document, const struct write *write, const struct absence *absence)
{
    struct doc_path path;
    return doc_path_resolve(write->type->shape, absence->field, &path) && !strchr(path.bson, '.') &&
           codec_put_value(document, path.bson, path.kind, absence->value, 0);
}

/* The path of the first key of an index. False when it is not a field of the document itself. */
static bool first_path(const struct doc_index *index, char out[DOC_PATH_MAX])
{
    const size_t len = strcspn(index->keys, ":,");
    if (len >= DOC_PATH_MAX)
        return false;
    memcpy(out, index->keys, len);
    out[len] = '\0';
    return !strchr(out, '.');
}

bool mongo_absence_put(bson_t *document, const struct write *write, struct codec_fault *fault)
{
    const struct absence *absence = write->doc;
    if (!put_own_id(document, write))
        return fail(fault, "id", "cannot be proved to be nobody's");
    if (absence->field && !put_value(document, write, absence))
        return fail(fault, absence->field, "cannot be proved to be nobody's");
    for (size_t i = 0; i < write->type->index_count; i++) {
        const struct doc_index *index = &write->type->indexes[i];
        char path[DOC_PATH_MAX];
        /* A partial index needs no filler: it holds no document without its condition's fields. */
        if (!(index->flags & INDEX_UNIQUE) || index->only_when)
            continue;
        if (!first_path(index, path) || !put_filler(document, write, path))
            return fail(fault, index->name, "stands in the way of a proof");
    }
    return true;
}

bool mongo_absence_take_back(bson_t *element, const struct write *write, struct codec_fault *fault)
{
    bson_t q;
    (void)fault;
    return bson_append_document_begin(element, "q", 1, &q) && put_own_id(&q, write) &&
           bson_append_document_end(element, &q) && bson_append_int32(element, "limit", 5, 1);
}
