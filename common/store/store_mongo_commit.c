/* store_mongo_commit.c - everything that a batch writes, in one short transaction.
 *
 * The cost of a commit is its round trips, so all writes of one collection and kind are one
 * command. Guarded updates are sent first, because a clash should be found before the rest is sent;
 * then come proofs of absence (store_mongo_absent.c inserts a placeholder and deletes it again) and
 * deletes, then inserts, and at last the journal entry. Any fault aborts the transaction at once.
 * When the answer to commitTransaction is lost, only that command is repeated, for a bounded time;
 * after that the outcome is UNCERTAIN, and mongo_resolve() finds out the fate. */
#include <time.h>

#include "base/clock.h"
#include "store/store_mongo.h"

/* A command may have 16 MiB. Ours have at most 8 + 7: one that is over 8 MiB takes no further
 * document, and a document of more than 7 MiB has no place in a shop. */
#define DOCUMENT_BYTES_MAX  (7u << 20)
#define COMMAND_BYTES_MAX   (8u << 20)
#define COMMIT_PATIENCE_US  (10 * 1000 * 1000)
#define COMMIT_PAUSE_MIN_MS 20
#define COMMIT_PAUSE_MAX_MS 500

/* --- one write as an element of its command --------------------------------------------------- */

typedef bool (*put_write_fn)(bson_t *element, const struct write *write, struct codec_fault *fault);

/* The first field is the key: DOC_FIELDS puts it there. */
static bool put_id(bson_t *q, const struct write *write)
{
    return codec_put_value(q, "_id", write->type->shape->fields[0].kind, doc_head(write->doc)->id,
                           0);
}

/* Appends {q: {_id, version}}. */
static bool put_guard(bson_t *element, const struct write *write)
{
    bson_t q;
    return bson_append_document_begin(element, "q", 1, &q) && put_id(&q, write) &&
           bson_append_int64(&q, "version", 7, write->base_version) &&
           bson_append_document_end(element, &q);
}

static bool put_insert(bson_t *element, const struct write *write, struct codec_fault *fault)
{
    return codec_put_doc(element, write->type, write->doc, fault);
}

/* A check must be a real write: a read inside the transaction meets no write conflict, so each of
 * two batches could change what the other has checked. The value of the counter means nothing, and
 * a replace drops it. */
static bool put_check(bson_t *element, const struct write *write, struct codec_fault *fault)
{
    (void)fault;
    bson_t u, inc;
    return put_guard(element, write) && bson_append_document_begin(element, "u", 1, &u) &&
           bson_append_document_begin(&u, "$inc", 4, &inc) &&
           bson_append_int32(&inc, CODEC_CHECKS, -1, 1) && bson_append_document_end(&u, &inc) &&
           bson_append_document_end(element, &u);
}

static bool put_delete(bson_t *element, const struct write *write, struct codec_fault *fault)
{
    (void)fault;
    return put_guard(element, write) && bson_append_int32(element, "limit", 5, 1);
}

/* --- commands --------------------------------------------------------------------------------- */

#define WRITE_KINDS (WRITE_ABSENT + 1)

struct command_kind {
    const char *verb;
    const char *array;
    const char *done;      /* the counter in the reply: every write must have had its effect */
    bool gathers_replaces; /* all replaces together are one element of the array */
    put_write_fn puts[WRITE_KINDS]; /* writes one element for a write; NULL: not in this command */
};

/* The commands, in the order in which they are sent. */
static const struct command_kind command_kinds[] = {
    {"update", "updates", "nModified", true, {[WRITE_CHECK] = put_check}},
    {"insert", "documents", "n", false, {[WRITE_ABSENT] = mongo_absence_put}},
    {"delete",
     "deletes",
     "n",
     false,
     {[WRITE_ABSENT] = mongo_absence_take_back, [WRITE_DELETE] = put_delete}},
    {"insert", "documents", "n", false, {[WRITE_INSERT] = put_insert}},
};

