/* store_mongo_index.c - creates collections and indexes before the first batch runs, and checks
 * them.
 *
 * A transaction would create a missing collection, too, but slowly and under a lock, so all of them
 * are created here. Nothing is ever dropped: an index that differs from its declaration is
 * reported, and a person decides. Only the expiry of a TTL index is changed, because it is
 * configuration. */
#include <stdio.h>

#include "store/index_spec.h"
#include "store/store_mongo.h"
#include "store/validator_spec.h"

#define NAMESPACE_NOT_FOUND 26
#define NAMESPACE_EXISTS    48
#define LINE_MAX_BYTES      256

/* Describes a journal entry only as far as the paths of its indexes need it: entries have a codec
 * of their own. */
struct journal_paths {
    struct str id;
    int64_t at;
    bool published;
    struct any_list keys;
};

static const struct field journal_fields[] = {
    {.name = "id",
     .kind = FIELD_ID,
     .flags = FIELD_KEY,
     .offset = offsetof(struct journal_paths, id)},
    {.name = "at", .kind = FIELD_TIME, .offset = offsetof(struct journal_paths, at)},
    {.name = "published", .kind = FIELD_BOOL, .offset = offsetof(struct journal_paths, published)},
    {.name = "keys", .kind = FIELD_STRS, .offset = offsetof(struct journal_paths, keys)},
};

static const struct shape journal_shape = SHAPE("Journal", struct journal_paths, journal_fields);

/* Does what is to be done with one declared index; `existing` is NULL when there is none. */
typedef enum outcome visit_fn(struct store_mongo *store, const struct doc_type *type,
                              const bson_t *wanted, const bson_t *existing,
                              void (*report)(const char *line), struct err *err);

static enum outcome list_indexes(struct store_mongo *store, const char *collection, bson_t *reply,
                                 struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_append_utf8(&command, "listIndexes", -1, collection, -1);
    if (mongoc_client_read_command_with_opts(store->link.client, store->link.database, &command,
                                             NULL, NULL, reply, &error))
        return OUTCOME_DONE;
    if (error.domain == MONGOC_ERROR_SERVER && error.code == NAMESPACE_NOT_FOUND)
        return err_bug(err, "collection %s is missing: run `cartwright index`", collection);
    return mongo_fault(reply, &error, collection, err);
}

static const char *name_of(const bson_t *index)
{
    bson_iter_t name;
    return bson_iter_init_find(&name, index, "name") && BSON_ITER_HOLDS_UTF8(&name)
               ? bson_iter_utf8(&name, NULL)
               : "";
}

/* Finds the index of that name in the reply of listIndexes. A single batch holds all indexes: a
 * collection has at most 64. */
static bool existing_index(const bson_t *list, const char *name, bson_t *out)
{
    bson_iter_t at, each;
    if (!bson_iter_init(&at, list) || !bson_iter_find_descendant(&at, "cursor.firstBatch", &each) ||
        !bson_iter_recurse(&each, &at))
        return false;
    while (bson_iter_next(&at)) {
        uint32_t len = 0;
        const uint8_t *data = NULL;
        if (!BSON_ITER_HOLDS_DOCUMENT(&at))
            continue;
        bson_iter_document(&at, &len, &data);
        if (bson_init_static(out, data, len) && strcmp(name_of(out), name) == 0)
            return true;
    }
    return false;
}

static enum outcome visit_type(struct store_mongo *store, const struct doc_type *type,
                               visit_fn *visit, void (*report)(const char *line), struct err *err)
{
    AUTO_BSON list = BSON_INITIALIZER;
    TRY(list_indexes(store, type->collection, &list, err));
    for (size_t i = 0; i < type->index_count; i++) {
        AUTO_BSON wanted = BSON_INITIALIZER;
        bson_t existing;
        TRY(index_spec(type, &type->indexes[i], store->link.language, &wanted, err));
        const bool there = existing_index(&list, type->indexes[i].name, &existing);
        TRY(visit(store, type, &wanted, there ? &existing : NULL, report, err));
    }
    return OUTCOME_DONE;
}

typedef enum outcome each_type_fn(struct store_mongo *store, const struct doc_type *type,
                                  void (*report)(const char *line), struct err *err);

