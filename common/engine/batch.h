/* batch.h - a batch and its messages: the inside of the engine.
 *
 *   receive -> admit -> (load, decide)* -> commit -> settle
 *
 * lane.c receives, pipeline.c overlaps the commit of a batch with the first steps of the next,
 * batch.c carries one through, admission.c admits, recall.c asks the journal for repeats, turns.c keeps
 * messages of one key in order, job.c is what handlers call, load.c loads, decide.c decides, ledger_pages.c
 * fills pages of ledgers, commit.c commits, settle.c settles, invalidate.c tells what became stale,
 * reply.c writes replies, acknowledge.c acknowledges, failure.c sends what failed to the delays or dead
 * letters. */
#ifndef CARTWRIGHT_ENGINE_BATCH_H
#define CARTWRIGHT_ENGINE_BATCH_H

#include "bus/bus.h"
#include "engine/job.h"
#include "engine/lane.h"
#include "engine/workset.h"

enum job_state {
    JOB_OPEN,     /* to be decided */
    JOB_BLOCKED,  /* a lock is held elsewhere, or one before it waits: next batch */
    JOB_DECIDED,  /* final outcome known; effects are in the working set */
    JOB_ANSWERED, /* reply known without executing: bad, duplicate, expired */
    JOB_FAILED,   /* our fault: delay or dead letter */
    JOB_SETTLED,  /* replied and acknowledged */
};

/* A private copy of a document, for one run of one message. */
struct draft {
    struct cell *cell;
    void *doc; /* NULL: there is none (yet) */
    bool changed;
    struct draft *next;
};

/* What a message relies on: a document, or that there is none with a value. */
struct proof {
    struct cell *cell;
    struct alias *alias; /* one of the two is NULL */
    struct proof *next;
};

/* An entry for a ledger. */
struct appended {
    const struct doc_type *ledger;
    const void *entry;
    struct appended *next;
};

/* An account whose tokens must be looked at again. */
struct account_change {
    struct str user_id;
    struct account_change *next;
};

enum message_kind { MESSAGE_EVENT, MESSAGE_LATEST_EVENT, MESSAGE_NOTIFICATION };

/* A message that a handler wants sent; its body is written when the batch commits. */
struct outgoing {
    enum message_kind kind;
    struct job *job;
    struct str id;
    struct str type; /* of the event; routing key of a notification */
    struct str subject;
    int64_t version;
    const struct shape *shape;
    const void *data;
    bool superseded; /* by a later one of the batch (emit_latest) */
    struct outgoing *next;
};

/* Answers that are not documents, remembered across the runs of one message. */
struct password_need {
    struct str hash; /* absent with `make`: hash it; else verify */
    struct str password;
    bool make;
    bool loaded;
    bool matches;
    struct str made;
    struct password_need *next;
};

struct rate_need {
    struct rate_limit limit;
    bool loaded;
    struct rate_need *next;
};

/* How the journal knows a message, by one master key. */
struct message_keys {
    struct journal_key key;
    struct journal_key deadline_key;
    uint8_t fingerprint[16];
};

struct job {
    struct batch *batch;
    struct delivery *delivery;
    const struct operation *operation;
    struct str text; /* the body without its content encoding; absent: not read */
    const void *request;
    struct caller bearer; /* who the token says it is */
    struct caller caller; /* who it is in this run: a guest when the token is no good any more */
    bool is_copy;         /* of ours, out of the delays: its seal says who asked (caller.h) */
    bool authorize;       /* the account must be looked at first */
    bool stamp_due;       /* whether it must is not known before its stamp is */
    uint64_t stamp;       /* of the account; 0: Redis did not tell */
    struct token_entry *token; /* NULL: a caller that a delayed copy brought along */
    bool late;              /* its deadline has passed: the journal knows whether it was executed */
    bool expired;           /* in its queue: it is answered, not carried out (died.c) */
    struct journal_key key; /* by which the journal knows the message */
    struct journal_key deadline_key; /* and this try of it, if it has a deadline (recall.c) */
    struct message_keys
        *former; /* the same by each older master key of the ring; NULL: it has none */
    uint8_t fingerprint[16];
    uint8_t seed[AUTH_KEY_BYTES];
    struct job *leader; /* same message id earlier in this batch */
    enum job_state state;
    enum outcome outcome;
    struct err err;
    int status;
    struct str body; /* of the reply, finished */
    struct {
        const void *data;
        struct str text;
    } written;     /* the last object written as JSON: an event and its reply are often the same */
    bool held_up;  /* blocked by an earlier message of its partition key, not by a lock */
    bool in_line;  /* for a password: others are before it, so it waits for a later batch */
    bool insist;   /* waited too long: goes without the locks that are held elsewhere */
    bool repeated; /* answered from the journal or from its leader */
    bool hopeless; /* failed for good: no further rounds through the delays */
    bool dropped;  /* wrong, nobody to be told, and nobody vouches for it */
    bool vouched;  /* somebody we know stands behind it: a token, a seal or a signature was good */
    int64_t delay_ms;          /* of the copy that was made of it; 0: a dead letter */
    uint64_t digest;           /* of the delivery, for the crash ledger */
    const struct blame *blame; /* its handler ended the process too often; NULL: no */

