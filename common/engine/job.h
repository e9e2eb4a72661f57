/* job.h - what a handler sees: one message of a batch.
 *
 * A handler is a pure function over documents. It asks for what it needs, and when something is not
 * loaded yet it gives up for this round (NEED); the engine loads what all messages of the batch
 * asked for, in one round trip per collection, and runs the handler again from the top. So the code
 * reads straight down, and a handler must not keep anything between runs. There is no I/O, no clock
 * and no randomness in a handler: job_now() and job_new_id() return the same on every run.
 *
 * Everything a handler gets or makes lives in the arena of its run (job_arena). Documents and
 * strings stay valid until the handler returns its final outcome and the batch is settled.
 *
 *   static enum outcome item_remove(struct job *job, const void *request, struct err *err)
 *   {
 *       const struct cart_item_remove_request *req = request;
 *       struct cart *cart = NULL;
 *       NEED(job, cart_of_caller_for_update(job, &cart));
 *       if (!cart || !cart_has(cart, req->product_id))
 *           return err_refuse(err, E_NOT_FOUND, "not in the cart");
 *       ...
 *       return reply(job, &cart_view_schema, view);
 *   }
 */
#ifndef CARTWRIGHT_ENGINE_JOB_H
#define CARTWRIGHT_ENGINE_JOB_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "lock/lock.h"
#include "service/ledger.h"
#include "service/operation.h"
#include "store/store.h"

struct job;

/* Evaluates every need, so that one round loads them all; returns OUTCOME_NEED from the handler
 * when any of them is still missing. */
#define NEED(job, ...)                                                                             \
    do {                                                                                           \
        const bool loaded_[] = {__VA_ARGS__};                                                      \
        for (size_t need_ = 0; need_ < sizeof(loaded_) / sizeof(loaded_[0]); need_++)              \
            if (!loaded_[need_])                                                                   \
                return OUTCOME_NEED;                                                               \
    } while (0)

/* --- the message -------------------------------------------------------------------------------- */

struct caller {
    enum who role;           /* GUEST without a token */
    struct str id;           /* user id; absent for a guest */
    struct str session;      /* id of the token's refresh family */
    struct str holder;       /* a guest's: the known sender (recall.c); absent: nobody is known */
    int64_t token_issued_at; /* ms; 0: the caller comes from a seal */
};

/* How the client that handed a message in is known. Clients are for limits only. */
enum client_kind { CLIENT_UNKNOWN, CLIENT_KEY, CLIENT_ADDRESS };

struct client {
    enum client_kind known_by;
    struct str name; /* a digest; absent when unknown */
};

struct arena *job_arena(struct job *job);
const struct caller *job_caller(const struct job *job);
/* The client is known by its API key, when that is configured; behind a trusted edge, it is known
 * by the address that the edge told. */
struct client job_client(struct job *job);
/* When the message was admitted, ms; the same on every run. */
int64_t job_now(const struct job *job);
/* The n-th call of a run returns the same id on every run. */
struct str job_new_id(struct job *job);
/* Writes secret random bytes, the same on every run; `label` tells several of them apart. */
void job_random(struct job *job, const char *label, void *out, size_t len);
const void *job_settings(const struct job *job);

/* --- needs: true when loaded, and only then *out is set ------------------------------------------- */

enum access {
    /* Like DOC_READ, for one of many documents that are shown; NULL also when it cannot be read. */
    DOC_SHOWN,
    DOC_READ,       /* as of this batch; may be stale when the batch commits */
    DOC_CHECKED,    /* the commit proves that it has not changed, or that there is still none */
    DOC_FOR_UPDATE, /* locked and guarded; *out may be changed, after the checks are done */
};

/* A document by id; *out is NULL when there is none. (DOC_FOR_UPDATE holds the lock all the
 * same, so that job_insert of this id meets nobody.) With any access but DOC_FOR_UPDATE,
 * *out must not be changed. */
bool job_doc(struct job *job, const struct doc_type *type, struct str id, enum access access,
             void **out);
/* The caller's document of a type of which each user has one, with the user's id. When there is none,
 * *out is a new and empty one, at version 0, which is not stored before job_save(). */
bool job_own(struct job *job, const struct doc_type *type, enum access access, void **out);
/* A document by the value of a field with a unique index ("email"); otherwise as job_doc(). */
bool job_doc_by(struct job *job, const struct doc_type *type, const char *field, struct str value,
                enum access access, void **out);
/* A document for DOC_READ that is known to be at `version` at least, from a document that the
 * handler changes (INT64_MAX: a copy will not do). An older one is read anew, from the database;
 * that one may be older as well, and then it is what there is. */
bool job_doc_since(struct job *job, const struct doc_type *type, struct str id, int64_t version,
                   void **out);
/* A page of a query, or only a count. It shows what is committed, not what this batch
 * decided. With `cache_tag` the page may come from the shared cache, until an event
 * invalidates the tag; NULL: never. */
bool job_query(struct job *job, const struct query *query, const char *cache_tag,
               const struct query_page **out);
/* Makes `query` return what comes behind `cursor` (empty: from its start). A cursor is
 * opaque to clients and good for this very query only; otherwise INVALID with BAD_CURSOR.
 * Not for a query by relevance. */
MUST_CHECK enum outcome job_query_behind(struct job *job, struct query *query, struct str cursor,
                                         struct err *err);
/* The cursor, in the arena, of what comes behind `doc` in the order of `query`. NULL: of what comes
 * behind all that `query` asks for, none of which could be read (query_go_on()). */
struct str job_cursor(struct job *job, const struct query *query, const void *doc);
/* Slow by intent (argon2id): only for operations that set `hashes`. An
 * absent hash never matches. */