static enum outcome each_type(struct store_mongo *store, each_type_fn *visit,
                              void (*report)(const char *line), struct err *err)
{
    const struct doc_index journal_indexes[] = {
        {.name = "keys", .keys = "keys:1", .flags = INDEX_UNIQUE, .only_when = "keys=exists"},
        {.name = "outbox", .keys = "published:1,at:1", .only_when = "published=false"},
        {.name = "retention", .keys = "at:1", .expire_after_s = store->journal_retention_s},
    };
    const struct doc_type journal = {
        .collection = JOURNAL_COLLECTION,
        .shape = &journal_shape,
        .indexes = journal_indexes,
        .index_count = sizeof(journal_indexes) / sizeof(journal_indexes[0]),
    };
    TRY(visit(store, &journal, report, err));
    for (size_t i = 0; i < store->link.type_count; i++)
        TRY(visit(store, store->link.types[i], report, err));
    return OUTCOME_DONE;
}

/* --- applying --------------------------------------------------------------------------------- */

static void report_line(void (*report)(const char *line), const char *what, const char *collection,
                        const char *index)
{
    char line[LINE_MAX_BYTES];
    snprintf(line, sizeof(line), "%s%s%s: %s", collection, index ? "." : "", index ? index : "",
             what);
    report(line);
}

static enum outcome create_collection(struct store_mongo *store, const struct doc_type *type,
                                      void (*report)(const char *line), struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON reply;
    bson_error_t error = {0};
    bson_append_utf8(&command, "create", -1, type->collection, -1);
    if (mongoc_client_write_command_with_opts(store->link.client, store->link.database, &command,
                                              NULL, &reply, &error))
        report_line(report, "collection created", type->collection, NULL);
    else if (error.domain != MONGOC_ERROR_SERVER || error.code != NAMESPACE_EXISTS)
        return mongo_fault(&reply, &error, type->collection, err);
    return OUTCOME_DONE;
}

static enum outcome create_index(struct store_mongo *store, const struct doc_type *type,
                                 const bson_t *wanted, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    struct mongo_array indexes;
    bson_t index;
    const bool ok = bson_append_utf8(&command, "createIndexes", -1, type->collection, -1) &&
                    mongo_array_begin(&indexes, &command, "indexes") &&
                    mongo_array_add(&indexes, &index) && bson_concat(&index, wanted) &&
                    mongo_array_add_end(&indexes, &index) && mongo_array_end(&indexes);
    if (!ok)
        return err_bug(err, "%s: an index cannot be built", type->collection);
    AUTO_BSON reply;
    return mongo_run(&store->link, MONGO_WRITE, &command, NULL, &reply, name_of(wanted), err);
}

/* Runs {collMod: <collection>, index: {name, expireAfterSeconds}}. */
static enum outcome move_expiry(struct store_mongo *store, const struct doc_type *type,
                                const bson_t *wanted, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    bson_t index;
    bson_iter_t expiry;
    const bool ok = bson_append_utf8(&command, "collMod", -1, type->collection, -1) &&
                    bson_append_document_begin(&command, "index", -1, &index) &&
                    bson_append_utf8(&index, "name", -1, name_of(wanted), -1) &&
                    bson_iter_init_find(&expiry, wanted, "expireAfterSeconds") &&
                    bson_append_iter(&index, NULL, 0, &expiry) &&
                    bson_append_document_end(&command, &index);
    if (!ok)
        return err_bug(err, "%s: an expiry cannot be moved", type->collection);
    AUTO_BSON reply;
    return mongo_run(&store->link, MONGO_WRITE, &command, NULL, &reply, name_of(wanted), err);
}

static enum outcome differs(const struct doc_type *type, const bson_t *wanted, struct err *err)
{
    return err_bug(err,
                   "index %s of %s differs from its declaration: drop it by hand, then run "
                   "`cartwright index`",
                   name_of(wanted), type->collection);
}

static enum outcome apply_index(struct store_mongo *store, const struct doc_type *type,
                                const bson_t *wanted, const bson_t *existing,
                                void (*report)(const char *line), struct err *err)
{
    const char *done = "index created";
    if (!existing) {
        TRY(create_index(store, type, wanted, err));
    } else {
        const enum index_match match = index_compare(wanted, existing);
        if (match == INDEX_SAME)
            return OUTCOME_DONE;
        if (match == INDEX_DIFFERS)
            return differs(type, wanted, err);
        TRY(move_expiry(store, type, wanted, err));
        done = "expiry moved";
    }
    report_line(report, done, type->collection, name_of(wanted));
    return OUTCOME_DONE;
}

