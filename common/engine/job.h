/* job.h - what a handler sees: one message of a batch.
 *
 * A handler is a pure function over documents. It asks for what it needs, and when something is not
 * loaded yet it gives up for this round (NEED); the engine loads what all messages of the batch
 * asked for, in one round trip per collection, and runs the handler again from the top. So code
 * reads straight down, and must not keep anything between runs. There is no I/O, no clock and no
 * randomness in a handler: job_now() and job_new_id() give the same on every run.
 *
 * Everything a handler gets or makes lives in the batch's arena (job_arena). Documents and strings
 * stay valid until the handler returns its final outcome and the batch is settled.
 *
 *   static enum outcome item_remove(struct job *job, const void *request, struct err *err)
 *   {
 *       const struct cart_item_remove_request *req = request;
 *       struct cart *cart = NULL;
 *       NEED(job, cart_of_caller_for_update(job, &cart));
 *       if (!cart || !cart_has(cart, req->product_id))
 *           return refuse(err, NOT_FOUND, "not in the cart");
 *       ...
 *       return reply(job, &cart_view_shape, view);
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
    enum who role;      /* GUEST without a token */
    struct str id;      /* user id; absent for a guest */
    struct str session; /* id of the token's refresh family */
    struct str holder;  /* of a guest: who is known to have sent it (recall.c); absent: nobody */
    int64_t token_issued_at; /* ms */
};

/* Who handed a message in, which is for limits only. */
enum client_kind { CLIENT_UNKNOWN, CLIENT_KEY, CLIENT_ADDRESS };

struct client {
    enum client_kind known_by;
    struct str name; /* a digest; absent when unknown */
};

struct arena *job_arena(struct job *job);
const struct caller *job_caller(const struct job *job);
/* By its API key, when that is a known one; and, when that is a trusted edge, by the address that
 * the edge told. */
struct client job_client(struct job *job);
/* When the message was admitted, ms; the same on every run. */
int64_t job_now(const struct job *job);
/* The n-th call of a run gives the same id on every run. */
struct str job_new_id(struct job *job);
/* Secret random bytes, the same on every run; `label` tells several apart. */
void job_random(struct job *job, const char *label, void *out, size_t len);
/* Of a subscriber: the id of the event that is taken up. */
struct str job_event_id(const struct job *job);
const void *job_settings(const struct job *job);

/* --- needs: true when loaded, and only then *out is set ------------------------------------------- */

enum access {
    DOC_SHOWN,      /* DOC_READ of one of many that are shown; NULL, too, when it cannot be read */
    DOC_READ,       /* as of this batch; may be stale when we commit */
    DOC_CHECKED,    /* the commit proves that it has not changed, or that there is still none */
    DOC_FOR_UPDATE, /* locked and guarded; *out may be changed, after the checks are done */
};

/* A document by id; *out is NULL when there is none (a DOC_FOR_UPDATE lock is held all the same, so
 * that job_insert of this id meets nobody). For DOC_READ and DOC_CHECKED *out must not be changed. */
bool job_doc(struct job *job, const struct doc_type *type, struct str id, enum access access,
             void **out);
/* The same by a field with a unique index ("email"). */
bool job_doc_by(struct job *job, const struct doc_type *type, const char *field, struct str value,
                enum access access, void **out);
/* A document for DOC_READ by somebody who knows, from a document that he changes, that it is at `version`
 * at least (INT64_MAX: that a copy will not do): what is older is read anew, from the database. It
 * may be older even then: that is what there is. */
bool job_doc_since(struct job *job, const struct doc_type *type, struct str id, int64_t version,
                   void **out);
/* A page of a query, or only a count. Sees what is committed, not what this batch decided. With
 * `cache_tag` the page may come from the shared cache, until an event invalidates the tag. */
bool job_query(struct job *job, const struct query *query, const char *cache_tag,
               const struct query_page **out);
/* Makes `query` the part that comes behind `cursor` (empty: from its start). A cursor is opaque to
 * clients and good for this very query only; BAD_CURSOR otherwise. No query by relevance. */
MUST_CHECK enum outcome job_query_behind(struct job *job, struct query *query, struct str cursor,
                                         struct err *err);
