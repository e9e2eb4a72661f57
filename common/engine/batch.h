/* batch.h - a batch and its messages: the inside of the engine.
 *
 *   receive -> admit -> (load, decide)* -> commit -> settle
 *
 * lane.c receives, pipeline.c overlaps the commit of a batch with the first steps of the next,
 * batch.c carries a batch through, admission.c admits its messages, client.c tells who handed
 * a message in, died.c takes up what the broker put aside, recall.c asks the journal for
 * repeats, turns.c keeps messages of one key in order, job.c is what handlers call, load.c
 * loads, accounts.c checks tokens against their accounts, decide.c decides, ledger_pages.c
 * fills pages of ledgers, commit.c commits, settle.c settles, invalidate.c tells what became
 * stale, reply.c writes replies, acknowledge.c acknowledges, failure.c sends failed messages
 * to the delays or to the dead letters. */
#ifndef CARTWRIGHT_ENGINE_BATCH_H
#define CARTWRIGHT_ENGINE_BATCH_H

#include "bus/bus.h"
#include "engine/job.h"
#include "engine/lane.h"
#include "engine/workset.h"

enum job_state {
    JOB_OPEN,     /* to be decided */
    JOB_BLOCKED,  /* waits for the next batch: for a lock, or behind an earlier message */
    JOB_DECIDED,  /* the outcome is final; the effects are in the working set */
    JOB_ANSWERED, /* the reply is known without executing: bad, duplicate, expired */
    JOB_FAILED,   /* failed by our own fault: goes to the delays or the dead letters */
    JOB_SETTLED,  /* answered; the delivery is acknowledged when the batch closes */
};

/* A private copy of a document, for one run of one message. */
struct draft {
    struct cell *cell;
    void *doc;  /* NULL: there is no such document (yet, or any longer) */
    void *gone; /* what this message deleted; NULL: nothing */
    bool changed;
    struct draft *next;
};

/* What a message relies on: a document as it was loaded, or that none has a value. */
struct proof {
    struct cell *cell;
    struct alias *alias; /* exactly one of `cell` and `alias` is NULL */
    struct proof *next;
};

/* An entry for a ledger. */
struct appended {
    const struct doc_type *ledger;
    const void *entry;
    struct appended *next;
};

/* An account whose tokens must be checked against its documents again. */
struct account_change {
    struct str user_id;
    struct account_change *next;
};

enum message_kind { MESSAGE_EVENT, MESSAGE_LATEST_EVENT, MESSAGE_NOTIFICATION };

/* A message that a handler wants to send; its body is written when the batch commits. */
struct outgoing {
    enum message_kind kind;
    struct job *job;
    struct str id;
    struct str type; /* type of an event; routing key of a notification */
    struct str subject;
    int64_t version;
    const struct shape *shape;
    const void *data;
    bool superseded; /* replaced by a later one of the batch (latest_only) */
    struct outgoing *next;
};

