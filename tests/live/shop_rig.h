/* shop_rig.h - a shop (shop_case.h) with a database of its own on the server that CARTWRIGHT_MONGODB_URI
 * names; without it the case is skipped. Include after cmocka.h. */
#ifndef CARTWRIGHT_TESTS_SHOP_RIG_H
#define CARTWRIGHT_TESTS_SHOP_RIG_H

#include "../unit/shop_case.h"
#include "base/clock.h"
#include "store/mongoc_headers.h"

static struct shop shop;
static mongoc_client_t *client; /* the test's own eyes */
static struct str database;

static inline void quiet(const char *line)
{
    (void)line;
}

static inline void open_shop(const char *name)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    if (!uri)
        skip();
    struct err err = {0};
    shop_open(&shop);
    store_close(shop.lane.store);
    database = str_printf(&shop.arena, "%s_%s", name, id_new(&shop.arena, clock_now_ms()).ptr);
    const struct store_options options = {.uri = str_of(uri),
                                          .database = database,
                                          .timeout_ms = 20000,
                                          .types = all_types,
                                          .type_count = shop_type_count()};
    if (store_open(&options, &shop.lane.store, &err) != OUTCOME_DONE ||
        store_apply_indexes(shop.lane.store, quiet, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
    client = mongoc_client_new(uri);
}

static inline void close_shop(void)
{
    bson_error_t error;
    mongoc_database_t *mine = mongoc_client_get_database(client, database.ptr);
    mongoc_database_drop(mine, &error);
    mongoc_database_destroy(mine);
    mongoc_client_destroy(client);
    shop_close(&shop);
}

static inline void commit_all(const struct write *writes, size_t count)
{
    struct err err = {0};
    const int64_t now = clock_now_ms();
    const struct commit commit = {
        .id = id_new(&shop.arena, now), .now = now, .writes = writes, .write_count = count};
    if (store_commit(shop.lane.store, &commit, &err) != OUTCOME_DONE)
        fail_msg("store_commit: %s", err.text);
}

static inline void profile(int level)
{
    bson_t command = BSON_INITIALIZER;
    bson_error_t error;
    BCON_APPEND(&command, "profile", BCON_INT32(level));
    if (!mongoc_client_command_simple(client, database.ptr, &command, NULL, NULL, &error))
        fail_msg("profile: %s", error.message);
    bson_destroy(&command);
}

struct plans {
    int64_t count;
    int64_t most_examined; /* documents that one of them looked at */
};

/* The plans of the queries that were profiled; fails at one that read a whole collection. */
static inline struct plans profiled(void)
{
    const bson_t *doc;
    bson_t filter = BSON_INITIALIZER;
    struct plans plans = {0};
    mongoc_collection_t *profiles =
        mongoc_client_get_collection(client, database.ptr, "system.profile");
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(profiles, &filter, NULL, NULL);
    while (mongoc_cursor_next(cursor, &doc)) {
        bson_iter_t plan, examined;
        if (!bson_iter_init_find(&plan, doc, "planSummary"))
            continue;
        if (strstr(bson_iter_utf8(&plan, NULL), "COLLSCAN"))
            fail_msg("%s", bson_as_canonical_extended_json(doc, NULL));
        plans.count++;
        if (bson_iter_init_find(&examined, doc, "docsExamined") &&
            bson_iter_as_int64(&examined) > plans.most_examined)
            plans.most_examined = bson_iter_as_int64(&examined);
    }
    mongoc_cursor_destroy(cursor);
    mongoc_collection_destroy(profiles);
    bson_destroy(&filter);
    return plans;
}

#endif
