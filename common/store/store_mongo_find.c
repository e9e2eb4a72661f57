/* store_mongo_find.c - finds documents by id or by a unique field, in one round trip for all of
 * them; and goes through all documents of a type, page by page. */
#include "base/id.h"
#include "store/doc_path.h"
#include "store/store_mongo.h"

static void cursor_done(mongoc_cursor_t **cursor)
{
    mongoc_cursor_destroy(*cursor);
}

static void collection_done(mongoc_collection_t **collection)
{
    mongoc_collection_destroy(*collection);
}

static enum outcome drain(mongoc_cursor_t *cursor, const char *collection, mongo_take_fn *take,
                          void *context, struct err *err)
{
    const bson_t *doc = NULL;
    while (mongoc_cursor_next(cursor, &doc))
        TRY(take(context, doc, err));
    /* That no document follows does not prove that these were all: an error may be the reason. */
    bson_error_t error;
    const bson_t *reply = NULL;
    if (mongoc_cursor_error_document(cursor, &error, &reply))
        return mongo_fault(reply, &error, collection, err);
    return OUTCOME_DONE;
}

enum outcome mongo_drain(const struct mongo_link *link, const char *collection,
                         const bson_t *filter, const bson_t *options, mongo_take_fn *take,
                         void *context, struct err *err)
{
    __attribute__((cleanup(collection_done))) mongoc_collection_t *from =
        mongoc_client_get_collection(link->client, link->database, collection);
    __attribute__((cleanup(cursor_done))) mongoc_cursor_t *cursor =
        mongoc_collection_find_with_opts(from, filter, options, NULL);
    return drain(cursor, collection, take, context, err);
}

enum outcome mongo_drain_pipeline(const struct mongo_link *link, const char *collection,
                                  const bson_t *pipeline, const bson_t *options,
                                  mongo_take_fn *take, void *context, struct err *err)
{
    __attribute__((cleanup(collection_done))) mongoc_collection_t *from =
        mongoc_client_get_collection(link->client, link->database, collection);
    __attribute__((cleanup(cursor_done))) mongoc_cursor_t *cursor =
        mongoc_collection_aggregate(from, MONGOC_QUERY_NONE, pipeline, options, NULL);
    return drain(cursor, collection, take, context, err);
}

static struct str id_of(const struct mongo_docs *docs, const bson_t *doc)
{
    bson_iter_t id;
    uint32_t len = 0;
    const bool is_text = docs->type->shape->fields[0].kind == FIELD_STR;
    if (!bson_iter_init_find(&id, doc, "_id"))
        return STR_ABSENT;
    if (!is_text && BSON_ITER_HOLDS_OID(&id))
        return id_from_bytes(docs->arena, bson_iter_oid(&id)->bytes);
    if (!is_text || !BSON_ITER_HOLDS_UTF8(&id))
        return STR_ABSENT;
    const char *text = bson_iter_utf8(&id, &len);
    return str_dup(docs->arena, (struct str){text, len});
}

static void keep_misfit(struct mongo_docs *docs, const bson_t *doc, const struct codec_fault *fault)
{
    docs->misfits = arena_grow(docs->arena, docs->misfits, docs->misfit_count,
                               sizeof(*docs->misfits), &docs->misfit_capacity);
    docs->misfits[docs->misfit_count++] = (struct misfit){
        .id = id_of(docs, doc),
        .why = str_printf(docs->arena, "field %s of %s %s", fault->field ? fault->field : "",
                          fault->shape, fault->what),
    };
}

enum outcome mongo_take_doc(void *context, const bson_t *doc, struct err *err)
{
    struct mongo_docs *docs = context;
    struct codec_fault fault = {0};
    void *object = arena_alloc(docs->arena, docs->type->shape->size);
    const uint8_t *copy = arena_copy(docs->arena, bson_get_data(doc), doc->len);
    (void)err; /* one document among many that cannot be read is no reason to stop */
    if (!codec_get_doc(docs->arena, docs->type, copy, doc->len, object, &fault)) {
        keep_misfit(docs, doc, &fault);
        return OUTCOME_DONE;
    }
    docs->items =
        arena_grow(docs->arena, docs->items, docs->count, sizeof(*docs->items), &docs->capacity);
    docs->items[docs->count++] = object;
    return OUTCOME_DONE;
}

