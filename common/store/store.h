/* store.h - the database, as a batch sees it.
 *
 * Documents are structs described by tables (base/fields.h). store_mongo.c is MongoDB,
 * tests/fakes/store_fake.c is memory for tests; both stand behind these functions. One lane, one store, opened
 * after the fork. Everything loaded lives in the caller's arena and is the caller's to keep.
 *
 * Outcomes: RETRY the server is away or too slow (nothing is wrong with the batch); CONFLICT a
 * version guard or unique index said no (err says which); UNCERTAIN the commit was sent and its
 * fate is unknown; BUG the server refused what we sent for good. */
#ifndef CARTWRIGHT_STORE_STORE_H
#define CARTWRIGHT_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/text.h"

/* Every document begins with this. `id` is "_id": an ObjectId's 24 hex digits or a natural key. */
struct doc_head {
    struct str id;
    int64_t version;    /* 1 at the first write, +1 by each command that changes the document */
    int64_t created_at; /* ms */
    int64_t updated_at; /* ms */
    struct str kept;    /* fields that a newer release wrote (base/fields.h) */
};

/* The shape of a document, whose struct begins with its head. */
#define DOC_SHAPE(shape_name, type, table) STORED_SHAPE(shape_name, type, table, head.kept)

/* The rows of a document's table for its head; `type` is the struct, its member must be `head`. */
#define DOC_FIELDS(type, key_kind)                                                                 \
    {.name = "id", .kind = (key_kind), .flags = FIELD_KEY, .offset = offsetof(type, head.id)},     \
        {.name = "version", .kind = FIELD_INT, .offset = offsetof(type, head.version)},            \
        {.name = "createdAt", .kind = FIELD_TIME, .offset = offsetof(type, head.created_at)},      \
    {                                                                                              \
        .name = "updatedAt", .kind = FIELD_TIME, .offset = offsetof(type, head.updated_at)         \
    }

enum doc_index_flag {
    INDEX_UNIQUE = 1,
    INDEX_BY_LOCALE = 2, /* its texts stand in the order of the store's locale; for such queries */
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
    const struct shape *shape;       /* its table starts with DOC_FIELDS */
    const struct doc_index *indexes; /* besides _id */
    size_t index_count;
    const char
        *cache_tag; /* lanes may keep copies for DOC_READ until this tag is invalidated; NULL */
};

/* Of a type that is in no table: BUG, with where it belongs. */
enum outcome store_unknown_type(const struct doc_type *type, struct err *err);

