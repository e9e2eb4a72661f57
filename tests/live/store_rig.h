/* store_rig.h - a store with a database of its own on the server that CARTWRIGHT_MONGODB_URI names;
 * without it the case is skipped. Include after cmocka.h. */
#ifndef CARTWRIGHT_TESTS_STORE_RIG_H
#define CARTWRIGHT_TESTS_STORE_RIG_H

#include <stdlib.h>

#include "../unit/store_types.h"
#include "base/clock.h"
#include "base/id.h"
#include "store/mongoc_headers.h"

struct rig {
    struct arena arena;
    struct str uri;
    struct str database;
    struct store *store;
    struct err err;
    mongoc_client_t *client; /* the test's own eyes and hands */
};

static inline void quiet(const char *line)
{
    (void)line;
}

static inline struct store *open_store(struct rig *rig, struct str uri, int timeout_ms)
{
    const struct store_options options = {
        .uri = uri,
        .database = rig->database,
        .timeout_ms = timeout_ms,
        .types = test_types,
        .type_count = COUNT(test_types),
    };
    struct store *store = NULL;
    if (store_open(&options, &store, &rig->err) != OUTCOME_DONE)
        fail_msg("store_open: %s", rig->err.text);
    return store;
}

static inline struct rig *rig_open(void)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    if (!uri)
        skip();
    struct rig *rig = calloc(1, sizeof(*rig));
    arena_init(&rig->arena, 1 << 16);
    rig->uri = str_of(uri);
    const struct str id = id_new(&rig->arena, clock_now_ms());
    rig->database = str_printf(&rig->arena, "storetest_%s", id.ptr);
    rig->store = open_store(rig, rig->uri, 4000);
    rig->client = mongoc_client_new(uri);
    if (store_apply_indexes(rig->store, quiet, &rig->err) != OUTCOME_DONE)
        fail_msg("store_apply_indexes: %s", rig->err.text);
    return rig;
}

static inline void rig_close(struct rig *rig)
{
    mongoc_database_t *database = mongoc_client_get_database(rig->client, rig->database.ptr);
    mongoc_database_drop(database, NULL);
    mongoc_database_destroy(database);
    mongoc_client_destroy(rig->client);
    store_close(rig->store);
    arena_release(&rig->arena);
    free(rig);
}

#define assert_outcome(rig, expected, call)                                                        \
    do {                                                                                           \
        const enum outcome got_ = (call);                                                          \
        if (got_ != (expected))                                                                    \
            fail_msg("%s: %s, not %s: %s", #call, outcome_name(got_), outcome_name(expected),      \
                     (rig)->err.text);                                                             \
    } while (0)

#endif