/* The cursor of what comes behind `doc` in the order of `query`. */
struct str job_cursor(struct job *job, const struct query *query, const void *doc);
/* Slow by intent (argon2id): only in operations that say `hashes`. An absent hash never matches. */
bool job_password_verify(struct job *job, struct str hash, struct str password, bool *out);
bool job_password_hash(struct job *job, struct str password, struct str *out);
/* Made with a lower cost than hashes are made with now. */
bool job_password_is_old(const struct job *job, struct str hash);
/* A token bucket (lock.h). */
struct bucket {
    struct str key;
    int64_t burst;
    int64_t period_ms;
};

/* Uses a bucket; true when loaded: *wait_ms is 0 when it was within the bucket, else how long until
 * it would be. One message uses a key in each way at most once. */
bool job_rate(struct job *job, const struct bucket *bucket, enum rate_use use, int64_t *wait_ms);

/* --- effects: kept only when the handler returns OUTCOME_DONE -------------------------------------- */

/* `doc` (in the arena) is new: head.id must be set; version and times are set here. */
void job_insert(struct job *job, const struct doc_type *type, void *doc);
/* `doc` came from DOC_FOR_UPDATE: its version and updatedAt move on (once per job). Must be called,
 * before reply() and emit() so that those show the new version; a DOC_FOR_UPDATE document that is not
 * marked is not written. */
void job_changed(struct job *job, void *doc);
/* Appends to a ledger (ledger.h); `entry` (in the arena) is of its entries' shape. */
void job_append(struct job *job, const struct doc_type *ledger, const void *entry);
/* An event (CloudEvents 1.0): subject = the aggregate's id, with its version; data by its shape. */
void emit(struct job *job, const char *type, struct str subject, int64_t version,
          const struct shape *shape, const void *data);
/* The same, but of all such events of one batch with this type and subject only the last is sent:
 * for state that many commands move at once (stock.changed). */
void emit_latest(struct job *job, const char *type, struct str subject, int64_t version,
                 const struct shape *shape, const void *data);
/* A message on the notifications exchange, routing key "<channel>.<kind>". */
void notify(struct job *job, const char *channel, const char *kind, struct str id,
            const struct shape *shape, const void *data);
/* Sets the reply's data and returns OUTCOME_DONE. Status is the operation's. */
enum outcome reply(struct job *job, const struct shape *shape, const void *data);
/* {} */
enum outcome reply_empty(struct job *job);
/* {} with status 202, whatever the operation's is: taken up, and no more is told. */
enum outcome reply_accepted(struct job *job);
/* Effects of a refusal: the handler answers with an error, but what it changed is committed all the
 * same (a reused refresh token revokes its family). err must be set by refuse() first. */
enum outcome refuse_and_keep(struct job *job);
/* An account whose sessions have ended, or whose tokens are to be looked at again for another reason:
 * before anybody is answered, all lanes know. */
void job_account_changed(struct job *job, struct str user_id);
/* Refuses with RATE_LIMITED and tells the client when to come again. */
#define refuse_for_now(job, err, wait_ms, ...)                                                     \
    (job_tell_wait((job), (wait_ms)), err_refuse((err), E_RATE_LIMITED, __VA_ARGS__))
void job_tell_wait(struct job *job, int64_t wait_ms);
/* Where guests are welcome and this request asks for more: DONE when there is a caller; else what an
 * operation that welcomes none would say, UNAUTHENTICATED or TOKEN_EXPIRED. */
MUST_CHECK enum outcome job_need_caller(struct job *job, struct err *err);

struct access_grant {
    struct str user_id;
    enum who role;
    struct str session;
    struct str id;     /* jti */
    int64_t issued_at; /* ms; it lasts for service.access_token_ms from here */
};

/* A signed access token: the same one for the same grant. */
struct str job_access_token(struct job *job, const struct access_grant *grant);
/* BLAKE2b-256 under the digest key, hex: what is stored in place of an opaque secret. */
struct str job_secret_digest(struct job *job, struct str secret);
/* A MAC of `len` bytes (12 to 32), whose `purpose` tells it from all others: proves that a text which
 * comes from outside was made here. */
void job_mac(const struct job *job, const char *purpose, struct str text, void *out, size_t len);
MUST_CHECK bool job_mac_is(const struct job *job, const char *purpose, struct str text,
                           const void *mac, size_t len);

#endif