bool job_password_verify(struct job *job, struct str hash, struct str password, bool *out);
bool job_password_hash(struct job *job, struct str password, struct str *out);
/* True when the hash was made with a lower cost than hashes are made
 * with now, or cannot be read. */
bool job_password_is_old(const struct job *job, struct str hash);
/* A token bucket (lock.h): `burst` uses at once, then one per `period_ms`. */
struct bucket {
    struct str key;
    int64_t burst;
    int64_t period_ms;
};

/* Uses a bucket. *wait_ms is 0 when the use was allowed, else the time until it would be. One
 * message uses a key in each way at most once. */
bool job_rate(struct job *job, const struct bucket *bucket, enum rate_use use, int64_t *wait_ms);

/* --- effects: kept only when the handler returns OUTCOME_DONE -------------------------------------- */

/* Adds `doc` (in the arena), a new document: head.id must be set;
 * version and times are set here. The version is 1, unless a document was deleted (job_delete()). */
void job_insert(struct job *job, const struct doc_type *type, void *doc);
/* Marks `doc`, which came from DOC_FOR_UPDATE, as changed: updatedAt moves on, and the version once
 * per job. Must be called before reply() and emit(), so that those show the new version; a
 * DOC_FOR_UPDATE document that is not marked is not written. */
void job_changed(struct job *job, void *doc);
/* Deletes `doc`, which came from DOC_FOR_UPDATE; the commit proves that the database still has the
 * version that was loaded. `doc` moves on to its next version, so what emit() says about it from
 * then on, and not before, carries that version; its copies and pages are made stale by events, as
 * after any change. This handler and later messages of the batch find no such document any more.
 *
 * They may insert the id again. No version may then mean two documents, because a guard knows only
 * the version, and a subscriber takes a lower one for older:
 * - What is inserted over a document that the same batch deleted goes on with its versions, and the
 *   commit replaces the one by the other, guarded by the version that was loaded.
 * - A document that the batch itself inserted and deletes again is never written: the commit proves
 *   that neither its id nor its unique values were there.
 * - An id that may come back in a later batch needs a type with `ids_return` (store.h): the first
 *   version of its documents is a time. Other documents must get new ids (job_new_id()). */
void job_delete(struct job *job, void *doc);
/* job_insert() for a new document, at version 0, and job_changed() for any other. */
void job_save(struct job *job, const struct doc_type *type, void *doc);
/* Applies the patch that the job's request is to a DOC_FOR_UPDATE document (shape_patch()). */
void job_patch(struct job *job, const struct doc_type *type, void *doc, const void *request);
/* Appends `entry` (in the arena), of the shape of the ledger's entries, to a ledger (ledger.h). */
void job_append(struct job *job, const struct doc_type *ledger, const void *entry);
/* Sends an event (CloudEvents 1.0) about `doc`, with its version; its subject stands in `data`.
 * `data` (in the arena), the struct of the event's form, is written as JSON when the batch
 * commits. */
void emit(struct job *job, const struct event_type *event, const void *doc, const void *data);
/* Sends a message to the notifications exchange, with the routing key "<channel>.<kind>". */
void notify(struct job *job, const char *channel, const char *kind, struct str id,
            const struct schema *schema, const void *data);
/* Sets the data of the reply, the struct of the operation's reply, and returns OUTCOME_DONE. The
 * status is the operation's. Panics when `schema` is not that of the operation's reply. */
enum outcome reply(struct job *job, const struct schema *schema, const void *data);
/* Replies with {}. */
enum outcome reply_empty(struct job *job);
/* Replies with {} and status 202, whatever the operation's status is: the request is taken up, and
 * the client is told no more. */
enum outcome reply_accepted(struct job *job);
/* Answers with an error and yet commits what the handler changed (a reused refresh token revokes
 * its family). err must be set by err_refuse() first. */
enum outcome refuse_and_keep(struct job *job);
/* Tells all lanes, before anybody is answered, that the sessions of an account have ended, or that
 * its tokens must be checked again for another reason. */
void job_account_changed(struct job *job, struct str user_id);
/* Refuses with RATE_LIMITED and tells the client to come again after wait_ms. */
#define refuse_for_now(job, err, wait_ms, ...)                                                     \
    (job_tell_wait((job), (wait_ms)), err_refuse((err), E_RATE_LIMITED, __VA_ARGS__))
void job_tell_wait(struct job *job, int64_t wait_ms);
/* For a request that asks for more than guests may have, of an operation that welcomes guests: DONE
 * when there is a caller; else INVALID with what an operation that welcomes none would say,
 * UNAUTHENTICATED or TOKEN_EXPIRED. */
MUST_CHECK enum outcome job_need_caller(struct job *job, struct err *err);

struct access_grant {
    struct str user_id;
    enum who role;
    struct str session;
    struct str id;     /* jti */
    int64_t issued_at; /* ms; the token lasts for service.access_token_ms from then */
};

/* A signed access token, in the arena: the same token for the same grant. */
struct str job_access_token(struct job *job, const struct access_grant *grant);
/* BLAKE2b-256 under the digest key, as hex in the arena: what is stored in
 * place of an opaque secret. */
struct str job_secret_digest(struct job *job, struct str secret);
/* A MAC of `len` bytes (12 to 32) proves that a text that comes from outside was made here. Its
 * `purpose` tells it from all other MACs. */
void job_mac(const struct job *job, const char *purpose, struct str text, void *out, size_t len);
MUST_CHECK bool job_mac_is(const struct job *job, const char *purpose, struct str text,
                           const void *mac, size_t len);

#endif
