/* store_mongo.h - what the files of the MongoDB store share.
 *
 * A store is opened after the fork and used by one lane. One client reads; a second client, with
 * the session of all transactions, belongs to a thread that only carries out commits
 * (store_mongo_writer.c). Commands that write documents go through mongo_run() (except a journal
 * entry that is inserted alone), so that no reply is left unread: an error of the library, a write
 * error and a write concern error are three different places in it. */
#ifndef CARTWRIGHT_STORE_STORE_MONGO_H
#define CARTWRIGHT_STORE_STORE_MONGO_H

#include <pthread.h>
#include <zstd.h>

#include "store/bson_codec.h"
#include "store/store.h"

#define JOURNAL_COLLECTION "journal"

#define LANGUAGE_BYTES 9 /* two to eight letters (RFC 5646), and the NUL */

/* A client, and what every command needs to know. */
struct mongo_link {
    mongoc_client_t *client;
    char *database;
    int32_t timeout_ms;            /* for one command */
    char language[LANGUAGE_BYTES]; /* for queries and indexes by locale */
    const struct doc_type *const *types;
    size_t type_count;
    struct store_watch watch; /* set only in the link of the writer */
};

enum writer_state { WRITER_IDLE, WRITER_BEGUN, WRITER_ENDED };

/* The thread that carries out commits. `mutex` guards `state`, `commit` and `closing`. All the rest
 * belongs to the thread while the state is WRITER_BEGUN, and to the lane otherwise. */
struct mongo_writer {
    struct mongo_link link;
    mongoc_client_session_t *session;
    mongoc_transaction_opt_t *transaction;
    bson_t *in_session; /* the option that puts a command into the session */
    ZSTD_CCtx *packer;
    const struct commit *commit;
    enum outcome outcome;
    struct err err;
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum writer_state state;
    bool closing;
    int fd; /* an eventfd, readable in the state WRITER_ENDED */
};

struct store_mongo {
    struct store base;
    struct mongo_link link;
    struct mongo_writer *writer;
    int64_t journal_retention_s;
};

/* Does not connect yet. BUG when the URI is wrong. *link is to be closed in any case. */
MUST_CHECK enum outcome mongo_link_open(const struct store_options *options,
                                        struct mongo_link *link, struct err *err);
void mongo_link_close(struct mongo_link *link);
/* DONE, or store_unknown_type() for a type that the store was not opened with. */
MUST_CHECK enum outcome mongo_check_type(const struct mongo_link *link, const struct doc_type *type,
                                         struct err *err);
/* Tells the watch, if there is one, that a command has ended, with success or without. */
void mongo_moved(const struct mongo_link *link);
/* Starts a session and the thread. *out is to be closed in any case. */
MUST_CHECK enum outcome mongo_writer_open(const struct store_options *options,
                                          struct mongo_writer **out, struct err *err);
void mongo_writer_close(struct mongo_writer *writer); /* may be NULL */

static inline struct store_mongo *mongo_of(struct store *store)
{
    return (struct store_mongo *)(void *)store;
}

/* The outcome that an error of the driver or the server means for the batch. */
enum outcome mongo_meaning(const bson_t *reply, const bson_error_t *error);
/* Returns the same outcome and fills err: "<what>: <text of the server> (code 112)". */
enum outcome mongo_fault(const bson_t *reply, const bson_error_t *error, const char *what,
                         struct err *err);
/* Looks into a reply that came back as a success: DONE when it holds neither write errors nor a
 * write concern error. */
MUST_CHECK enum outcome mongo_write_result(const bson_t *reply, const char *what, struct err *err);

/* Appends the option of a read that is to see only what will not be rolled back. */
MUST_CHECK bool mongo_read_majority(bson_t *options);

enum mongo_mode { MONGO_READ, MONGO_WRITE };

/* Runs one command. *reply is initialised in any case, and the caller destroys it. `what` begins
 * the text of an error. Blocks for up to the timeout of the link. */