/* Documents that break the rules already may still be changed ("moderate"): the checker tells of
 * them, and a command that mends one must not be refused. */
static enum outcome set_validator(struct store_mongo *store, const struct doc_type *type,
                                  const bson_t *wanted, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON reply;
    const bool ok = bson_append_utf8(&command, "collMod", -1, type->collection, -1) &&
                    bson_append_document(&command, "validator", -1, wanted) &&
                    bson_append_utf8(&command, "validationLevel", -1, "moderate", -1) &&
                    bson_append_utf8(&command, "validationAction", -1, "error", -1);
    if (!ok)
        return err_bug(err, "%s: a validator cannot be built", type->collection);
    return mongo_run(&store->link, MONGO_WRITE, &command, NULL, &reply, type->collection, err);
}

/* Reads the options of the collection. */
static enum outcome list_collection(struct store_mongo *store, const struct doc_type *type,
                                    bson_t *reply, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    bson_t filter;
    const bool ok = bson_append_int32(&command, "listCollections", -1, 1) &&
                    bson_append_document_begin(&command, "filter", -1, &filter) &&
                    bson_append_utf8(&filter, "name", -1, type->collection, -1) &&
                    bson_append_document_end(&command, &filter);
    if (!ok)
        return err_bug(err, "%s: its options cannot be asked for", type->collection);
    return mongo_run(&store->link, MONGO_READ, &command, NULL, reply, type->collection, err);
}

static bool has_validator(const bson_t *list, const bson_t *wanted)
{
    bson_iter_t at, validator;
    uint32_t len = 0;
    const uint8_t *data = NULL;
    bson_t existing;
    if (!bson_iter_init(&at, list) ||
        !bson_iter_find_descendant(&at, "cursor.firstBatch.0.options.validator", &validator) ||
        !BSON_ITER_HOLDS_DOCUMENT(&validator))
        return false;
    bson_iter_document(&validator, &len, &data);
    return bson_init_static(&existing, data, len) && bson_equal(&existing, wanted);
}

static enum outcome apply_validator(struct store_mongo *store, const struct doc_type *type,
                                    void (*report)(const char *line), struct err *err)
{
    AUTO_BSON wanted = BSON_INITIALIZER;
    AUTO_BSON list = BSON_INITIALIZER;
    if (!validator_spec(&wanted, type->shape))
        return err_bug(err, "%s: a validator cannot be built", type->collection);
    TRY(list_collection(store, type, &list, err));
    if (has_validator(&list, &wanted))
        return OUTCOME_DONE;
    TRY(set_validator(store, type, &wanted, err));
    report_line(report, "validator set", type->collection, NULL);
    return OUTCOME_DONE;
}

/* The journal is written by the store itself, and its shape here has only what its indexes need. */
static enum outcome apply_type(struct store_mongo *store, const struct doc_type *type,
                               void (*report)(const char *line), struct err *err)
{
    TRY(create_collection(store, type, report, err));
    if (type->shape != &journal_shape)
        TRY(apply_validator(store, type, report, err));
    return visit_type(store, type, apply_index, report, err);
}

enum outcome mongo_apply_indexes(struct store *base, void (*report)(const char *line),
                                 struct err *err)
{
    return each_type(mongo_of(base), apply_type, report, err);
}

/* --- checking --------------------------------------------------------------------------------- */

static enum outcome check_index(struct store_mongo *store, const struct doc_type *type,
                                const bson_t *wanted, const bson_t *existing,
                                void (*report)(const char *line), struct err *err)
{
    (void)store;
    (void)report;
    if (!existing)
        return err_bug(err, "index %s of %s is missing: run `cartwright index`", name_of(wanted),
                       type->collection);
    const enum index_match match = index_compare(wanted, existing);
    if (match == INDEX_OTHER_EXPIRY)
        return err_bug(err, "index %s of %s has another expiry: run `cartwright index`",
                       name_of(wanted), type->collection);
    return match == INDEX_SAME ? OUTCOME_DONE : differs(type, wanted, err);
}

static enum outcome check_type(struct store_mongo *store, const struct doc_type *type,
                               void (*report)(const char *line), struct err *err)
{
    return visit_type(store, type, check_index, report, err);
}

enum outcome mongo_check_indexes(struct store *base, struct err *err)
{
    return each_type(mongo_of(base), check_type, NULL, err);
}