#define COMMAND_KINDS (sizeof(command_kinds) / sizeof(command_kinds[0]))

static bool has_part_in(const struct command_kind *kind, enum write_kind write)
{
    return kind->puts[write] || (write == WRITE_REPLACE && kind->gathers_replaces);
}

/* A command that is being filled. */
struct group {
    struct mongo_writer *writer;
    const struct command_kind *kind;
    const struct doc_type *type;
    bson_t command;
    struct mongo_array elements;
    struct mongo_replaces replaces;
    uint32_t writes; /* in this command */
    size_t sent;     /* in all commands of the group */
};

static void group_open(struct group *group)
{
    group->writes = 0;
    mongo_replaces_init(&group->replaces);
    bson_init(&group->command);
    bson_append_utf8(&group->command, group->kind->verb, -1, group->type->collection, -1);
    bson_append_bool(&group->command, "ordered", 7, false);
    mongo_array_begin(&group->elements, &group->command, group->kind->array);
}

static void group_close(struct group *group)
{
    mongo_replaces_destroy(&group->replaces);
    bson_destroy(&group->command);
}

static uint32_t group_bytes(const struct group *group)
{
    return group->command.len + mongo_replaces_bytes(&group->replaces);
}

/* For the server a guard that matches nothing is no error: only the count is lower. */
static enum outcome check_count(const struct group *group, const bson_t *reply, struct err *err)
{
    bson_iter_t n;
    const int64_t done =
        bson_iter_init_find(&n, reply, group->kind->done) ? bson_iter_as_int64(&n) : (int64_t)-1;
    if (done != group->writes)
        return err_conflict(err, "%s: %s did %lld of %u: a version moved on",
                            group->type->collection, group->kind->verb, (long long)done,
                            group->writes);
    return OUTCOME_DONE;
}

static bool group_end(struct group *group)
{
    bson_t element;
    const bool ok = group->replaces.count == 0 || (mongo_array_add(&group->elements, &element) &&
                                                   mongo_replaces_put(&group->replaces, &element) &&
                                                   mongo_array_add_end(&group->elements, &element));
    return ok && mongo_array_end(&group->elements);
}

static enum outcome group_send(struct group *group, struct err *err)
{
    if (!group_end(group))
        return err_bug(err, "%s: a command cannot be built", group->type->collection);
    AUTO_BSON reply;
    TRY(mongo_run(&group->writer->link, MONGO_WRITE, &group->command, group->writer->in_session,
                  &reply, group->type->collection, err));
    return check_count(group, &reply, err);
}

static bool group_put(struct group *group, const struct write *write, struct codec_fault *fault)
{
    const put_write_fn put = group->kind->puts[write->kind];
    bson_t element;
    if (!put)
        return mongo_replaces_add(&group->replaces, write, fault);
    return mongo_array_add(&group->elements, &element) && put(&element, write, fault) &&
           mongo_array_add_end(&group->elements, &element);
}

static enum outcome group_add(struct group *group, const struct write *write, struct err *err)
{
    struct codec_fault fault = {.shape = "", .what = "cannot be stored"};
    const uint32_t before = group_bytes(group);
    if (!group_put(group, write, &fault))
        return err_bug(err, "%s %.*s: field %s of %s %s", write->type->collection,
                       STR_FMT(doc_head(write->doc)->id), fault.field ? fault.field : "id",
                       fault.shape, fault.what);
    if (group_bytes(group) - before > DOCUMENT_BYTES_MAX)
        return err_bug(err, "%s %.*s is too large to be stored", write->type->collection,
                       STR_FMT(doc_head(write->doc)->id));
    group->writes++;
    return OUTCOME_DONE;
}

/* Adds all writes of the group's collection that its command takes. A command that is full is sent,
 * and the next one begins. */