MUST_CHECK enum outcome mongo_run(const struct mongo_link *link, enum mongo_mode mode,
                                  const bson_t *command, const bson_t *options, bson_t *reply,
                                  const char *what, struct err *err);
/* Appends the options of a write outside a transaction: how many servers must have it. With
 * W_MAJORITY it must also be in their journals (j:true). */
void mongo_write_options(bson_t *options, int32_t w_or_majority);
#define W_MAJORITY 0

/* The array of a command that is being built: {<verb>: <collection>, <array>: [ ... ]}. */
struct mongo_array {
    bson_t *parent;
    bson_t array;
    uint32_t count;
};

bool mongo_array_begin(struct mongo_array *array, bson_t *parent, const char *name);
bool mongo_array_add(struct mongo_array *array, bson_t *element);
bool mongo_array_add_end(struct mongo_array *array, bson_t *element);
bool mongo_array_end(struct mongo_array *array);

/* store_mongo_replace.c: the replaces of one collection, gathered for one statement. */
struct mongo_replaces {
    bson_t ids, versions, documents; /* arrays of `count` elements each */
    uint32_t count;
};

/* store_mongo_absent.c: a WRITE_ABSENT as a document to insert, and as the statement that deletes
 * the document again. */
MUST_CHECK bool mongo_absence_put(bson_t *document, const struct write *write,
                                  struct codec_fault *fault);
MUST_CHECK bool mongo_absence_take_back(bson_t *element, const struct write *write,
                                        struct codec_fault *fault);

void mongo_replaces_init(struct mongo_replaces *replaces);
void mongo_replaces_destroy(struct mongo_replaces *replaces);
/* The size of the statement in bytes, roughly. */
uint32_t mongo_replaces_bytes(const struct mongo_replaces *replaces);
MUST_CHECK bool mongo_replaces_add(struct mongo_replaces *replaces, const struct write *write,
                                   struct codec_fault *fault);
/* Fills an element of "updates" with the statement. If it modifies fewer documents than were added,
 * a version has moved on. */
MUST_CHECK bool mongo_replaces_put(const struct mongo_replaces *replaces, bson_t *element);

/* The field by which ranked documents are sorted; no stored document has it. */
#define MONGO_SCORE "__score"

/* Fills a term of a filter, which holds for a document when one of the matches does. */
MUST_CHECK bool mongo_put_any(bson_t *term, const struct shape *shape, const struct query_any *any);
/* Appends the order of a query as a document called `name`. */
MUST_CHECK enum outcome mongo_put_order(bson_t *out, const char *name, const struct query *query,
                                        struct err *err);

/* Takes one document of a cursor, which is valid only during the call. */
typedef enum outcome mongo_take_fn(void *context, const bson_t *doc, struct err *err);
/* Both run a query and give all its documents to `take`, until that fails. */
MUST_CHECK enum outcome mongo_drain(const struct mongo_link *link, const char *collection,
                                    const bson_t *filter, const bson_t *options,
                                    mongo_take_fn *take, void *context, struct err *err);
MUST_CHECK enum outcome mongo_drain_pipeline(const struct mongo_link *link, const char *collection,
                                             const bson_t *pipeline, const bson_t *options,
                                             mongo_take_fn *take, void *context, struct err *err);

/* The documents of a cursor, decoded into an arena. */
struct mongo_docs {
    struct arena *arena;
    const struct doc_type *type;
    const void **items;
    size_t count;
    size_t capacity;
    struct misfit *misfits;
    size_t misfit_count;
    size_t misfit_capacity;
};

static inline struct doc_list mongo_doc_list(const struct mongo_docs *docs)
{
    return (struct doc_list){docs->items, docs->count, docs->misfits, docs->misfit_count};
}

/* `context` is a struct mongo_docs. A document that cannot be read becomes a misfit. */
mongo_take_fn mongo_take_doc;

