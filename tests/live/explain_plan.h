/* explain_plan.h - overhears the commands that a store sends, and has the server explain them. Include
 * after shop_rig.h. */
#ifndef CARTWRIGHT_TESTS_EXPLAIN_PLAN_H
#define CARTWRIGHT_TESTS_EXPLAIN_PLAN_H

#include "store/store_mongo.h"

/* --- the commands of the store -------------------------------------------------------------------- */

static bson_t sent[4];
static size_t sent_count;

static inline bool is_of_session(const char *key)
{
    static const char *const keys[] = {"lsid", "$clusterTime", "$db", "$readPreference",
                                       "maxTimeMS"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static inline void keep_command(const mongoc_apm_command_started_t *event)
{
    const bson_t *command = mongoc_apm_command_started_get_command(event);
    bson_iter_t at;
    if (sent_count == sizeof(sent) / sizeof(sent[0]) || !bson_iter_init(&at, command))
        fail_msg("a query sends more commands than expected");
    bson_init(&sent[sent_count]);
    while (bson_iter_next(&at))
        if (!is_of_session(bson_iter_key(&at)))
            bson_append_iter(&sent[sent_count], NULL, -1, &at);
    sent_count++;
}

static inline void forget_commands(void)
{
    while (sent_count > 0)
        bson_destroy(&sent[--sent_count]);
}

static inline void overhear(void)
{
    mongoc_apm_callbacks_t *callbacks = mongoc_apm_callbacks_new();
    mongoc_apm_set_command_started_cb(callbacks, keep_command);
    mongoc_client_set_apm_callbacks(mongo_of(shop.lane.store)->link.client, callbacks, NULL);
    mongoc_apm_callbacks_destroy(callbacks);
}

/* --- plans ------------------------------------------------------------------------------------------ */

struct plan {
    bool scans, sorts;
    int64_t docs, keys; /* that were looked at */
};

static inline void read_plan(bson_iter_t *at, struct plan *plan)
{
    while (bson_iter_next(at)) {
        bson_iter_t part;
        const char *key = bson_iter_key(at);
        if (strcmp(key, "rejectedPlans") == 0)
            continue;
        if (strcmp(key, "totalDocsExamined") == 0)
            plan->docs = bson_iter_as_int64(at);
        if (strcmp(key, "totalKeysExamined") == 0)
            plan->keys = bson_iter_as_int64(at);
        if (strcmp(key, "stage") == 0) {
            plan->scans |= strcmp(bson_iter_utf8(at, NULL), "COLLSCAN") == 0;
            plan->sorts |= strcmp(bson_iter_utf8(at, NULL), "SORT") == 0;
        }
        if (bson_iter_recurse(at, &part))
            read_plan(&part, plan);
    }
}

static inline struct plan explain(const bson_t *command, const char *verbosity)
{
    struct plan plan = {0};
    bson_t reply;
    bson_error_t error;
    bson_iter_t at;
    bson_t *explained =
        BCON_NEW("explain", BCON_DOCUMENT(command), "verbosity", BCON_UTF8(verbosity));
    if (!mongoc_client_command_simple(client, database.ptr, explained, NULL, &reply, &error))
        fail_msg("explain: %s", error.message);
    if (bson_iter_init(&at, &reply))
        read_plan(&at, &plan);
    if (getenv("EXPLAIN_PLANS")) {
        char *text = bson_as_relaxed_extended_json(&reply, NULL);
        print_message("%s\n", text);
        bson_free(text);
    }
    bson_destroy(&reply);
    bson_destroy(explained);
    return plan;
}

#endif