    /* remembered across runs */
    LIST(struct str) ids;
    size_t id_capacity;
    struct password_need *passwords;
    struct rate_need *rates;

    /* of the present run */
    size_t ids_used;
    struct draft *drafts;
    struct proof *proofs;
    struct appended *first_appended, *last_appended;
    struct outgoing *first_outgoing, *last_outgoing;
    struct account_change *account_changes;
    bool accepted; /* answered with 202 */
    const struct shape *reply_shape;
    const void *reply_data;
    bool authorized;        /* the account was looked at and is in order */
    bool keep;              /* a refusal whose changes are kept */
    int64_t retry_after_ms; /* > 0: told with the reply */
    bool blocked;
    const struct cell *misfit; /* it needs this document, which cannot be read; NULL: no such */
    int runs;
};

struct batch_times {
    int64_t admit_us, load_us, decide_us, commit_us, settle_us;
};

struct batch {
    struct lane *lane;
    struct arena *arena;     /* lives until the batch is settled */
    struct arena *run_arena; /* cleared before every run */
    int64_t now;
    struct job *jobs;
    size_t count;
    struct workset set;
    struct batch *ahead; /* its commit is under way: what it wrote is the truth for us; or NULL */
    struct str *held;    /* keys of the leases to be released */
    size_t held_count, held_capacity;
    struct map held_keys;
    struct commit commit;    /* of the present span */
    bool committing;         /* begun, not awaited */
    int64_t commit_began_us; /* monotonic */
    enum outcome fate;       /* of the last commit that was awaited */
    struct err fate_err;
    struct batch_times times;
    bool has_blocked;      /* a job of it is, or was, JOB_BLOCKED */
    bool doubtful;         /* a conflict was met: no cached copies, and repeats are looked for */
    bool copies_validated; /* doc_cache.h: once per run */
    size_t rounds;
};

/* A stretch of jobs that is carried through in one transaction. */
struct span {
    struct job *jobs;
    size_t count;
};

/* admission.c and reply.c: fills the job from its delivery, or answers it. */
void job_admit(struct job *job);
/* Decides a command whose deadline has passed and that was not executed: with this deadline it never
 * will be. */
void job_refuse_late(struct job *job);
/* died.c: what comes out of the queue of what died is again as it was in the queue where it died. */
void job_take_up_dead(struct job *job);
/* Its publisher had wanted that. */
bool job_was_to_expire(const struct job *job);
/* INVALID: what is said to it when the journal knows no better. */
enum outcome job_refuse_expired(struct job *job);
void job_answer_expired(struct job *job);
/* It died of anything else: true, and it has failed for good. */
bool job_is_put_aside(struct job *job);
/* Before a message that was found wrong is put aside or dropped: who sent it, if that was not asked for
 * yet. Its token may have ended when somebody corrects the message. */
void job_note_caller(struct job *job);
/* client.c: what its API key is worth. */
enum api_key { API_KEY_UNKNOWN, API_KEY_PLAIN, API_KEY_TRUSTED_EDGE };
enum api_key job_api_key(const struct job *job);
/* The finished body of the reply: its error, or its data. */
struct str job_reply_body(struct job *job, struct arena *arena);
/* The same in short, when nobody may be sent so much now: of a query RATE_LIMITED, of a command what
 * identifies its result. */
struct str job_short_body(struct job *job, int64_t wait_ms);
/* A repeated message: the stored reply, or IDEMPOTENCY_MISMATCH. */
void job_answer_again(struct job *job, const struct journal_reply *known);
/* The reply as the journal keeps it under this key. */
struct str job_journal_body(struct job *job, const struct journal_key *key);
/* An object of this job as JSON. */
struct str job_json(struct job *job, const struct shape *shape, const void *data);
/* Copies the outcome of the leader once that is decided. */
void job_follow(struct job *job);
/* By its header, or by what is left of its life; ms since 1970, -1: none. */
int64_t delivery_deadline(const struct delivery *delivery);
/* What the message is, for the crash ledger; never 0. */
uint64_t delivery_digest(const struct delivery *delivery);

/* job.c */
/* What it asks for; of a message that nobody serves its routing key. */
struct str job_operation_name(const struct job *job);
void job_begin_run(struct job *job);
void job_merge(struct job *job);

/* load.c: one round of everything that is wanted. RETRY when the database is away. */
MUST_CHECK enum outcome batch_load(struct batch *batch, struct span span, struct err *err);

/* recall.c: the keys; from caller, message id and deadline. Keys the fingerprint, too. */
void job_make_keys(struct job *job);
/* Replies that the journal knows already, where a repeat is likely. What is late and not known is
 * refused. */
