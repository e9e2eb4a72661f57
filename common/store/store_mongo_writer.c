/* store_mongo_writer.c - the thread that waits for a commit, so that the lane need not.
 *
 * A commit is a series of round trips, and the driver blocks in each of them; meanwhile the lane
 * admits, loads and decides its next batch. The thread has a client and a session of its own, and
 * nothing else. A commit is handed over whole, and the lane does not touch it until it comes back,
 * so the only thing that both sides look at is the state of the writer, under its mutex. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "store/store_mongo.h"

#define MAX_COMMIT_TIME_MS 5000

/* --- the session ------------------------------------------------------------------------------ */

/* Transactions only write, and every write is guarded by a version, so they need no snapshot of
 * their own. "local" sees the newest data; "snapshot" would read a little in the past and meet more
 * conflicts. The level is set explicitly because a cluster may have another default. */
static mongoc_transaction_opt_t *transaction_options(void)
{
    mongoc_transaction_opt_t *options = mongoc_transaction_opts_new();
    mongoc_read_concern_t *local = mongoc_read_concern_new();
    mongoc_write_concern_t *safe = mongoc_write_concern_new();
    mongoc_read_concern_set_level(local, MONGOC_READ_CONCERN_LEVEL_LOCAL);
    mongoc_write_concern_set_wmajority(safe, 0);
    mongoc_write_concern_set_journal(safe, true);
    mongoc_transaction_opts_set_read_concern(options, local);
    mongoc_transaction_opts_set_write_concern(options, safe);
    mongoc_transaction_opts_set_max_commit_time_ms(options, MAX_COMMIT_TIME_MS);
    mongoc_read_concern_destroy(local);
    mongoc_write_concern_destroy(safe);
    return options;
}

/* Opens the one session that the store has all its life: the supervisor knows it by its id and can
 * kill it. Causal consistency is off, as it would make each transaction wait for a cluster time. */
static enum outcome open_session(struct mongo_writer *writer, struct err *err)
{
    bson_error_t error;
    mongoc_session_opt_t *options = mongoc_session_opts_new();
    mongoc_session_opts_set_causal_consistency(options, false);
    writer->session = mongoc_client_start_session(writer->link.client, options, &error);
    mongoc_session_opts_destroy(options);
    if (!writer->session)
        return err_retry(err, "no MongoDB session: %s", error.message);
    if (!mongoc_client_session_append(writer->session, writer->in_session, &error))
        return err_bug(err, "the MongoDB session cannot be used: %s", error.message);
    return OUTCOME_DONE;
}

/* --- the thread ------------------------------------------------------------------------------- */

/* Waits for the next commit and returns it; NULL: the writer is closing. */
static const struct commit *await_work(struct mongo_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    while (writer->state != WRITER_BEGUN && !writer->closing)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    const struct commit *commit = writer->state == WRITER_BEGUN ? writer->commit : NULL;
    pthread_mutex_unlock(&writer->mutex);
    return commit;
}

static void tell_end(struct mongo_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->state = WRITER_ENDED;
    if (eventfd_write(writer->fd, 1) != 0)
        panic("signalling the end of a commit: %s", strerror(errno));
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

static void *write_on(void *context)
{
    struct mongo_writer *writer = context;
    const struct store_watch *watch = &writer->link.watch;
    if (watch->began)
        watch->began(watch->context);
    for (;;) {
        const struct commit *commit = await_work(writer);
        if (!commit)
            return NULL;
        writer->err = (struct err){0};
        writer->outcome = mongo_carry_out(writer, commit, &writer->err);
        tell_end(writer);
    }
}

/* Fills the set of signals that the thread blocks, so that they go to the lane: a drain signal that
 * interrupted this thread would be missed there. The signals of the thread's own faults are not
 * blocked: a blocked one would end the process without a report. */
static void leave_to_lane(sigset_t *signals)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    sigfillset(signals);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sigdelset(signals, own[i]);
}

static enum outcome start_thread(struct mongo_writer *writer, struct err *err)
{
    sigset_t blocked, before;
    leave_to_lane(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    const int failed = pthread_create(&writer->thread, NULL, write_on, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return err_bug(err, "no thread for commits: %s", strerror(failed));
    writer->running = true;
    return OUTCOME_DONE;
}

/* --- life ------------------------------------------------------------------------------------- */

enum outcome mongo_writer_open(const struct store_options *options, struct mongo_writer **out,
                               struct err *err)
{
    struct mongo_writer *writer = calloc(1, sizeof(*writer));
    if (!writer)
        panic("out of memory for a store");
    writer->transaction = transaction_options();
    writer->in_session = bson_new();
    writer->packer = ZSTD_createCCtx();
    if (!writer->packer)
        panic("out of memory for a store");
    writer->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    *out = writer;
    if (writer->fd < 0)
        return err_bug(err, "no eventfd for commits: %s", strerror(errno));
    TRY(mongo_link_open(options, &writer->link, err));
    writer->link.watch = options->watch;
    TRY(open_session(writer, err));
    return start_thread(writer, err);
}

static void end_thread(struct mongo_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->closing = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
}

void mongo_writer_close(struct mongo_writer *writer)
{
    if (!writer)
        return;
    if (writer->running)
        end_thread(writer);
    if (writer->session)
        mongoc_client_session_destroy(writer->session);
    mongoc_transaction_opts_destroy(writer->transaction);
    mongo_link_close(&writer->link);
    bson_destroy(writer->in_session);
    ZSTD_freeCCtx(writer->packer);
    if (writer->fd >= 0)
        close(writer->fd);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

/* --- the lane's side -------------------------------------------------------------------------- */

void mongo_commit_begin(struct store *base, const struct commit *commit)
{
    struct mongo_writer *writer = mongo_of(base)->writer;
    pthread_mutex_lock(&writer->mutex);
    if (writer->state != WRITER_IDLE)
        panic("a commit was begun before the last one was ended");
    writer->commit = commit;
    writer->state = WRITER_BEGUN;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
}

bool mongo_commit_has_ended(const struct store *base)
{
    struct mongo_writer *writer = ((const struct store_mongo *)(const void *)base)->writer;
    pthread_mutex_lock(&writer->mutex);
    const bool ended = writer->state == WRITER_ENDED;
    pthread_mutex_unlock(&writer->mutex);
    return ended;
}

enum outcome mongo_commit_end(struct store *base, struct err *err)
{
    struct mongo_writer *writer = mongo_of(base)->writer;
    eventfd_t count;
    pthread_mutex_lock(&writer->mutex);
    if (writer->state == WRITER_IDLE)
        panic("a commit was ended that was not begun");
    while (writer->state != WRITER_ENDED)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    if (eventfd_read(writer->fd, &count) != 0)
        panic("reading the end of a commit: %s", strerror(errno));
    writer->state = WRITER_IDLE;
    pthread_mutex_unlock(&writer->mutex);
    if (writer->outcome != OUTCOME_DONE)
        *err = writer->err;
    return writer->outcome;
}

int mongo_commit_fd(const struct store *base)
{
    return ((const struct store_mongo *)(const void *)base)->writer->fd;
}