/* Needs that are no documents. Their answers are remembered across the runs of one message. */
struct password_need {
    struct str hash; /* what to verify the password against; absent with `make` */
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

/* The keys and the fingerprint by which the journal knows a message, made with one master key. */
struct message_keys {
    struct journal_key key;
    struct journal_key deadline_key;
    uint8_t fingerprint[16];
};

struct job {
    struct batch *batch;
    struct delivery *delivery;
    const struct operation *operation;
    struct str text; /* the body without its content encoding; absent: not unpacked */
    const void *request;
    struct caller bearer; /* the caller as the token says, or the seal of a copy */
    struct caller caller; /* the caller in this run: a guest when the token is no good any more */
    bool is_copy;   /* a copy of ours, out of the delays: its seal says who asked (caller.h) */
    bool authorize; /* the account must be checked before the handler runs */
    bool stamp_due; /* only the account's stamp will tell whether `authorize` is due */
    uint64_t stamp; /* the account's stamp; 0: Redis did not tell it */
    struct token_entry *token; /* NULL: a guest, or a caller whom a copy brought along */
    /* The deadline has passed; the journal knows whether the message was executed. */
    bool late;
    /* The message expired in its queue: it is answered, not carried out (died.c). */
    bool expired;
    /* The journal knows the message by `key`, and this try of it by `deadline_key` if the message
     * has a deadline (recall.c). */
    struct journal_key key;
    struct journal_key deadline_key;
    /* The same, made with each older master key of the ring; NULL: there is no older one. */
    struct message_keys *former;
    uint8_t fingerprint[16];
    uint8_t seed[AUTH_KEY_BYTES];
    struct job *leader; /* an earlier job of this batch with the same message id; NULL: none */
    enum job_state state;
    enum outcome outcome;
    struct err err;
    int status;
    struct str body; /* the finished body of the reply */
    struct {
        const void *data;
        const struct shape *shape;
        struct str text;
    } written;     /* the last object written as JSON: an event and its reply are often the same */
    bool held_up;  /* waits behind another message, not for a lock */
    bool in_line;  /* waits in line for a password, until a later batch */
    bool insist;   /* has waited too long: goes on without locks that are held elsewhere */
    bool repeated; /* answered from the journal or with its leader's reply */
    bool hopeless; /* failed for good: no further rounds through the delays */
    bool dropped;  /* wrong, with nobody to be told and nobody who vouches for it */
    bool vouched;  /* we know who stands behind it: a token, seal or signature was good */
    int64_t delay_ms;          /* delay of the copy that was made; 0: the copy is a dead letter */
    uint64_t digest;           /* identifies the message (delivery_digest) */
    const struct blame *blame; /* of a handler that ended the process too often; NULL: none */

