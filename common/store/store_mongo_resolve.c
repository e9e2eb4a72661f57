/* store_mongo_resolve.c - finds out the fate of a commit whose answer never came, and ends
 * sessions.
 *
 * The session is killed first, so that nothing of it can still commit; only then is the journal
 * asked. The read is "linearizable": its answer includes whatever was written before it and is
 * confirmed by a majority, so it is right about a commit that still waits for its copies, and about
 * one that a new primary does not have. */
#include "store/store_mongo.h"

#include <string.h>

void mongo_session(struct store *base, uint8_t out[STORE_SESSION_BYTES])
{
    bson_iter_t id;
    bson_subtype_t subtype;
    uint32_t len = 0;
    const uint8_t *bytes = NULL;
    const bson_t *lsid = mongoc_client_session_get_lsid(mongo_of(base)->writer->session);
    if (!bson_iter_init_find(&id, lsid, "id") || !BSON_ITER_HOLDS_BINARY(&id))
        panic("a MongoDB session without an id");
    bson_iter_binary(&id, &subtype, &len, &bytes);
    if (len != STORE_SESSION_BYTES)
        panic("a MongoDB session id of %u bytes", len);
    memcpy(out, bytes, STORE_SESSION_BYTES);
}

enum outcome mongo_kill_session(struct store *base, const uint8_t session[STORE_SESSION_BYTES],
                                struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    struct mongo_array sessions;
    bson_t id;
    const bool ok =
        mongo_array_begin(&sessions, &command, "killSessions") && mongo_array_add(&sessions, &id) &&
        bson_append_binary(&id, "id", 2, BSON_SUBTYPE_UUID, session, STORE_SESSION_BYTES) &&
        mongo_array_add_end(&sessions, &id) && mongo_array_end(&sessions);
    if (!ok)
        return err_bug(err, "killSessions cannot be built");
    AUTO_BSON reply;
    bson_error_t error = {0};
    if (!mongoc_client_command_simple(mongo_of(base)->link.client, "admin", &command, NULL, &reply,
                                      &error))
        return mongo_fault(&reply, &error, "killSessions", err);
    return OUTCOME_DONE;
}

static enum outcome count_entry(void *context, const bson_t *doc, struct err *err)
{
    (void)doc;
    (void)err;
    (*(size_t *)context)++;
    return OUTCOME_DONE;
}

static enum outcome find_entry(const struct mongo_link *link, struct str id, size_t *found,
                               struct err *err)
{
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    bson_t part;
    const bool ok = codec_put_id(&filter, "_id", id) &&
                    bson_append_document_begin(&options, "readConcern", -1, &part) &&
                    bson_append_utf8(&part, "level", 5, "linearizable", -1) &&
                    bson_append_document_end(&options, &part) &&
                    bson_append_document_begin(&options, "projection", -1, &part) &&
                    bson_append_int32(&part, "_id", 3, 1) &&
                    bson_append_document_end(&options, &part) &&
                    bson_append_int64(&options, "maxTimeMS", -1, link->timeout_ms);
    if (!ok)
        return err_bug(err, "journal: %.*s is not an id", STR_FMT(id));
    return mongo_drain(link, JOURNAL_COLLECTION, &filter, &options, count_entry, found, err);
}

enum outcome mongo_resolve(struct store *base, const struct commit *commit, struct err *err)
{
    uint8_t session[STORE_SESSION_BYTES];
    size_t found = 0;
    mongo_session(base, session);
    TRY(mongo_kill_session(base, session, err));
    TRY(find_entry(&mongo_of(base)->link, commit->id, &found, err));
    return found ? OUTCOME_DONE
                 : err_conflict(err, "journal entry %.*s was not committed", STR_FMT(commit->id));
}

/* --- what is left open -------------------------------------------------------------------------- */

/* Appends [{$currentOp: {idleSessions: true}}, {$match: {type: "idleSession",
 * "transaction.timeOpenMicros": {$gte: age}}}, {$count: "n"}]. The command needs no privilege
 * because it does not ask for allUsers. */
static bool put_open_pipeline(bson_t *command, int64_t age_ms)
{
    struct mongo_array stages;
    bson_t stage, part, at_least;
    return mongo_array_begin(&stages, command, "pipeline") && mongo_array_add(&stages, &stage) &&
           bson_append_document_begin(&stage, "$currentOp", -1, &part) &&
           bson_append_bool(&part, "idleSessions", -1, true) &&
           bson_append_document_end(&stage, &part) && mongo_array_add_end(&stages, &stage) &&
           mongo_array_add(&stages, &stage) &&
           bson_append_document_begin(&stage, "$match", -1, &part) &&
           bson_append_utf8(&part, "type", -1, "idleSession", -1) &&
           bson_append_document_begin(&part, "transaction.timeOpenMicros", -1, &at_least) &&
           bson_append_int64(&at_least, "$gte", -1, age_ms * 1000) &&
           bson_append_document_end(&part, &at_least) && bson_append_document_end(&stage, &part) &&
           mongo_array_add_end(&stages, &stage) && mongo_array_add(&stages, &stage) &&
           bson_append_utf8(&stage, "$count", -1, "n", -1) &&
           mongo_array_add_end(&stages, &stage) && mongo_array_end(&stages);
}

enum outcome mongo_open_transactions(struct store *base, int64_t age_ms, int64_t *out,
                                     struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    AUTO_BSON command = BSON_INITIALIZER;
    bson_t cursor;
    if (!bson_append_int32(&command, "aggregate", -1, 1) || !put_open_pipeline(&command, age_ms) ||
        !bson_append_document_begin(&command, "cursor", -1, &cursor) ||
        !bson_append_document_end(&command, &cursor) ||
        !bson_append_int64(&command, "maxTimeMS", -1, link->timeout_ms))
        return err_bug(err, "open transactions: the question cannot be built");
    AUTO_BSON reply;
    bson_error_t error = {0};
    if (!mongoc_client_command_simple(link->client, "admin", &command, NULL, &reply, &error))
        return mongo_fault(&reply, &error, "open transactions", err);
    bson_iter_t top, n;
    *out =
        bson_iter_init(&top, &reply) && bson_iter_find_descendant(&top, "cursor.firstBatch.0.n", &n)
            ? bson_iter_as_int64(&n)
            : 0; /* $count yields no document when nothing matches */
    return OUTCOME_DONE;
}
