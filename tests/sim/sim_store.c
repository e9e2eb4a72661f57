/* sim_store.c - the database as a lane sees it: calls that are refused or whose answer is lost, and
 * commits that take their way in steps while the lane goes on.
 *
 *   begin ... writes arrive ... carried out ... answer arrives
 *
 * Between the steps other lanes act, meet the open transaction, or see the documents before the
 * lane itself knows. A lane that dies leaves its commit wherever it is. */
#include <stdlib.h>

#include "auth/session.h"
#include "auth/user.h"
#include "fakes/store_fake.h"
#include "sim/sim.h"
#include "store/store.h"

#define STEP_US             (3 * US_PER_MS)
#define SLOW_STEP_US        (4 * US_PER_S)
#define SELECTION_US        (1 * US_PER_S)
#define TRANSACTION_LIFE_US (5 * US_PER_S) /* transactionLifetimeLimitSeconds */

/* What the lane will be told instead of the truth. */
enum lie { TRUTH, REFUSED, CONFLICTED, UNKNOWN, FAULTY };

struct sim_store {
    struct store base; /* first */
    struct sim_lane *owner;
    struct store *real; /* the fake */
    enum lie lie;
    bool lost_on_the_way; /* the order to commit never arrives */
    bool slow;
    bool of_sessions; /* it writes sessions or accounts */
    bool answered;
    uint64_t step, expiry; /* tickets */
};

static struct sim_store *sim_of(struct store *store)
{
    return (struct sim_store *)(void *)store;
}

static struct sim *world_of(const struct sim_store *self)
{
    return self->owner->sim;
}

static int64_t now_of(const struct sim_store *self)
{
    return world_of(self)->schedule.now_us;
}

static bool is_away(const struct sim_store *self)
{
    return now_of(self) < world_of(self)->store_away_until_us;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The way there. */
static enum outcome ask(const struct sim_store *self, const char *place, struct err *err)
{
    sim_touch(self->owner, place);
    if (is_away(self)) {
        sim_lane_sleep(self->owner, now_of(self) + SELECTION_US);
        return err_retry(err, "the database is away");
    }
    return sim_strikes(world_of(self), FAULT_STORE_REFUSES) ? err_retry(err, "the database refuses")
                                                            : OUTCOME_DONE;
}

/* The way back. */
static enum outcome answer(const struct sim_store *self, enum outcome outcome, struct err *err)
{
    sim_touch(self->owner, outcome == OUTCOME_DONE ? "store answers" : "store refuses");
    return sim_strikes(world_of(self), FAULT_STORE_ANSWER_LOST)
               ? err_retry(err, "the database's answer is lost")
               : outcome;
}

static enum outcome sim_ping(struct store *store, struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store ping", err));
    return answer(self, store_ping(self->real, err), err);
}

static enum outcome sim_find(struct store *store, struct arena *arena, struct store_find *find,
                             struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store find", err));
    sim_note(world_of(self), "find %zu %s", find->count, find->type->collection);
    return answer(self, store_find(self->real, arena, find, err), err);
}

static enum outcome sim_query(struct store *store, struct arena *arena, const struct query *query,
                              struct query_page *out, struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store query", err));
    return answer(self, store_query(self->real, arena, query, out, err), err);
}

static enum outcome sim_journal_find(struct store *store, struct arena *arena,
                                     const struct journal_key *keys, size_t count,
                                     struct journal_reply **out, size_t *out_count, struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store journal", err));
    return answer(self, store_journal_find(self->real, arena, keys, count, out, out_count, err),
                  err);
}

static enum outcome sim_outbox(struct store *store, struct arena *arena, enum outbox part,
                               int64_t age_ms, size_t max, struct journal_entry **out,
                               size_t *out_count, struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store outbox", err));
    return answer(self, store_outbox(self->real, arena, part, age_ms, max, out, out_count, err),
                  err);
}

/* No lane goes through everything, so nothing strikes here. */
static enum outcome sim_scan(struct store *store, struct arena *arena, const struct doc_type *type,
                             struct str after, size_t max, struct doc_list *out, struct err *err)
{
    return store_scan(sim_of(store)->real, arena, type, after, max, out, err);
}

static enum outcome sim_rehearse(struct store *store, const struct commit *commit, struct err *err)
{
    return store_rehearse(sim_of(store)->real, commit, err);
}

static enum outcome sim_open_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                          struct err *err)
{
    return store_open_transactions(sim_of(store)->real, age_ms, out, err);
}

static enum outcome sim_journal_scan(struct store *store, struct arena *arena, int64_t since_ms,
                                     struct str after, size_t max, struct journal_entry **out,
                                     size_t *count, struct err *err)
{
    return store_journal_scan(sim_of(store)->real, arena, since_ms, after, max, out, count, err);
}

static enum outcome sim_mark(struct store *store, const struct str *ids, size_t count,
                             struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store mark", err));
    return answer(self, store_mark_published(self->real, ids, count, err), err);
}

