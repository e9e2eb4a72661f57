/* store_parts.h - what the files of the fake store share. */
#ifndef CARTWRIGHT_TESTS_FAKES_STORE_PARTS_H
#define CARTWRIGHT_TESTS_FAKES_STORE_PARTS_H

#include "base/map.h"
#include "fakes/store_fake.h"
#include "store/bson_codec.h"
#include "store/store_ops.h"

/* One state of one document, in memory of its own. */
struct fake_version {
    struct arena arena;
    const void *doc;
    struct str
        misfit; /* why nobody can read it, and only the id of `doc` counts; absent: they can */
};

/* While a commit is tried, `staged` says that `next` stands for the document (NULL: deleted). */
struct fake_doc {
    struct str id;
    struct fake_version *current; /* NULL: there is none, or no longer */
    struct fake_version *next;
    bool staged;
};

struct fake_collection {
    const struct doc_type *type;
    struct map by_id;
    struct fake_doc **docs; /* in order of their first insert */
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

/* How far a commit under way has come. */
enum fake_phase {
    COMMIT_NONE,
    COMMIT_BEGUN,
    COMMIT_OPEN,    /* its writes are there: an open transaction, in the way of all others */
    COMMIT_DECIDED, /* only its answer is missing */
};

struct store_fake;

/* What all handles share. */
struct fake_data {
    struct arena arena; /* all but the documents */
    struct fake_collection *collections;
    size_t collection_count;
    struct fake_entry **entries;
    size_t entry_count;
    size_t entry_capacity;
    struct map entries_by_id;
    struct map replies_by_key;
    size_t commits;
    int64_t now;
    int (*collate)(struct str a, struct str b); /* of queries by locale; NULL: byte by byte */
    struct store_fake *handles;
    uint64_t sessions; /* given out */
};

struct store_fake {
    struct store base;
    struct fake_data *data;
    struct store_fake *next; /* among the handles */
    uint64_t session;
    struct fake_fault faults[STORE_FAKE_CALLS][FAKE_FAULTS_MAX];
    const struct commit *under_way; /* begun, not ended */
    enum fake_phase phase;          /* of it */
    enum outcome fate;              /* once decided */
    struct err fate_err;
    bool slow;
};

static inline struct store_fake *fake_of(struct store *store)
{
    return (struct store_fake *)(void *)store;
}

/* NULL when the fake was not opened with it. */
struct fake_collection *fake_collection(struct store_fake *fake, const struct doc_type *type);
/* The record of an id; made when there is none. */
struct fake_doc *fake_doc(struct store_fake *fake, struct fake_collection *collection,
                          struct str id);
/* A deep copy through the codec, so that the fake keeps exactly what MongoDB would. */
MUST_CHECK enum outcome fake_copy(struct arena *arena, const struct doc_type *type, const void *doc,
                                  const void **out, struct err *err);
/* Counts a call; the outcome that it is to have, DONE when no fault is due. */
enum outcome fake_call(struct store_fake *fake, enum store_fake_call call, bool *applied,
                       struct err *err);
void fake_version_free(struct fake_version *version);

/* Replies, events and all, once a commit is carried out. */
void fake_keep_journal(struct store_fake *fake, const struct commit *commit);

static inline struct str fake_key(const struct journal_key *key)
{
    return (struct str){(const char *)key->bytes, JOURNAL_KEY_BYTES};
}

/* What stands at a path. */
struct fake_value {
    bool present;
    bool is_text;
    struct str text;
    int64_t number;
};

/* Calls visit for each value at the path (one that is not present when there is none) until it
 * returns true; returns whether it did. Panics on a path that leads nowhere. */
bool fake_values(const struct shape *shape, const void *object, const char *path,
                 bool (*visit)(void *context, const struct fake_value *value), void *context);
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