MUST_CHECK enum outcome batch_recall(struct batch *batch, struct span span, struct err *err);
/* The same for what is decided and will not be journalled: no commit would notice the repeat. */
MUST_CHECK enum outcome batch_recall_unproven(struct batch *batch, struct span span,
                                              struct err *err);

/* decide.c: rounds until every open job of the span is decided, blocked or failed. */
MUST_CHECK enum outcome batch_decide(struct batch *batch, struct span span, struct err *err);

/* turns.c: blocks a job that must not be decided before others of its key; true when it did. */
bool job_wait_its_turn(struct job *job);
/* It waits for the next batch. */
void job_block(struct job *job);

/* True when the outcome is remembered under the message's key. */
bool job_is_journalled(const struct job *job);

/* True when what it changed, appended and emitted is committed. */
bool job_has_effects(const struct job *job);

/* ledger_pages.c: what the messages of the span appended, as pages of their ledgers; NULL: nothing. */
struct filled_page {
    const struct doc_type *ledger;
    struct ledger_page page;
    size_t capacity;
    struct filled_page *next;
};
struct filled_page *batch_ledger_pages(struct batch *batch, struct span span);

/* commit.c: what was decided, as documents, replies and events. False when a job of it failed now,
 * because what it emits is too long: the span has to run again without it. */
MUST_CHECK bool batch_write_up(struct batch *batch, struct span span);
/* Begins the commit of what was written up, if there is anything to commit. */
void batch_commit_begin(struct batch *batch);
/* Waits for its end. DONE also when there was nothing to commit; the same again when it is asked
 * again. */
MUST_CHECK enum outcome batch_commit_end(struct batch *batch, struct err *err);
/* Waits for the commit of the batch ahead: CONFLICT when it failed, and what was decided on top of
 * it is worth nothing. */
MUST_CHECK enum outcome batch_await_ahead(struct batch *batch, struct err *err);

/* accounts.c: what is known of the accounts behind verified tokens. */
/* A batch asks for the stamps of its accounts when it takes its locks: those of the jobs whose stamps
 * are due. */
struct stamps {
    struct lock_stamp *items;
    struct job **jobs;
    size_t count;
};
struct stamps batch_stamps_due(struct batch *batch, struct span span);
/* Now they are known, or Redis is away: then the documents tell. */
void batch_stamps_told(const struct stamps *stamps, bool told);
/* After the commit, before any reply: the stamps of changed accounts are taken away. */
void batch_unstamp(struct batch *batch, struct span span);
/* After a job was decided on the documents of its account. */
void job_remember_account(struct job *job);

/* settle.c: replies, events, acknowledgements, locks. */
void batch_settle(struct batch *batch, struct span span);
void batch_release_leases(struct batch *batch);
void batch_mark_bus_lost(struct batch *batch);

/* failure.c: publishes a copy for the delays or, when there are no more rounds or it is hopeless, for
 * the dead letters; it counts for the confirm group. */
void job_put_aside(struct job *job, uint64_t group);
/* The dead queue is full: the message goes to the delays, comes again, and fails again, until there is
 * room. Nothing is lost, and nothing else is held up. */
void job_put_off(struct job *job, uint64_t group);
/* The same copy is confirmed: the job is answered. */
void job_was_put_aside(struct job *job);
/* Waits for the copies of the group. RETRY: the broker is away; REFUSED: it did not take one of them. */
MUST_CHECK enum outcome lane_confirm_copies(struct lane *lane, uint64_t group, struct err *err);

/* batch.c: takes the lane's first `count` waiting messages through admission, in its free room. */
struct batch *batch_open(struct lane *lane, size_t count);
/* Loads, decides and writes up once; nothing is committed. DEFER: others hold the locks of all of
 * it. */
MUST_CHECK enum outcome batch_prepare(struct batch *batch, struct err *err);
/* The rest of the way after a first attempt ended with `outcome`: runs again on conflicts, then in
 * halves, and settles. DEFER: not tried yet. RETRY when a dependency is down. */
MUST_CHECK enum outcome batch_see_through(struct batch *batch, enum outcome outcome,
                                          struct err *err);
/* Leases are released, settled deliveries acknowledged, all others handed back to the lane
 * (lane_give_back). */
void batch_close(struct batch *batch);

/* One message without a broker, for an operator's command line: lane->bus may be NULL. The events
 * stay in the outbox until a lane's relay publishes them. DONE when it was decided: *status and
 * *body (until the lane's next batch) are the reply. The delivery stays the caller's. */
MUST_CHECK enum outcome batch_run_alone(struct lane *lane, struct delivery *delivery, int *status,
                                        struct str *body, struct err *err);
/* The same, but its writes are only rehearsed (store_rehearse). *job (until the lane's next batch)
 * tells how it was decided, its batch what would be committed. What the database said to that is
 * returned: CONFLICT, RETRY, BUG. */
MUST_CHECK enum outcome batch_rehearse_alone(struct lane *lane, struct delivery *delivery,
                                             struct job **job, struct err *err);

#endif