/* Appends {<path>: {$in: [...]}}; *out_count is the number of its values. A value that cannot be an
 * id is not sent: no document has it. */
static bool in_filter(bson_t *filter, const struct doc_path *path, const struct store_find *find,
                      uint32_t *out_count)
{
    bson_t in, values;
    bool ok = bson_append_document_begin(filter, path->bson, -1, &in) &&
              bson_append_array_begin(&in, "$in", 3, &values);
    uint32_t sent = 0;
    for (size_t i = 0; ok && i < find->count; i++) {
        char digits[16];
        const char *index = NULL;
        if (path->kind == FIELD_ID && !id_is_valid(find->values[i]))
            continue;
        bson_uint32_to_string(sent++, &index, digits, sizeof(digits));
        ok = codec_put_value(&values, index, path->kind, find->values[i], 0);
    }
    *out_count = sent;
    return ok && bson_append_array_end(&in, &values) && bson_append_document_end(filter, &in);
}

enum outcome mongo_find(struct store *base, struct arena *arena, struct store_find *find,
                        struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_docs docs = {.arena = arena, .type = find->type};
    struct doc_path path;
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    uint32_t count = 0;
    TRY(mongo_check_type(link, find->type, err));
    if (!doc_path_resolve(find->type->shape, find->path, &path) ||
        !in_filter(&filter, &path, find, &count))
        return err_bug(err, "%s cannot be found by %s", find->type->collection, find->path);
    /* One more document than can come, so that the server closes the cursor in its first answer. */
    bson_append_int64(&options, "batchSize", -1, (int64_t)count + 1);
    bson_append_int64(&options, "maxTimeMS", -1, link->timeout_ms);
    if (find->of_majority && !mongo_read_majority(&options))
        return err_bug(err, "%s: the options of a find cannot be built", find->type->collection);
    if (count > 0)
        TRY(mongo_drain(link, find->type->collection, &filter, &options, mongo_take_doc, &docs,
                        err));
    find->found = mongo_doc_list(&docs);
    if (docs.misfit_count == 0)
        return OUTCOME_DONE;
    return err_bug(err, "%s %.*s: %.*s", find->type->collection, STR_FMT(docs.misfits[0].id),
                   STR_FMT(docs.misfits[0].why));
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Appends {_id: {$gt: after}}, or nothing when `after` is absent. */
static bool put_behind(bson_t *filter, const struct doc_type *type, struct str after)
{
    bson_t id;
    if (str_is_absent(after))
        return true;
    return bson_append_document_begin(filter, "_id", 3, &id) &&
           codec_put_value(&id, "$gt", type->shape->fields[0].kind, after, 0) &&
           bson_append_document_end(filter, &id);
}

static bool put_scan_options(bson_t *options, size_t max, int32_t timeout_ms)
{
    bson_t order;
    return mongo_read_majority(options) &&
           bson_append_document_begin(options, "sort", -1, &order) &&
           bson_append_int32(&order, "_id", 3, 1) && bson_append_document_end(options, &order) &&
           bson_append_int64(options, "limit", -1, (int64_t)max) &&
           bson_append_int64(options, "batchSize", -1, (int64_t)max + 1) &&
           bson_append_int64(options, "maxTimeMS", -1, timeout_ms);
}

enum outcome mongo_scan(struct store *base, struct arena *arena, const struct doc_type *type,
                        struct str after, size_t max, struct doc_list *out, struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_docs docs = {.arena = arena, .type = type};
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    TRY(mongo_check_type(link, type, err));
    if (!put_behind(&filter, type, after) || !put_scan_options(&options, max, link->timeout_ms))
        return err_bug(err, "%s cannot be gone through", type->collection);
    TRY(mongo_drain(link, type->collection, &filter, &options, mongo_take_doc, &docs, err));
    *out = mongo_doc_list(&docs);
    return OUTCOME_DONE;
}