static inline const struct doc_head *doc_head(const void *doc)
{
    return doc;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A document that does not fit its table: another release wrote it, or somebody by hand. */
struct misfit {
    struct str id; /* absent: of another kind than the type's */
    struct str why;
};

struct doc_list {
    const void **items; /* structs of the type asked for */
    size_t count;
    struct misfit *misfits; /* what is there and cannot be read: in no item */
    size_t misfit_count;
};

/* The last id, in order of bytes, of what was read or could not be; absent: none. */
struct str doc_list_last(const struct doc_list *list);

/* All documents whose `path` ("id", or a field with a unique index; its kind decides how values are
 * sent) is among values: one round trip. Missing ones are simply not there; order is arbitrary. BUG when
 * one of them is a misfit; `found` is filled all the same. (Queries and scans go on without misfits.) */
struct store_find {
    const struct doc_type *type;
    const char *path;
    const struct str *values;
    size_t count;
    struct doc_list found; /* filled */
};

enum query_op { QUERY_EQ, QUERY_NE, QUERY_GT, QUERY_GTE, QUERY_LT, QUERY_LTE };

/* `path` may be dotted ("price.amount"); its kind is taken from the type's table. */
struct query_term {
    const char *path;
    enum query_op op;
    struct str text; /* FIELD_STR, FIELD_ID, FIELD_ENUM (the name) */
    int64_t number;  /* FIELD_INT, FIELD_TIME, FIELD_BOOL */
};

/* One of several ways to satisfy a query. A list matches when one of its elements does. */
struct query_match {
    const char *path; /* of a text or an id, or of a list of them */
    bool begins;      /* the value begins with `text` (byte by byte); else it is `text` */
    struct str text;
    int64_t weight; /* of the hit, for a sort by relevance */
};

/* Matches with the same path, `begins` and weight stand together. Without any nothing is found. */
struct query_any {
    const struct query_match *matches;
    size_t count;
};

#define QUERY_TERMS_MAX 8
#define QUERY_ANY_MAX   16
#define QUERY_SORTS_MAX 3

struct query_sort {
    const char *path; /* NULL with `relevance` */
    int direction;    /* 1 or -1 */
    bool relevance;   /* by the sum of the best hit's weight in each of `any`, best first */
};

/* One value of a sort: `text` or `number`, as with terms. */
struct query_value {
    struct str text;
    int64_t number;
};

/* A page of documents, or only their count. Values are always data: there is no way to pass an
 * operator or a pattern. */
struct query {
    const struct doc_type *type;
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;
    struct query_any any[QUERY_ANY_MAX]; /* in each of them one match must hold, too */
    size_t any_count;
    bool by_locale; /* texts compare and sort as in the store's locale; else byte by byte */
    struct query_sort sorts[QUERY_SORTS_MAX];
    size_t sort_count;
    /* Only what comes behind these values, one for each sort. Then every document must have the
     * sorts' fields, and the last one must be unique. */
    bool behind;
    struct query_value place[QUERY_SORTS_MAX];
    int64_t skip;
    int64_t limit;   /* 0: no documents, only the total */
    bool with_total; /* count what matches in all */
};

struct query_page {
    struct doc_list docs;
    int64_t total; /* -1 without with_total */
};

/* What the query asks for (type, terms, order; not which part of it), as a text that no other query
 * has. */
void query_write(struct text *text, const struct query *query);
/* The values by which `doc` has its place in the order of `query`: one for each sort. */
void query_place(const struct query *query, const void *doc,
                 struct query_value place[QUERY_SORTS_MAX]);

/* --- committing ------------------------------------------------------------------------------ */

enum write_kind {
    WRITE_INSERT,  /* the document must not exist */
    WRITE_REPLACE, /* guarded: it must still have base_version */
    WRITE_CHECK,   /* unchanged, but must still have base_version when we commit (no write skew) */
    WRITE_DELETE,  /* guarded like a replace */
    WRITE_ABSENT,  /* `doc` is a struct absence: must be true when we commit; writes nothing */
};

/* Nobody has the id head.id; or, with `field` (it has a unique index of its own), nobody has that
 * value there, and head.id is a new one. */
struct absence {
    struct doc_head head;
    const char *field; /* NULL: the id */
    struct str value;
};

struct write {
    enum write_kind kind;
    const struct doc_type *type;
    const void *doc;
    int64_t base_version; /* what was loaded; unused for INSERT and ABSENT */
};

#define JOURNAL_KEY_BYTES 16

struct journal_key {
    uint8_t bytes[JOURNAL_KEY_BYTES];
};

/* One message of the outbox. */
struct journal_event {
    struct str id; /* of the event: message_id of what is published, the same after a crash */
    struct str exchange;
    struct str routing_key;
    struct str body;
    struct str traceparent;
};

/* What a message was answered. The body is kept as it was sent (or sealed). */
struct journal_reply {
    struct journal_key key;
    uint8_t fingerprint[16]; /* of operation and body: same key, other fingerprint = misuse */
    int status;
    bool sealed;
    struct str body;
    /* Only store_journal_find() fills these, from the entry that the reply stands in. */
    int64_t at;                         /* ms */
    const struct journal_event *events; /* of the whole batch */
    size_t event_count;
};

/* Everything one batch does, in one transaction: w:majority, j:true. */
struct commit {
    struct str id; /* ObjectId of the journal entry */
    int64_t now;   /* ms */
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
    int64_t at;
    bool published; /* all of them are known to have been published */
    const struct journal_event *events;
    size_t event_count;
    const struct journal_key *keys;
    size_t key_count;
};

/* Told of the thread that carries commits out, on that thread. A commit is 8 to 12 commands, each
 * as long as timeout_ms: whoever watches the process must not take it for hanging while it moves.
 * Functions may be NULL. */
struct store_watch {
    void (*began)(void *context); /* the thread */
    void (*moved)(void *context); /* the server has answered a command, or was given up */
    void *context;
};

struct store_options {
    struct str uri;              /* mongodb://...; the database is its path, default "cartwright" */
    struct str database;         /* absent: from the URI */
    int timeout_ms;              /* of one call: 10000 */
    int64_t journal_retention_s; /* 30 days */
    struct str locale; /* a BCP 47 tag, of which the language counts: "en-GB"; absent: English */
    const struct doc_type *const *types; /* all collections, for indexes and checks */
    size_t type_count;
    struct store_watch watch;
};

struct store;

/* RETRY when no server answers: a session is started. May block for a few seconds. */
MUST_CHECK enum outcome store_open(const struct store_options *options, struct store **out,
                                   struct err *err);
void store_close(struct store *store);
/* DONE when the primary answers. */
MUST_CHECK enum outcome store_ping(struct store *store, struct err *err);

MUST_CHECK enum outcome store_find(struct store *store, struct arena *arena,
                                   struct store_find *find, struct err *err);
MUST_CHECK enum outcome store_query(struct store *store, struct arena *arena,
                                    const struct query *query, struct query_page *out,
                                    struct err *err);
/* For whoever goes through everything: at most `max` documents in order of their ids (of their
 * bytes), those behind `after`, or from the start when that is absent. Only what a majority has is
 * seen. Every document that was there before the call, and still is, is seen; of those that come or
 * change meanwhile some are. BUG when `after` cannot be an id of the type. */
MUST_CHECK enum outcome store_scan(struct store *store, struct arena *arena,
                                   const struct doc_type *type, struct str after, size_t max,
                                   struct doc_list *out, struct err *err);
/* Replies of those keys that are known; order arbitrary. */
MUST_CHECK enum outcome store_journal_find(struct store *store, struct arena *arena,
                                           const struct journal_key *keys, size_t count,
                                           struct journal_reply **out, size_t *out_count,
                                           struct err *err);
/* Begins to carry a commit out and returns at once; one at a time. The commit, and what it points
 * to, must stay as it is until store_commit_end(). Everything else of the store may be used
 * meanwhile, and does not see the commit. */
void store_commit_begin(struct store *store, const struct commit *commit);
/* Waits until the commit that was begun has ended, and says how. */
MUST_CHECK enum outcome store_commit_end(struct store *store, struct err *err);
/* True when store_commit_end() would not have to wait. */
bool store_commit_has_ended(const struct store *store);
/* Readable from the end of a commit until store_commit_end(); -1: a fake has none. */
int store_commit_fd(const struct store *store);
/* Begin and end. */
MUST_CHECK enum outcome store_commit(struct store *store, const struct commit *commit,
                                     struct err *err);
/* Sends everything that the commit writes, in a transaction that is then aborted: says what a commit
 * would have said (guards and unique indexes are asked), and leaves nothing behind. Between commits
 * only. */
MUST_CHECK enum outcome store_rehearse(struct store *store, const struct commit *commit,
                                       struct err *err);
/* After UNCERTAIN: DONE it is there, CONFLICT it is not and never will be, RETRY ask later. */
MUST_CHECK enum outcome store_resolve(struct store *store, const struct commit *commit,
                                      struct err *err);

enum outbox { OUTBOX_DUE, OUTBOX_ALL }; /* without, with those that were put off */

/* Entries not marked published and at least `age_ms` old, oldest first, at most `max`. */
MUST_CHECK enum outcome store_outbox(struct store *store, struct arena *arena, enum outbox part,
                                     int64_t age_ms, size_t max, struct journal_entry **out,
                                     size_t *out_count, struct err *err);
/* Entries made since `since_ms`, in order of their ids, at most `max`: those behind the entry
 * `after`, or from the start when that is absent. For whoever checks the whole journal; BUG when
 * `after` is no id. */
MUST_CHECK enum outcome store_journal_scan(struct store *store, struct arena *arena,
                                           int64_t since_ms, struct str after, size_t max,
                                           struct journal_entry **out, size_t *out_count,
                                           struct err *err);
/* Marks entries published; marking twice is harmless. */
MUST_CHECK enum outcome store_mark_published(struct store *store, const struct str *ids,
                                             size_t count, struct err *err);
/* Somebody does not take these entries' events: the outbox leaves them out for `first_ms`, each further
 * time for twice as long, at most for `max_ms`. */
MUST_CHECK enum outcome store_put_off(struct store *store, const struct str *ids, size_t count,
                                      int64_t first_ms, int64_t max_ms, struct err *err);

/* Serialises documents for the cache and back. Absent when a document does not fit its table; false
 * when the bytes are not such documents (another release wrote them): load them anew. */
struct str store_encode(struct arena *arena, const struct doc_type *type,
                        const struct doc_list *docs);
MUST_CHECK bool store_decode(struct arena *arena, const struct doc_type *type, struct str bytes,
                             struct doc_list *out);

/* Creates missing collections and indexes (also those of the journal); `report` gets one line of
 * text per thing made. Never drops anything. Building an index on many documents takes long: open
 * the store with a timeout_ms of minutes. */
MUST_CHECK enum outcome store_apply_indexes(struct store *store, void (*report)(const char *line),
                                            struct err *err);
/* DONE when all declared indexes are there; BUG naming the first that is missing or differs. */
MUST_CHECK enum outcome store_check_indexes(struct store *store, struct err *err);

/* The session of this store's transactions, so that the supervisor can end an open one when the
 * lane dies: 16 bytes, the UUID of the lsid. */
#define STORE_SESSION_BYTES 16
void store_session(struct store *store, uint8_t out[STORE_SESSION_BYTES]);
MUST_CHECK enum outcome store_kill_session(struct store *store,
                                           const uint8_t session[STORE_SESSION_BYTES],
                                           struct err *err);
/* How many transactions of our database user have been open for at least `age_ms` and wait for
 * their client: nobody's, when the lanes are well. */
MUST_CHECK enum outcome store_open_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                                struct err *err);

#endif