static enum outcome fill_group(struct group *group, const struct commit *commit, struct err *err)
{
    for (size_t i = 0; i < commit->write_count; i++) {
        const struct write *write = &commit->writes[i];
        if (write->type != group->type || !has_part_in(group->kind, write->kind))
            continue;
        if (group_bytes(group) > COMMAND_BYTES_MAX) {
            TRY(group_send(group, err));
            group_close(group);
            group_open(group);
        }
        TRY(group_add(group, write, err));
        group->sent++;
    }
    return group->writes > 0 ? group_send(group, err) : OUTCOME_DONE;
}

/* How many elements the commands of a commit must have in all: a proof of absence has one in each
 * of two commands. */
static size_t parts_of(const struct commit *commit)
{
    size_t parts = commit->write_count;
    for (size_t i = 0; i < commit->write_count; i++)
        parts += commit->writes[i].kind == WRITE_ABSENT;
    return parts;
}

/* The error for a commit of which not every write was sent. */
static enum outcome check_types(const struct mongo_writer *writer, const struct commit *commit,
                                struct err *err)
{
    for (size_t i = 0; i < commit->write_count; i++)
        TRY(mongo_check_type(&writer->link, commit->writes[i].type, err));
    return err_bug(err, "not every write of a commit was sent");
}

static enum outcome send_writes(struct mongo_writer *writer, const struct commit *commit,
                                struct err *err)
{
    size_t sent = 0;
    for (size_t kind = 0; kind < COMMAND_KINDS; kind++)
        for (size_t i = 0; i < writer->link.type_count; i++) {
            struct group group = {
                .writer = writer, .kind = &command_kinds[kind], .type = writer->link.types[i]};
            group_open(&group);
            const enum outcome outcome = fill_group(&group, commit, err);
            group_close(&group);
            TRY(outcome);
            sent += group.sent;
        }
    return sent == parts_of(commit) ? OUTCOME_DONE : check_types(writer, commit, err);
}

/* --- the journal entry ------------------------------------------------------------------------ */

static enum outcome send_journal(struct mongo_writer *writer, const struct commit *commit,
                                 struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON entry = BSON_INITIALIZER;
    bson_t documents;
    TRY(mongo_journal_put(writer, &entry, commit, err));
    if (!bson_append_utf8(&command, "insert", -1, JOURNAL_COLLECTION, -1) ||
        !bson_append_array_begin(&command, "documents", -1, &documents) ||
        !bson_append_document(&documents, "0", 1, &entry) ||
        !bson_append_array_end(&command, &documents))
        return err_bug(err, "journal entry %.*s cannot be sent", STR_FMT(commit->id));
    AUTO_BSON reply;
    return mongo_run(&writer->link, MONGO_WRITE, &command, writer->in_session, &reply,
                     JOURNAL_COLLECTION, err);
}

/* An insert that may have happened although no answer came is UNCERTAIN. RETRY is returned only
 * when no server was reached. */
static enum outcome fate_of_insert(const bson_t *reply, const bson_error_t *error, struct err *err)
{
    const enum outcome outcome = mongo_fault(reply, error, JOURNAL_COLLECTION, err);
    const bool may_have_happened =
        error->domain == MONGOC_ERROR_WRITE_CONCERN ||
        (outcome == OUTCOME_RETRY && error->domain != MONGOC_ERROR_SERVER_SELECTION);
    return may_have_happened
               ? err_uncertain(err, "journal: %s (code %u)", error->message, error->code)
               : outcome;
}

/* A batch of refusals changes no document, and its journal entry is atomic by itself. Unlike a
 * plain command, this call of the driver safely repeats the insert once when the answer is lost. */
static enum outcome insert_journal_alone(struct mongo_writer *writer, const struct commit *commit,
                                         struct err *err)
{
    AUTO_BSON entry = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    TRY(mongo_journal_put(writer, &entry, commit, err));
    bson_concat(&options, writer->in_session);
    mongo_write_options(&options, W_MAJORITY);
    AUTO_BSON reply;
    bson_error_t error = {0};
    mongoc_collection_t *journal = mongoc_client_get_collection(
        writer->link.client, writer->link.database, JOURNAL_COLLECTION);
    const bool ok = mongoc_collection_insert_one(journal, &entry, &options, &reply, &error);
    mongoc_collection_destroy(journal);
    mongo_moved(&writer->link);
    return ok ? OUTCOME_DONE : fate_of_insert(&reply, &error, err);
}

