/* store.h - the database, as a batch sees it.
 *
 * Documents are structs described by tables (base/fields.h). These functions have two
 * implementations: store_mongo.c stands on MongoDB, tests/fakes/store_fake.c keeps everything in
 * memory, for tests. Each lane has one store of its own, opened after the fork. Everything that is
 * loaded lives in the caller's arena, and the caller may keep it as long as the arena lives. A call
 * that asks the server may block for `timeout_ms` for each command that it sends.
 *
 * Outcomes: RETRY: the server is away or too slow (nothing is wrong with the batch). CONFLICT: a
 * version guard or a unique index refused the commit (err says which). UNCERTAIN: the commit was
 * sent, and its fate is unknown. BUG: what was asked for is wrong and would always be refused. */
#ifndef CARTWRIGHT_STORE_STORE_H
#define CARTWRIGHT_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "store/query.h"

/* Every document begins with this. `id` is "_id": an ObjectId's 24 hex digits or a natural key. */
struct doc_head {
    struct str id;
    int64_t version;    /* 1 at first (but see job_delete()), +1 by each command that changes it */
    int64_t created_at; /* ms */
    int64_t updated_at; /* ms */
    struct str kept;    /* fields that only a newer release knows (base/fields.h) */
    /* Of a type with generations: as stored if it is newer than ours, else ours. Absent: `doc` was
     * not read from the database. */
    struct opt_int generation;
    bool older; /* it was read from a stored form that is older than ours; migrate.h renews it */
};

/* The shape of a document; its struct begins with a struct doc_head called `head`. */
#define DOC_SHAPE(shape_name, type, table) STORED_SHAPE(shape_name, type, table, head.kept)

/* The rows for the head, the first ones of a document's table. `type` is the document's struct, and
 * its head must be the member `head`. */
#define DOC_FIELDS(type, key_kind)                                                                 \
    {.name = "id", .kind = (key_kind), .flags = FIELD_KEY, .offset = offsetof(type, head.id)},     \
        {.name = "version", .kind = FIELD_INT, .offset = offsetof(type, head.version)},            \
        {.name = "createdAt", .kind = FIELD_TIME, .offset = offsetof(type, head.created_at)},      \
    {                                                                                              \
        .name = "updatedAt", .kind = FIELD_TIME, .offset = offsetof(type, head.updated_at)         \
    }

enum doc_index_flag {
    INDEX_UNIQUE = 1,
    INDEX_BY_LOCALE = 2, /* orders texts as the store's locale does; serves queries `by_locale` */
};

struct doc_index {
    const char *name;
    const char *keys; /* "userId:1,createdAt:-1" */
    unsigned flags;
    int64_t expire_after_s; /* > 0: a TTL index on its (only) date field */
    const char *only_when;  /* "published=false": a partial index; NULL: all documents */
};

struct doc_type {
    const char *collection;
    const struct shape *shape;       /* its table starts with the rows of the head */
    const struct doc_index *indexes; /* besides _id */
    size_t index_count;
    /* Lanes may keep copies for DOC_READ until this tag is invalidated. NULL: they keep none. */
    const char *cache_tag;
    /* Documents are deleted, and later ones get the same id: the versions of a new document begin
     * with the time (ms since 1970, times 1,000), so that no guard takes one for the other. */
    bool ids_return;
    /* Which form this is; 0 and 1: the first one. The generation is stored with every document of a
     * type that has a later form, and a newer one is written back as it came. Its table has the row
     * DOC_GENERATION. */
    int generation;
    /* Turns a document that was read with our table from the form `from` into one of our form. It
     * is called at each reading, and must be pure: what it makes depends on nothing but `doc`, and
     * lives in the arena. NULL: there is only the first form. */
    void (*upgrade)(struct arena *arena, void *doc, int from);
};