/* Reads a page of a query with a sort by relevance. */
MUST_CHECK enum outcome mongo_read_ranked(const struct mongo_link *link, const bson_t *filter,
                                          const struct query *query, struct mongo_docs *docs,
                                          struct err *err);

enum outcome mongo_find(struct store *store, struct arena *arena, struct store_find *find,
                        struct err *err);
enum outcome mongo_scan(struct store *store, struct arena *arena, const struct doc_type *type,
                        struct str after, size_t max, struct doc_list *out, struct err *err);
enum outcome mongo_query(struct store *store, struct arena *arena, const struct query *query,
                         struct query_page *out, struct err *err);
void mongo_commit_begin(struct store *store, const struct commit *commit);
enum outcome mongo_commit_end(struct store *store, struct err *err);
bool mongo_commit_has_ended(const struct store *store);
int mongo_commit_fd(const struct store *store);
/* Carries out the whole commit, on the thread of the writer. */
enum outcome mongo_carry_out(struct mongo_writer *writer, const struct commit *commit,
                             struct err *err);
enum outcome mongo_rehearse(struct store *store, const struct commit *commit, struct err *err);
enum outcome mongo_resolve(struct store *store, const struct commit *commit, struct err *err);
enum outcome mongo_kill_session(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                                struct err *err);
enum outcome mongo_open_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                     struct err *err);
void mongo_session(struct store *store, uint8_t out[STORE_SESSION_BYTES]);

/* Appends the fields of the journal entry. CONFLICT when it is too large but might be split, BUG
 * when a single reply is too large. */
MUST_CHECK enum outcome mongo_journal_put(struct mongo_writer *writer, bson_t *entry,
                                          const struct commit *commit, struct err *err);
/* store_mongo_pack.c: appends `content`, compressed, as the field "packed". */
MUST_CHECK bool mongo_pack(ZSTD_CCtx *packer, bson_t *out, const bson_t *content);
/* Reads the field "packed" of `from`. False when there is none, or it is broken. The content lives
 * in the arena. */
MUST_CHECK bool mongo_unpack(struct arena *arena, const bson_t *from, bson_t *content);
#define PACKED_FIELD     "packed"
#define PACKED_BYTES_MAX (16u << 20) /* of the content, before it is compressed */

/* The replies with one of `keys`, from the entries of a cursor over the journal. */
struct mongo_replies {
    struct arena *arena;
    const struct journal_key *keys;
    size_t key_count;
    struct journal_reply *items;
    size_t count;
    size_t capacity;
};

/* The entries of a cursor over the journal. */
struct mongo_entries {
    struct arena *arena;
    struct journal_entry *items;
    size_t count;
    size_t capacity;
};

/* `context` is a struct mongo_replies or a struct mongo_entries. BUG when a document is not an
 * entry as we write them. */
mongo_take_fn mongo_take_replies;
mongo_take_fn mongo_take_entry;

enum outcome mongo_journal_find(struct store *store, struct arena *arena,
                                const struct journal_key *keys, size_t count,
                                struct journal_reply **out, size_t *out_count, struct err *err);
enum outcome mongo_outbox(struct store *store, struct arena *arena, enum outbox part,
                          int64_t age_ms, size_t max, struct journal_entry **out, size_t *out_count,
                          struct err *err);
enum outcome mongo_journal_scan(struct store *store, struct arena *arena, int64_t since_ms,
                                struct str after, size_t max, struct journal_entry **out,
                                size_t *out_count, struct err *err);
enum outcome mongo_mark_published(struct store *store, const struct str *ids, size_t count,
                                  struct err *err);

enum outcome mongo_put_off(struct store *store, const struct str *ids, size_t count,
                           int64_t first_ms, int64_t max_ms, struct err *err);

enum outcome mongo_apply_indexes(struct store *store, void (*report)(const char *line),
                                 struct err *err);
enum outcome mongo_check_indexes(struct store *store, struct err *err);

#endif
