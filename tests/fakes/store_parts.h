/* store_parts.h - what the files of the fake store share. */
#ifndef CARTWRIGHT_TESTS_FAKES_STORE_PARTS_H
#define CARTWRIGHT_TESTS_FAKES_STORE_PARTS_H

#include "base/map.h"
#include "fakes/store_fake.h"
#include "store/bson_codec.h"
#include "store/store.h"

/* One state of one document, in an arena of its own. */
struct fake_version {
    struct arena arena;
    struct str stored; /* as BSON */
    const void *doc;   /* as it is read */
    /* Why the document cannot be read; then only the id in `doc` counts. Absent: it can be read. */
    struct str misfit;
};

/* A document and, while a commit is tried, its next state: if `staged`, `next` replaces `current`
 * (NULL: the document is deleted). */
struct fake_doc {
    struct str id;
    struct fake_version *current; /* NULL: the document does not exist (yet, or any longer) */
    struct fake_version *next;
    bool staged;
};

struct fake_collection {
    const struct doc_type *type;
    struct map by_id;
    struct fake_doc **docs; /* in the order in which their ids were first used */
    size_t count;
    size_t capacity;
};

struct fake_entry {
    struct journal_entry outbox;
    bool published;
    int times_put_off;
    int64_t retry_at; /* 0: it was never put off */
};

#define FAKE_FAULTS_MAX 16

struct fake_fault {
    int calls_left; /* 0: free */
    enum outcome outcome;
    bool applied;
};

/* How far the commit under way has come. */
enum fake_phase {
    COMMIT_NONE,
    COMMIT_BEGUN,
    COMMIT_OPEN,    /* its writes have arrived: an open transaction, in the way of other commits */
    COMMIT_DECIDED, /* its outcome is known, but store_commit_end() has not returned it yet */
};

struct store_fake;

/* The database that all handles share. */
struct fake_data {
    struct arena arena; /* for everything but the documents */
    struct fake_collection *collections;
    size_t collection_count;
    struct fake_entry **entries;
    size_t entry_count;
    size_t entry_capacity;
    struct map entries_by_id;
    struct map replies_by_key;
    size_t commits;
    int64_t now;                                /* ms since 1970; 0: the clock tells */
    int (*collate)(struct str a, struct str b); /* for queries by locale; NULL: byte by byte */
    struct store_fake *handles;
    uint64_t sessions; /* how many were given out */
};

struct store_fake {
    struct store base;
    struct fake_data *data;
    struct store_fake *next; /* in the list of handles */
    uint64_t session;
    struct fake_fault faults[STORE_FAKE_CALLS][FAKE_FAULTS_MAX];
    const struct commit *under_way; /* begun, not ended; NULL: none */
    enum fake_phase phase;          /* of the commit under way */
    enum outcome fate;              /* its outcome, from COMMIT_DECIDED on */
    struct err fate_err;
    bool slow; /* a commit ends only when somebody waits for it */
};

static inline struct store_fake *fake_of(struct store *store)
{
    return (struct store_fake *)(void *)store;
}

/* The collection of a type; NULL when the fake was not opened with the type. */
struct fake_collection *fake_collection(struct store_fake *fake, const struct doc_type *type);
/* The record of an id, which is made when there is none. */
struct fake_doc *fake_doc(struct store_fake *fake, struct fake_collection *collection,
                          struct str id);
/* Writes a document and reads it back through the codec, so that the fake keeps exactly what MongoDB
 * would. */
MUST_CHECK enum outcome fake_write(struct fake_version *version, const struct doc_type *type,
                                   const void *doc, struct err *err);
/* Reads a document that is no misfit; the result lives in the arena. */
const void *fake_read(struct arena *arena, const struct doc_type *type,
                      const struct fake_version *version);
/* Counts a call and returns the outcome that it is to have: DONE when no fault is due. *applied
 * tells whether a commit is to be carried out all the same (store_fake_fail). */
enum outcome fake_call(struct store_fake *fake, enum store_fake_call call, bool *applied,
                       struct err *err);
void fake_version_free(struct fake_version *version);

/* Keeps the journal entry of a commit that was carried out: its replies and events. */
void fake_keep_journal(struct store_fake *fake, const struct commit *commit);

static inline struct str fake_key(const struct journal_key *key)
{
    return (struct str){(const char *)key->bytes, JOURNAL_KEY_BYTES};
}

/* A value at a path. */
struct fake_value {
    bool present;
    bool is_text;
    struct str text;
    int64_t number;
};

/* Calls `visit` for each value at the path until it returns true, and returns whether it did. When
 * there is no value, `visit` gets one that is not present. Panics on a path that leads nowhere. */
bool fake_values(const struct shape *shape, const void *object, const char *path,
                 bool (*visit)(void *context, const struct fake_value *value), void *context);
/* < 0, 0 or > 0; a value that is not present comes first. */
int fake_value_cmp(const struct fake_value *a, const struct fake_value *b);

enum outcome fake_find(struct store *store, struct arena *arena, struct store_find *find,
                       struct err *err);
enum outcome fake_scan(struct store *store, struct arena *arena, const struct doc_type *type,
                       struct str after, size_t max, struct doc_list *out, struct err *err);
enum outcome fake_query(struct store *store, struct arena *arena, const struct query *query,
                        struct query_page *out, struct err *err);
void fake_commit_begin(struct store *store, const struct commit *commit);
enum outcome fake_commit_end(struct store *store, struct err *err);
bool fake_commit_has_ended(const struct store *store);
enum outcome fake_kill_session(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                               struct err *err);
enum outcome fake_rehearse(struct store *store, const struct commit *commit, struct err *err);
enum outcome fake_resolve(struct store *store, const struct commit *commit, struct err *err);
enum outcome fake_journal_find(struct store *store, struct arena *arena,
                               const struct journal_key *keys, size_t count,
                               struct journal_reply **out, size_t *out_count, struct err *err);
enum outcome fake_outbox(struct store *store, struct arena *arena, enum outbox part, int64_t age_ms,
                         size_t max, struct journal_entry **out, size_t *out_count,
                         struct err *err);
enum outcome fake_journal_scan(struct store *store, struct arena *arena, int64_t since_ms,
                               struct str after, size_t max, struct journal_entry **out,
                               size_t *out_count, struct err *err);
enum outcome fake_put_off(struct store *store, const struct str *ids, size_t count,
                          int64_t first_ms, int64_t max_ms, struct err *err);
enum outcome fake_mark_published(struct store *store, const struct str *ids, size_t count,
                                 struct err *err);

#endif