/* No member of a form has such a name: those begin with a letter. */
#define GENERATION_FIELD "_generation"
/* The row for head.generation, in the table of a type that has generations. */
#define DOC_GENERATION(type)                                                                       \
    {                                                                                              \
        .name = GENERATION_FIELD, .kind = FIELD_OPT_INT, .flags = FIELD_OPTIONAL | FIELD_SECRET,   \
        .offset = offsetof(type, head.generation)                                                  \
    }

/* BUG, for a type that the store was not opened with: the text says where to add the type. */
enum outcome store_unknown_type(const struct doc_type *type, struct err *err);

static inline const struct doc_head *doc_head(const void *doc)
{
    return doc;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A document that does not fit its table: another release wrote it, or a person by hand. */
struct misfit {
    struct str id; /* absent: its _id is not of the kind that the type has */
    struct str why;
};

struct doc_list {
    const void **items; /* structs of the type asked for */
    size_t count;
    struct misfit *misfits; /* documents that are there and cannot be read; they are not in items */
    size_t misfit_count;
};

/* The last id, in order of bytes, of all items and misfits of a list that store_scan() filled;
 * absent when there is none. */
struct str doc_list_last(const struct doc_list *list);

/* A request for all documents that have one of `values` at `path`, in one round trip. `path` is
 * "id" or a field with a unique index; its kind decides how the values are sent. Values that no
 * document has are no error; the order of `found` is arbitrary. BUG when one of the documents is a
 * misfit; `found` is filled all the same. (A misfit does not fail a query or a scan.) */
struct store_find {
    const struct doc_type *type;
    const char *path;
    const struct str *values;
    size_t count;
    bool of_majority;      /* only what a majority of the servers has, as scans see it */
    struct doc_list found; /* the result */
};

struct query_page {
    struct doc_list docs;
    int64_t total; /* -1 when it was not asked for: no with_total, and a limit other than 0 */
};

/* --- committing ------------------------------------------------------------------------------ */

enum write_kind {
    WRITE_INSERT,  /* the document must not exist */
    WRITE_REPLACE, /* guarded: the document must still have base_version */
    WRITE_CHECK,   /* no change, but base_version must still hold at the commit (no write skew) */
    WRITE_DELETE,  /* guarded like a replace */
    WRITE_ABSENT,  /* `doc` is a struct absence, which must hold at the commit; writes nothing */
};

/* The claim that no document has the id head.id. With `field`, which must have a unique index of
 * its own, it is the claim that no document has `value` there, and head.id is a new id. */
struct absence {
    struct doc_head head;
    const char *field; /* NULL: the id */
    struct str value;
};

struct write {
    enum write_kind kind;
    const struct doc_type *type;
    const void *doc;
    int64_t base_version; /* the version that was loaded; unused for INSERT and ABSENT */
};

#define JOURNAL_KEY_BYTES 16

struct journal_key {
    uint8_t bytes[JOURNAL_KEY_BYTES];
};

/* One message of the outbox. */
struct journal_event {
    struct str id; /* of the event, and message_id of the message; stays the same after a crash */
    struct str exchange;
    struct str routing_key;
    struct str body;
    struct str traceparent;
};

/* The reply to a message. The body is kept as it was sent, or sealed. */
struct journal_reply {
    struct journal_key key;
    uint8_t fingerprint[16]; /* of operation and body: another one under the same key is misuse */
    int status;
    bool sealed;
    struct str body;
    /* Only store_journal_find() fills these, from the entry in which the reply stands. */
    int64_t at;                         /* ms since 1970 */
    const struct journal_event *events; /* of the whole batch */
    size_t event_count;
};

/* Everything that one batch writes, in one transaction with w:majority and j:true. */
struct commit {
    struct str id; /* of the journal entry: an ObjectId's 24 hex digits */
    int64_t now;   /* ms since 1970 */
    const struct write *writes;
    size_t write_count;
    const struct journal_reply *replies;
    size_t reply_count;
    const struct journal_event *events;
    size_t event_count;
};

/* The events of one commit, and the keys of its replies. */
struct journal_entry {
    struct str id;
    int64_t at;     /* ms since 1970 */
    bool published; /* all its events are known to have been published */
    const struct journal_event *events;
    size_t event_count;
    const struct journal_key *keys;
    size_t key_count;
};

/* Functions that the thread which carries out commits calls, on that thread; they may be NULL. A
 * commit is 8 to 12 commands, each of which may last timeout_ms: the supervisor must not take the
 * process for hanging while this thread moves. */
struct store_watch {
    /* The thread has started. */
    void (*began)(void *context);
    /* The server has answered a command, or the thread has given up on it. */
    void (*moved)(void *context);
    void *context;
};

struct store_options {
    struct str uri;              /* mongodb://...; the database is its path, default "cartwright" */
    struct str database;         /* absent: from the URI */
    int timeout_ms;              /* for one command; 0: 10,000 */
    int64_t journal_retention_s; /* 0: 30 days */
    /* A BCP 47 tag like "en-GB", of which only the language counts. Absent: English. */
    struct str locale;
    const struct doc_type *const *types; /* all collections, for indexes and checks */
    size_t type_count;
    struct store_watch watch;
};

enum outbox { OUTBOX_DUE, OUTBOX_ALL }; /* without or with the entries that are put off just now */

#define STORE_SESSION_BYTES 16 /* of a session's UUID: store_session() */

struct store;

/* What an implementation provides: each of these does what is promised below of the function of the
 * same name, which only calls it or, where a comment here says so, checks first. */
struct store_ops {
    void (*close)(struct store *store);
    enum outcome (*ping)(struct store *store, struct err *err);
    enum outcome (*find)(struct store *store, struct arena *arena, struct store_find *find,
                         struct err *err);
    enum outcome (*query)(struct store *store, struct arena *arena, const struct query *query,
                          struct query_page *out, struct err *err);
    /* store.c has checked that `max` is not 0, and that `after` fits the type or is absent. */
    enum outcome (*scan)(struct store *store, struct arena *arena, const struct doc_type *type,
                         struct str after, size_t max, struct doc_list *out, struct err *err);
    enum outcome (*journal_find)(struct store *store, struct arena *arena,
                                 const struct journal_key *keys, size_t count,
                                 struct journal_reply **out, size_t *out_count, struct err *err);
    void (*commit_begin)(struct store *store, const struct commit *commit);
    enum outcome (*commit_end)(struct store *store, struct err *err);
    bool (*commit_has_ended)(const struct store *store);
    int (*commit_fd)(const struct store *store);
    enum outcome (*rehearse)(struct store *store, const struct commit *commit, struct err *err);
    enum outcome (*resolve)(struct store *store, const struct commit *commit, struct err *err);
    enum outcome (*outbox)(struct store *store, struct arena *arena, enum outbox part,
                           int64_t age_ms, size_t max, struct journal_entry **out,
                           size_t *out_count, struct err *err);
    /* store.c has checked that `max` is not 0, and that `after` is an id or absent. */
    enum outcome (*journal_scan)(struct store *store, struct arena *arena, int64_t since_ms,
                                 struct str after, size_t max, struct journal_entry **out,
                                 size_t *out_count, struct err *err);
    enum outcome (*mark_published)(struct store *store, const struct str *ids, size_t count,
                                   struct err *err);
    enum outcome (*put_off)(struct store *store, const struct str *ids, size_t count,
                            int64_t first_ms, int64_t max_ms, struct err *err);
    enum outcome (*apply_indexes)(struct store *store, void (*report)(const char *line),
                                  struct err *err);
    enum outcome (*check_indexes)(struct store *store, struct err *err);
    void (*session)(struct store *store, uint8_t out[STORE_SESSION_BYTES]);
    enum outcome (*kill_session)(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                                 struct err *err);
    enum outcome (*open_transactions)(struct store *store, int64_t age_ms, int64_t *out,
                                      struct err *err);
};

/* The first member of every implementation's own struct. */
struct store {
    const struct store_ops *ops;
};

/* Starts a session with the server, so it may block for a few seconds. RETRY when no server
 * answers, BUG when the URI is wrong. The caller closes *out. */
MUST_CHECK enum outcome store_open(const struct store_options *options, struct store **out,
                                   struct err *err);
/* Waits for a commit that is under way. `store` may be NULL. */
static inline void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

/* DONE when the primary answers. */
MUST_CHECK static inline enum outcome store_ping(struct store *store, struct err *err)
{
    return store->ops->ping(store, err);
}

MUST_CHECK static inline enum outcome store_find(struct store *store, struct arena *arena,
                                                 struct store_find *find, struct err *err)
{
    return store->ops->find(store, arena, find, err);
}

MUST_CHECK static inline enum outcome store_query(struct store *store, struct arena *arena,
                                                  const struct query *query, struct query_page *out,
                                                  struct err *err)
{
    return store->ops->query(store, arena, query, out, err);
}

/* For programs that go through all documents of a type: loads at most `max` of them in the order of
 * their ids (byte by byte), those behind `after`, or from the start when `after` is absent. The
 * scan sees only what a majority of the servers has. It sees every document that was there before
 * the call and still is; of those that come or change meanwhile it sees some. BUG when `after`
 * cannot be an id of the type. */
MUST_CHECK enum outcome store_scan(struct store *store, struct arena *arena,
                                   const struct doc_type *type, struct str after, size_t max,
                                   struct doc_list *out, struct err *err);
/* The replies of those keys that the journal knows, in arbitrary order. */
MUST_CHECK static inline enum outcome store_journal_find(struct store *store, struct arena *arena,
                                                         const struct journal_key *keys,
                                                         size_t count, struct journal_reply **out,
                                                         size_t *out_count, struct err *err)
{
    return store->ops->journal_find(store, arena, keys, count, out, out_count, err);
}

/* Begins to carry out a commit and returns at once; only one commit may be under way. The commit,
 * and what it points to, must stay unchanged until store_commit_end(). All other calls but
 * store_rehearse() and store_resolve() may be used meanwhile; they need not see the commit. */
static inline void store_commit_begin(struct store *store, const struct commit *commit)
{
    store->ops->commit_begin(store, commit);
}

/* Waits until the commit that was begun has ended, and returns its outcome. It is CONFLICT also
 * when the replies are too long for one journal entry, as a smaller batch may have room. */
MUST_CHECK static inline enum outcome store_commit_end(struct store *store, struct err *err)
{
    return store->ops->commit_end(store, err);
}

/* True when store_commit_end() would not have to wait. */
static inline bool store_commit_has_ended(const struct store *store)
{
    return store->ops->commit_has_ended(store);
}

/* A descriptor that is readable from the end of a commit until store_commit_end(); it belongs to
 * the store. -1: there is none (a fake). */
static inline int store_commit_fd(const struct store *store)
{
    return store->ops->commit_fd(store);
}

/* store_commit_begin() and store_commit_end() in one call. */
MUST_CHECK enum outcome store_commit(struct store *store, const struct commit *commit,
                                     struct err *err);
/* Sends everything that the commit writes, in a transaction that is then aborted. The outcome is
 * what a commit would have met (guards and unique indexes are asked), and nothing is left behind.
 * To be called only between commits. */
MUST_CHECK static inline enum outcome store_rehearse(struct store *store,
                                                     const struct commit *commit, struct err *err)
{
    return store->ops->rehearse(store, commit, err);
}

/* Finds out the fate of a commit that ended with UNCERTAIN. DONE: it took effect. CONFLICT: it did
 * not, and never will. RETRY: ask again later. */
MUST_CHECK static inline enum outcome store_resolve(struct store *store,
                                                    const struct commit *commit, struct err *err)
{
    return store->ops->resolve(store, commit, err);
}

/* At most `max` entries not marked as published and at least `age_ms` old, the oldest first. Only
 * what a majority of the servers has is seen: what is published must not be rolled back later. So
 * an entry may still come for a moment after it was marked or put off. */
MUST_CHECK static inline enum outcome store_outbox(struct store *store, struct arena *arena,
                                                   enum outbox part, int64_t age_ms, size_t max,
                                                   struct journal_entry **out, size_t *out_count,
                                                   struct err *err)
{
    return store->ops->outbox(store, arena, part, age_ms, max, out, out_count, err);
}

/* For programs that check the whole journal: the entries made at `since_ms` (ms since 1970) or
 * later, in order of their ids, at most `max`: those behind the entry `after`, or from the start
 * when `after` is absent. The scan sees only what a majority of the servers has. BUG when `after`
 * is no id. */
MUST_CHECK enum outcome store_journal_scan(struct store *store, struct arena *arena,
                                           int64_t since_ms, struct str after, size_t max,
                                           struct journal_entry **out, size_t *out_count,
                                           struct err *err);
/* Marks entries as published; marking an entry twice is harmless. */
MUST_CHECK static inline enum outcome store_mark_published(struct store *store,
                                                           const struct str *ids, size_t count,
                                                           struct err *err)
{
    return store->ops->mark_published(store, ids, count, err);
}

/* Puts off entries whose events are refused: OUTBOX_DUE leaves an entry out for `first_ms`, after
 * each further call for twice as long as before, but never for longer than `max_ms`. */
MUST_CHECK static inline enum outcome store_put_off(struct store *store, const struct str *ids,
                                                    size_t count, int64_t first_ms, int64_t max_ms,
                                                    struct err *err)
{
    return store->ops->put_off(store, ids, count, first_ms, max_ms, err);
}

/* Serialises documents for the cache; absent when one of them does not fit its table. */
struct str store_encode(struct arena *arena, const struct doc_type *type,
                        const struct doc_list *docs);
/* Reads what store_encode() wrote; the result needs only the arena, not `bytes`. False when the
 * bytes are not such documents, because another release wrote them: they must be loaded anew. */
MUST_CHECK bool store_decode(struct arena *arena, const struct doc_type *type, struct str bytes,
                             struct doc_list *out);

/* Creates missing collections and indexes, those of the journal included, and sets the expiry of
 * TTL indexes and the validators of collections (validator_spec.h); `report` gets one line of text for each thing done. Never drops anything: BUG when
 * an index differs from its declaration. Building an index on many documents takes long: open the
 * store with a timeout_ms of minutes. */
MUST_CHECK static inline enum outcome store_apply_indexes(struct store *store,
                                                          void (*report)(const char *line),
                                                          struct err *err)
{
    return store->ops->apply_indexes(store, report, err);
}

/* DONE when all declared indexes are there; BUG names the first that is missing or differs. */
MUST_CHECK static inline enum outcome store_check_indexes(struct store *store, struct err *err)
{
    return store->ops->check_indexes(store, err);
}

/* The session of this store's transactions, as 16 bytes: the UUID of the lsid. With it the
 * supervisor can end a transaction that was open when the lane died. */
static inline void store_session(struct store *store, uint8_t out[STORE_SESSION_BYTES])
{
    store->ops->session(store, out);
}

/* Ends a session and aborts its open transaction; a session that is gone already is no error. */
MUST_CHECK static inline enum outcome store_kill_session(struct store *store,
                                                         const uint8_t session[STORE_SESSION_BYTES],
                                                         struct err *err)
{
    return store->ops->kill_session(store, session, err);
}

/* How many transactions of our database user have been open for at least `age_ms` and wait for
 * their client. Lanes that are well leave none. */
MUST_CHECK static inline enum outcome store_open_transactions(struct store *store, int64_t age_ms,
                                                              int64_t *out, struct err *err)
{
    return store->ops->open_transactions(store, age_ms, out, err);
}

#endif