static enum outcome sim_put_off(struct store *store, const struct str *ids, size_t count,
                                int64_t first_ms, int64_t max_ms, struct err *err)
{
    const struct sim_store *self = sim_of(store);
    TRY(ask(self, "store put off", err));
    return answer(self, store_put_off(self->real, ids, count, first_ms, max_ms, err), err);
}

/* --- a commit on its way ------------------------------------------------------------------------ */

static void next_step(struct sim_store *self, event_fn *act)
{
    struct sim *sim = world_of(self);
    const int64_t most = self->slow ? SLOW_STEP_US : STEP_US;
    self->step = schedule_at(&sim->schedule, now_of(self) + sim_between(sim, 50, most), act, self);
}

/* While the lane's process is stopped, nothing of it goes on. */
static bool is_held_up(struct sim_store *self, event_fn *act)
{
    const int64_t at_us = sim_lane_earliest(self->owner, now_of(self));
    if (at_us == now_of(self))
        return false;
    self->step = schedule_at(&world_of(self)->schedule, at_us, act, self);
    return true;
}

static void arrive(void *context)
{
    struct sim_store *self = context;
    self->step = 0;
    self->answered = true;
    if (is_away(self) && self->lie == TRUTH)
        self->lie = UNKNOWN;
    sim_lane_ring(self->owner);
}

static void end_transaction(struct sim_store *self)
{
    struct err err = {0};
    uint8_t session[STORE_SESSION_BYTES];
    store_session(self->real, session);
    if (store_kill_session(self->real, session, &err) != OUTCOME_DONE)
        panic("a fake session cannot be killed");
}

static void carry_out(void *context)
{
    struct sim_store *self = context;
    /* A primary that goes away takes its open transactions with it. */
    if (is_away(self) || self->lost_on_the_way || self->lie == CONFLICTED || self->lie == FAULTY)
        end_transaction(self);
    if (is_away(self) && self->lie == TRUTH)
        self->lie = UNKNOWN;
    if (!self->lost_on_the_way)
        store_fake_carry_out(self->real);
    if (self->of_sessions)
        sessions_written(world_of(self));
    sim_note(world_of(self), "commit of lane %d.%d %s", self->owner->index + 1,
             self->owner->incarnation, self->lost_on_the_way ? "is lost" : "is carried out");
    if (self->answered)
        self->step = 0;
    else
        next_step(self, arrive);
}

static void order_commit(void *context)
{
    struct sim_store *self = context;
    if (is_held_up(self, order_commit))
        return;
    /* The lane may give up and ask before the order is carried out. */
    if (self->lie == UNKNOWN && sim_between(world_of(self), 0, 1)) {
        self->answered = true;
        sim_lane_ring(self->owner);
    }
    next_step(self, carry_out);
}

static void expire(void *context)
{
    struct sim_store *self = context;
    self->expiry = 0;
    if (store_fake_is_open(self->real)) {
        sim_note(world_of(self), "transaction of lane %d.%d is too old", self->owner->index + 1,
                 self->owner->incarnation);
        end_transaction(self);
    }
}

static void send_writes(void *context)
{
    struct sim_store *self = context;
    if (is_held_up(self, send_writes))
        return;
    if (self->lie == REFUSED || is_away(self)) {
        self->lie = REFUSED;
        next_step(self, arrive);
        return;
    }
    store_fake_send_writes(self->real);
    schedule_cancel(&world_of(self)->schedule, self->expiry);
    self->expiry =
        schedule_at(&world_of(self)->schedule, now_of(self) + TRANSACTION_LIFE_US, expire, self);
    next_step(self, order_commit);
}

static enum lie draw_lie(struct sim *sim)
{
    static const struct {
        enum fault_kind kind;
        enum lie lie;
    } lies[] = {
        {FAULT_COMMIT_REFUSED, REFUSED},
        {FAULT_COMMIT_CONFLICT, CONFLICTED},
        {FAULT_COMMIT_UNCERTAIN, UNKNOWN},
        {FAULT_COMMIT_BUG, FAULTY},
    };
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        if (sim_strikes(sim, lies[i].kind))
            return lies[i].lie;
    return TRUTH;
}

static void note_commit(const struct sim_store *self, const struct commit *commit)
{
    sim_note(world_of(self), "begins commit %.*s: %zu writes, %zu replies, %zu events",
             STR_FMT(commit->id), commit->write_count, commit->reply_count, commit->event_count);
    for (size_t i = 0; i < commit->write_count; i++)
        sim_note(world_of(self), "  writes %s %.*s over version %lld",
                 commit->writes[i].type->collection, STR_FMT(doc_head(commit->writes[i].doc)->id),
                 (long long)commit->writes[i].base_version);
}

static bool is_of_sessions(const struct commit *commit)
{
    for (size_t i = 0; i < commit->write_count; i++)
        if (commit->writes[i].type == &session_type || commit->writes[i].type == &user_type)
            return true;
    return false;
}