    /* remembered across the runs */
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
    bool accepted; /* answered with status 202 */
    const struct shape *reply_shape;
    const void *reply_data;
    bool authorized;        /* the account was checked and is in order */
    bool keep;              /* a refusal whose changes are committed */
    int64_t retry_after_ms; /* > 0: is told with the reply */
    bool blocked;
    const struct cell *misfit; /* a needed document that cannot be read; NULL: none */
    int runs;
};

struct batch_times {
    int64_t admit_us, load_us, decide_us, commit_us, settle_us;
};

struct batch {
    struct lane *lane;
    struct arena *arena;     /* kept until the batch is settled */
    struct arena *run_arena; /* cleared before every run */
    int64_t now;
    struct job *jobs;
    size_t count;
    struct workset set;
    struct batch *ahead; /* its commit is under way, and its writes count as stored; or NULL */
    struct str *held;    /* keys of the leases that must be released */
    size_t held_count, held_capacity;
    struct map held_keys;
    struct commit commit;    /* the commit of the present span */
    bool committing;         /* the commit was begun and not yet awaited */
    int64_t commit_began_us; /* monotonic */
    enum outcome fate;       /* how the last commit that was awaited ended */
    struct err fate_err;
    struct batch_times times;
    bool has_blocked;      /* a job of the batch is, or was, JOB_BLOCKED */
    bool doubtful;         /* a conflict was met: no cached copies, and repeats are looked for */
    bool copies_validated; /* the lane's copies were checked in this run (doc_cache.h) */
    size_t rounds;
};

/* Consecutive jobs that are carried through in one transaction. */
struct span {
    struct job *jobs;
    size_t count;
};

/* admission.c and reply.c: fills the job from its delivery; a message that fails a check is
 * answered (JOB_ANSWERED) or has failed for good (JOB_FAILED). */
void job_admit(struct job *job);
/* Decides a late command that was not executed: with this deadline it never will be. */
void job_refuse_late(struct job *job);
/* died.c: gives a message out of the queue of dead messages the queue, exchange and expiration back
 * that it had where it died, if the broker really put it there. */
void job_take_up_dead(struct job *job);
/* True when the message expired because its publisher had wanted that. */
bool job_was_to_expire(const struct job *job);
/* Returns INVALID and sets what an expired message is told when the journal does not know it. */
enum outcome job_refuse_expired(struct job *job);
/* Answers an expired message with that. */
void job_answer_expired(struct job *job);
/* True when the broker put the message aside for another reason than its expiry, or when the
 * message is an event: then it has failed for good. */
bool job_is_put_aside(struct job *job);
/* Finds out who sent a message that was found wrong, if that is not known yet; called
 * before the message is put aside or dropped, because its token may have ended by the
 * time somebody corrects it. */
void job_note_caller(struct job *job);
/* client.c: what the API key of a message is worth. */
enum api_key { API_KEY_UNKNOWN, API_KEY_PLAIN, API_KEY_TRUSTED_EDGE };
enum api_key job_api_key(const struct job *job);
/* Writes the finished body of the reply, its data or its error, and sets the status. A
 * body over message.replyMax is made shorter: a query is TOO_LARGE, a command is told
 * what identifies its result. */
struct str job_reply_body(struct job *job, struct arena *arena);
/* The body when no more may be sent to this destination now: a query is RATE_LIMITED, and a command
 * is told only what identifies its result. */
struct str job_short_body(struct job *job, int64_t wait_ms);
/* Answers a repeated message with the stored reply; with IDEMPOTENCY_MISMATCH when it is another
 * request, with GONE when the reply held secrets and is no longer repeated. */
void job_answer_again(struct job *job, const struct journal_reply *known);
/* The body of the reply as the journal keeps it under this key: sealed when it holds
 * secrets, empty for a subscriber. */
struct str job_journal_body(struct job *job, const struct journal_key *key);
/* An object of this job as JSON, in the run's arena. */
struct str job_json(struct job *job, const struct shape *shape, const void *data);
/* Takes over the reply of the leader when that is decided; otherwise waits for the next batch. */
void job_follow(struct job *job);
/* Returns the header `deadline`, or else timestamp plus expiration; ms since 1970, -1: none. */
int64_t delivery_deadline(const struct delivery *delivery);
/* Identifies the message for the crash ledger; never 0. */
uint64_t delivery_digest(const struct delivery *delivery);

/* job.c */
/* The name of the operation; the routing key when nobody serves the message. */
struct str job_operation_name(const struct job *job);
/* Forgets what an earlier run left in the job. */
void job_begin_run(struct job *job);
/* Moves what the final run changed into the working set. */
void job_merge(struct job *job);

/* load.c: one round that loads everything that is wanted. RETRY when a server is away, CONFLICT
 * when the commit of the batch ahead has failed. */
MUST_CHECK enum outcome batch_load(struct batch *batch, struct span span, struct err *err);

/* recall.c: makes the keys from the caller, the message id and the deadline,
 * and keys the fingerprint. */
void job_make_keys(struct job *job);
/* Answers messages that the journal knows already, where a repeat is likely. A late or expired
 * message that it does not know is refused. RETRY and CONFLICT as for batch_load(). */
MUST_CHECK enum outcome batch_recall(struct batch *batch, struct span span, struct err *err);
/* The same for messages that are decided and will not be journalled, because no commit would
 * notice that they are repeats. */
MUST_CHECK enum outcome batch_recall_unproven(struct batch *batch, struct span span,
                                              struct err *err);

/* decide.c: rounds of loading until every open job of the span is decided, blocked or failed. */
MUST_CHECK enum outcome batch_decide(struct batch *batch, struct span span, struct err *err);

/* turns.c: blocks a job that must wait behind others, of its key or in line for a
 * password; true when it did. */
bool job_wait_its_turn(struct job *job);
/* Makes the job wait for the next batch. */
void job_block(struct job *job);

/* True when the outcome is remembered under the message's key. */
bool job_is_journalled(const struct job *job);

/* True when what the job changed, appended and emitted is committed. */
bool job_has_effects(const struct job *job);

/* ledger_pages.c: what the messages of the span appended, as pages of their ledgers in the
 * run's arena; NULL: nothing. */
struct filled_page {
    const struct doc_type *ledger;
    struct ledger_page page;
    size_t capacity;
    struct filled_page *next;
};
struct filled_page *batch_ledger_pages(struct batch *batch, struct span span);

/* commit.c: writes up what was decided as documents, replies and events. False when a job has
 * failed now because a message that it emits is too long: the span has to run again without it. */
MUST_CHECK bool batch_write_up(struct batch *batch, struct span span);
/* Begins the commit of what was written up, if there is anything to commit. */
void batch_commit_begin(struct batch *batch);
/* Waits for the end of the commit. DONE also when there was nothing to commit; a
 * second call returns the same. */
MUST_CHECK enum outcome batch_commit_end(struct batch *batch, struct err *err);
/* Waits for the commit of the batch ahead, if there is one. CONFLICT when it failed: then what was
 * decided on top of it is worth nothing. */
MUST_CHECK enum outcome batch_await_ahead(struct batch *batch, struct err *err);

/* accounts.c: what is known of the accounts behind verified tokens. */
/* The stamps that a batch asks for when it takes its locks: those of the
 * jobs whose stamps are due. */
struct stamps {
    struct lock_stamp *items;
    struct job **jobs;
    size_t count;
};
struct stamps batch_stamps_due(struct batch *batch, struct span span);
/* Notes the stamps; when Redis did not tell them, the documents of the accounts decide. */
void batch_stamps_told(const struct stamps *stamps, bool told);
/* Takes the stamps of changed accounts away; called after the commit and before any reply. */
void batch_unstamp(struct batch *batch, struct span span);
/* Remembers that the account was checked; called after the job was decided on
 * the account's documents. */
void job_remember_account(struct job *job);

/* settle.c: publishes replies and events, then releases the locks. The deliveries are
 * acknowledged when the batch closes. */
void batch_settle(struct batch *batch, struct span span);
/* Releases the leases that the lane's other batch does not hold as well. */
void batch_release_leases(struct batch *batch);
/* Notes that the broker is lost: the lane reconnects before anything else. */
void batch_mark_bus_lost(struct batch *batch);

/* failure.c: publishes a copy to the delays or, when no rounds are left or the job is hopeless, to
 * the dead letters. The copy counts for the confirm group. */
void job_put_aside(struct job *job, uint64_t group);
/* The dead queue is full: sends the message to the delays, so that it comes again, and fails again,
 * until there is room. Nothing is lost, and nothing else is held up. */
void job_put_off(struct job *job, uint64_t group);
/* The copy is confirmed: the job is answered. */
void job_was_put_aside(struct job *job);
/* Waits for the copies of the group, for at most 5 s. RETRY: the broker is away or too late;
 * REFUSED: it did not take one of them. */
MUST_CHECK enum outcome lane_confirm_copies(struct lane *lane, uint64_t group, struct err *err);

/* batch.c: makes a batch of the lane's first `count` waiting messages, in its
 * free room, and admits them. */
struct batch *batch_open(struct lane *lane, size_t count);
/* Loads, decides and writes up once; commits nothing. DEFER: no message could be
 * decided, and some have to wait. */
MUST_CHECK enum outcome batch_prepare(struct batch *batch, struct err *err);
/* Carries the batch through after a first attempt ended with `outcome`: runs again after conflicts,
 * then in halves, and settles. `outcome` is DEFER when the batch has still to be decided. Returns
 * RETRY when a dependency is down. */
MUST_CHECK enum outcome batch_see_through(struct batch *batch, enum outcome outcome,
                                          struct err *err);
/* Releases the leases, acknowledges the settled deliveries and hands all others back to
 * the lane (lane_give_back). */
void batch_close(struct batch *batch);

/* Runs one message without a broker, for an operator's command line: lane->bus may be NULL.
 * The events stay in the outbox until a lane's relay publishes them. DONE when the message
 * was decided: *status and *body (valid until the lane's next batch) are the reply. The
 * caller keeps the delivery. */
MUST_CHECK enum outcome batch_run_alone(struct lane *lane, struct delivery *delivery, int *status,
                                        struct str *body, struct err *err);
/* The same, but the writes are only rehearsed (store_rehearse). *job (valid until the lane's next
 * batch) tells how the message was decided, and its batch what would be committed. Returns what the
 * database said to that: DONE, CONFLICT, RETRY or BUG. */
MUST_CHECK enum outcome batch_rehearse_alone(struct lane *lane, struct delivery *delivery,
                                             struct job **job, struct err *err);

#endif