/* --- the transaction -------------------------------------------------------------------------- */

static void pause_ms(int64_t ms)
{
    const struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&pause, NULL); /* if a signal cuts it short, the next try merely comes earlier */
}

/* Sends one commitTransaction. *again: its fate is unknown, and the command may be repeated. */
static enum outcome try_commit(struct mongo_writer *writer, bool *again, struct err *err)
{
    AUTO_BSON reply;
    bson_error_t error = {0};
    *again = false;
    const bool ok = mongoc_client_session_commit_transaction(writer->session, &reply, &error);
    mongo_moved(&writer->link);
    if (ok)
        return OUTCOME_DONE;
    const enum outcome outcome = mongo_fault(&reply, &error, "commit", err);
    *again = mongoc_error_has_label(&reply, "UnknownTransactionCommitResult");
    const bool refused = !*again && (outcome == OUTCOME_CONFLICT ||
                                     mongoc_error_has_label(&reply, "TransientTransactionError"));
    return refused ? outcome
                   : err_uncertain(err, "commit: %s (code %u)", error.message, error.code);
}

static enum outcome commit_transaction(struct mongo_writer *writer, struct err *err)
{
    const int64_t give_up = clock_monotonic_us() + COMMIT_PATIENCE_US;
    int64_t pause = COMMIT_PAUSE_MIN_MS;
    for (;;) {
        bool again = false;
        const enum outcome outcome = try_commit(writer, &again, err);
        if (!again || clock_monotonic_us() >= give_up)
            return outcome;
        pause_ms(pause);
        pause = pause * 2 < COMMIT_PAUSE_MAX_MS ? pause * 2 : COMMIT_PAUSE_MAX_MS;
    }
}

/* An error is ignored: the server may be gone or may have ended the transaction itself. Then there
 * is nothing to abort, and the next transaction of the session ends what is left of this one. */
static void abort_transaction(struct mongo_writer *writer)
{
    bson_error_t ignored;
    mongoc_client_session_abort_transaction(writer->session, &ignored);
    mongo_moved(&writer->link);
}

/* Sends everything of the transaction but commitTransaction. */
static enum outcome begin_transaction(struct mongo_writer *writer, const struct commit *commit,
                                      struct err *err)
{
    AUTO_BSON no_reply = BSON_INITIALIZER;
    bson_error_t error = {0};
    if (!mongoc_client_session_start_transaction(writer->session, writer->transaction, &error))
        return mongo_fault(&no_reply, &error, "no transaction", err);
    TRY(send_writes(writer, commit, err));
    return send_journal(writer, commit, err);
}

static enum outcome run_transaction(struct mongo_writer *writer, const struct commit *commit,
                                    struct err *err)
{
    const enum outcome outcome = begin_transaction(writer, commit, err);
    if (outcome == OUTCOME_DONE)
        return commit_transaction(writer, err);
    abort_transaction(writer);
    return outcome;
}

/* This runs on the lane's own thread: between commits the writer is idle, and its session belongs
 * to the lane. */
enum outcome mongo_rehearse(struct store *base, const struct commit *commit, struct err *err)
{
    struct mongo_writer *writer = mongo_of(base)->writer;
    const enum outcome outcome = begin_transaction(writer, commit, err);
    abort_transaction(writer);
    return outcome;
}

enum outcome mongo_carry_out(struct mongo_writer *writer, const struct commit *commit,
                             struct err *err)
{
    return commit->write_count == 0 ? insert_journal_alone(writer, commit, err)
                                    : run_transaction(writer, commit, err);
}