static void sim_commit_begin(struct store *store, const struct commit *commit)
{
    struct sim_store *self = sim_of(store);
    struct sim *sim = world_of(self);
    sim_touch(self->owner, "store commit");
    note_commit(self, commit);
    store_commit_begin(self->real, commit);
    self->of_sessions = is_of_sessions(commit);
    self->answered = false;
    self->lie = draw_lie(sim);
    self->slow = sim_strikes(sim, FAULT_COMMIT_SLOW);
    self->lost_on_the_way = self->lie == UNKNOWN && sim_between(sim, 0, 2) == 0;
    sim->may_bury |= self->lie == FAULTY;
    next_step(self, send_writes);
}

/* What the fake knows, or what the lane is told instead. */
static enum outcome take_answer(struct sim_store *self, struct err *err)
{
    struct err hidden = {0};
    if (self->lie == UNKNOWN)
        return err_uncertain(err, "the answer of the commit is lost");
    if (self->lie == TRUTH)
        return store_commit_end(self->real, err);
    end_transaction(self);
    if (store_commit_end(self->real, &hidden) == OUTCOME_DONE)
        panic("a commit that was refused was carried out");
    return self->lie == REFUSED      ? err_retry(err, "the database refuses the commit")
           : self->lie == CONFLICTED ? err_conflict(err, "the database met a conflict")
                                     : err_bug(err, "the database refuses the commit for good");
}

static enum outcome sim_commit_end(struct store *store, struct err *err)
{
    struct sim_store *self = sim_of(store);
    while (!self->answered)
        sim_lane_wait(self->owner, now_of(self) + SELECTION_US);
    const enum outcome outcome = take_answer(self, err);
    sim_note(world_of(self), "commit ends: %s", outcome_name(outcome));
    sim_touch(self->owner, "store commit ended");
    return outcome;
}

static bool sim_commit_has_ended(const struct store *store)
{
    return ((const struct sim_store *)(const void *)store)->answered;
}

static int no_fd(const struct store *store)
{
    (void)store;
    return -1;
}

static void forget_steps(struct sim_store *self)
{
    schedule_cancel(&world_of(self)->schedule, self->step);
    schedule_cancel(&world_of(self)->schedule, self->expiry);
    self->step = self->expiry = 0;
}

/* The fake kills the session first, as the real one does. */
static enum outcome sim_resolve(struct store *store, const struct commit *commit, struct err *err)
{
    struct sim_store *self = sim_of(store);
    TRY(ask(self, "store resolve", err));
    forget_steps(self);
    const enum outcome outcome = store_resolve(self->real, commit, err);
    sim_note(world_of(self), "commit turns out: %s", outcome_name(outcome));
    return answer(self, outcome, err);
}

/* A dead lane's next step may have been sent, or not; nobody waits for an answer. */
void sim_store_abandon(struct store *store)
{
    struct sim_store *self = sim_of(store);
    struct sim *sim = world_of(self);
    if (self->step && sim_between(sim, 0, 1)) {
        sim_note(sim, "its commit goes no further");
        schedule_cancel(&sim->schedule, self->step);
        self->step = 0;
    }
}

/* --- the rest -------------------------------------------------------------------------------------- */

static enum outcome apply_indexes(struct store *store, void (*report)(const char *line),
                                  struct err *err)
{
    return store_apply_indexes(sim_of(store)->real, report, err);
}

static enum outcome check_indexes(struct store *store, struct err *err)
{
    return store_check_indexes(sim_of(store)->real, err);
}

static void session_of(struct store *store, uint8_t out[STORE_SESSION_BYTES])
{
    store_session(sim_of(store)->real, out);
}

static enum outcome kill_session(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                                 struct err *err)
{
    return store_kill_session(sim_of(store)->real, session, err);
}

static void close_store(struct store *store)
{
    store_close(sim_of(store)->real);
    free(store);
}

static const struct store_ops sim_ops = {
    .close = close_store,
    .ping = sim_ping,
    .find = sim_find,
    .query = sim_query,
    .journal_find = sim_journal_find,
    .commit_begin = sim_commit_begin,
    .commit_end = sim_commit_end,
    .commit_has_ended = sim_commit_has_ended,
    .commit_fd = no_fd,
    .resolve = sim_resolve,
    .outbox = sim_outbox,
    .scan = sim_scan,
    .rehearse = sim_rehearse,
    .journal_scan = sim_journal_scan,
    .mark_published = sim_mark,
    .put_off = sim_put_off,
    .apply_indexes = apply_indexes,
    .check_indexes = check_indexes,
    .session = session_of,
    .kill_session = kill_session,
    .open_transactions = sim_open_transactions,
};

struct store *sim_store_open(struct sim_lane *owner)
{
    struct sim_store *self = calloc(1, sizeof(*self));
    if (!self)
        panic("out of memory for a store");
    self->base.ops = &sim_ops;
    self->owner = owner;
    self->real = store_fake_join(owner->sim->store);
    return &self->base;
}
