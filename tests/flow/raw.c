/* raw.c - documents as the database has them. */
#include "flow/raw.h"

#include <stdio.h>
#include <stdlib.h>

#include "fakes/store_fake.h"
#include "store/store_mongo.h"
#include "wire/json_tree.h"

#define KEY_MAX 128

/* --- fakes ------------------------------------------------------------------------------------- */

static bool put_document(struct world *world, const struct doc_type *type, struct str id,
                         bson_t *out)
{
    bson_t stored;
    const struct str bytes = store_fake_stored(world->store, type, id);
    return !str_is_absent(bytes) &&
           bson_init_static(&stored, (const uint8_t *)bytes.ptr, bytes.len) &&
           bson_concat(out, &stored);
}

/* `path` is "color" or "lines.0.gift"; what stands before the last dot is there. */
static void set_path(json_t *object, char *path, json_t *value)
{
    char *dot = strchr(path, '.');
    if (!dot) {
        if (json_is_null(value))
            json_object_del(object, path);
        else
            json_object_set(object, path, value);
        return;
    }
    *dot = '\0';
    json_t *part = json_is_array(object) ? json_array_get(object, strtoul(path, NULL, 10))
                                         : json_object_get(object, path);
    set_path(part, dot + 1, value);
}

static void change_all(json_t *document, const struct json *changes)
{
    json_t *object = (json_t *)(uintptr_t)json_tree(changes);
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        char path[KEY_MAX];
        snprintf(path, sizeof(path), "%s", json_object_iter_key(i));
        set_path(document, path, json_object_iter_value(i));
    }
}

static bson_t *changed(const bson_t *before, const struct json *changes)
{
    bson_error_t error;
    char *text = bson_as_canonical_extended_json(before, NULL);
    json_t *document = json_loads(text, 0, NULL);
    change_all(document, changes);
    char *after = json_dumps(document, 0);
    bson_t *bson = bson_new_from_json((const uint8_t *)after, -1, &error);
    bson_free(text);
    json_decref(document);
    free(after);
    return bson;
}

static bool alter_fake(struct world *world, const struct doc_type *type, struct str id,
                       const struct json *changes, struct str *why)
{
    AUTO_BSON before = BSON_INITIALIZER;
    *why = STR("there is none");
    if (!put_document(world, type, id, &before))
        return false;
    bson_t *after = changed(&before, changes);
    *why = STR("that is no BSON");
    if (!after)
        return false;
    store_fake_put_stored(world->store, type, id,
                          (struct str){(const char *)bson_get_data(after), after->len});
    bson_destroy(after);
    return true;
}

/* --- real servers -------------------------------------------------------------------------------- */

static void put_filter(bson_t *filter, const struct doc_type *type, struct str id)
{
    if (!codec_put_value(filter, "_id", type->shape->fields[0].kind, id, 0))
        panic("an id of %s", type->collection);
}

static mongoc_collection_t *collection_of(struct world *world, const struct doc_type *type)
{
    const struct mongo_link *link = &mongo_of(world->store)->link;
    return mongoc_client_get_collection(link->client, link->database, type->collection);
}

/* {$set: {...}, $unset: {...}}, the ones that have members. */
static bson_t *update_of(const struct json *changes)
{
    bson_error_t error;
    json_t *object = (json_t *)(uintptr_t)json_tree(changes);
    json_t *set = json_object(), *unset = json_object(), *update = json_object();
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        json_t *value = json_object_iter_value(i);
        json_object_set(json_is_null(value) ? unset : set, json_object_iter_key(i), value);
    }
    if (json_object_size(set))
        json_object_set(update, "$set", set);
    if (json_object_size(unset))
        json_object_set(update, "$unset", unset);
    char *text = json_dumps(update, 0);
    bson_t *bson = bson_new_from_json((const uint8_t *)text, -1, &error);
    json_decref(set);
    json_decref(unset);
    json_decref(update);
    free(text);
    return bson;
}

static bool alter_real(struct world *world, struct arena *arena, const struct doc_type *type,
                       struct str id, const struct json *changes, struct str *why)
{
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    bson_iter_t count;
    put_filter(&filter, type, id);
    bson_t *update = update_of(changes);
    mongoc_collection_t *collection = collection_of(world, type);
    bson_destroy(&reply);
    /* A script plays another release, or a person who knows how to get past the validators. */
    AUTO_BSON options = BSON_INITIALIZER;
    bson_append_bool(&options, "bypassDocumentValidation", -1, true);
    const bool ok =
        mongoc_collection_update_one(collection, &filter, update, &options, &reply, &error);
    mongoc_collection_destroy(collection);
    bson_destroy(update);
    *why = ok ? STR("there is none") : str_dup(arena, str_of(error.message));
    return ok && bson_iter_init_find(&count, &reply, "matchedCount") &&
           bson_iter_as_int64(&count) == 1;
}

enum outcome raw_wipe(struct world *world, struct err *err)
{
    AUTO_BSON all = BSON_INITIALIZER;
    bool ok = true;
    bson_error_t error = {0};
    for (size_t i = 0; ok && world->service.types[i]; i++) {
        mongoc_collection_t *collection = collection_of(world, world->service.types[i]);
        ok = mongoc_collection_delete_many(collection, &all, NULL, NULL, &error);
        mongoc_collection_destroy(collection);
    }
    return ok ? OUTCOME_DONE : err_bug(err, "the database is not emptied: %s", error.message);
}

static bool find_document(struct world *world, const struct doc_type *type, struct str id,
                          bson_t *out)
{
    AUTO_BSON filter = BSON_INITIALIZER;
    const bson_t *found = NULL;
    put_filter(&filter, type, id);
    mongoc_collection_t *collection = collection_of(world, type);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(collection, &filter, NULL, NULL);
    const bool is_there = mongoc_cursor_next(cursor, &found);
    if (is_there)
        bson_concat(out, found);
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(collection);
    return is_there;
}

/* --- both ---------------------------------------------------------------------------------------- */

bool raw_alter(struct world *world, struct arena *arena, const struct doc_type *type, struct str id,
               const struct json *changes, struct str *why)
{
    return world->real ? alter_real(world, arena, type, id, changes, why)
                       : alter_fake(world, type, id, changes, why);
}

struct str raw_look(struct world *world, struct arena *arena, const struct doc_type *type,
                    struct str id)
{
    AUTO_BSON document = BSON_INITIALIZER;
    const bool is_there = world->real ? find_document(world, type, id, &document)
                                      : put_document(world, type, id, &document);
    if (!is_there)
        return STR_ABSENT;
    char *text = bson_as_relaxed_extended_json(&document, NULL);
    const struct str json = str_dup(arena, str_of(text));
    bson_free(text);
    return json;
}
