/* dead_letter.h - letters in the dead queues: what they tell, and what an operator may do with them.
 *
 * A dead letter is a message that could not be carried out (failure.c), or that was delivered too
 * often (the broker). To get at one, all before it must be received too; they stay unacknowledged and
 * go back in their order when the connection ends. So whoever looks changes nothing, and whoever acts
 * publishes first, with a confirm, and acknowledges then. What that promises:
 *
 * - No letter is lost, whenever the operator's process or the broker dies.
 * - Each letter is in one hand at a time: two operators who replay the same group send each message
 *   once. The second one does not see what the first one holds.
 * - One letter at a time is between its confirm and its acknowledgement. Only those whose
 *   acknowledgement a death or a lost connection cut off lie in the queue still, though their copy is
 *   out; sent once more, the copies have the same message id, and the journal answers all but one.
 * - An interrupted replay goes on where it was when it is simply run again. A copy that dies again
 *   carries the command's id in x-history, so that a command never replays a letter twice.
 * - Before anything is moved a record of it is in the database (audit.h).
 *
 * A replayed copy goes to the queue it came from, by the end of the delays, with a new seal of who
 * asked (caller.h). It has no deadline, no attempts and no reply_to any more: whoever asked was answered
 * when the letter was buried, and a copy that is refused at the door must come back here and not vanish.
 * A letter of which nobody knows who asked is sent as it is: a lane judges it by what it carries. An
 * event without our word for it is not sent at all. */
#ifndef CARTWRIGHT_LETTERS_DEAD_LETTER_H
#define CARTWRIGHT_LETTERS_DEAD_LETTER_H

#include <signal.h>

#include "bus/bus.h"
#include "crypto/auth.h"
#include "service/operation.h"
#include "service/settings.h"
#include "store/store.h"

/* Strs are absent when nobody wrote them down. They live as long as the delivery and the arena. */
struct dead_letter {
    struct str domain; /* whose dead queue it lies in */
    struct str id;     /* its message id when a person can type that, else the digest */
    struct str digest; /* "~" and 12 hex digits of what it is and when it failed */
    struct str operation;
    struct str code, reason, place;
    int64_t failed_at;                       /* ms; -1 */
    int64_t attempts;                        /* 0: not written down */
    struct str queue, exchange, routing_key; /* where it came from */
    struct str fingerprint;                  /* of the failure: 8 hex digits */
    struct str edited_from;
    /* We signed it (signature.h). Of any other letter only what the broker wrote is believed; whoever
     * put it there otherwise has the code NOT_OURS. */
    bool is_ours;
    bool
        is_masked; /* its secrets were not kept: it can only be corrected, not sent again as it is */
    const struct delivery *delivery;
};

/* Absent strs and since -1: any. */
struct dead_filter {
    struct str id; /* or the digest */
    struct str code, operation, place, fingerprint;
    int64_t since_ms;
};

struct dead_office {
    const struct service *service;
    const struct engine_settings *settings;
    struct auth_keys keys;
    struct bus *bus;     /* with keep_headers; consumes nothing between the calls */
    struct store *store; /* NULL for those who only look */
    struct str by;       /* who gives the command: "ann@desk" */
    struct str command;  /* its id */
    /* Whose letters may be gone after a few looks; ended by an absent str. NULL: nobody's. */
    const struct str *frail;
    size_t scan_max; /* letters of a queue that are held at once, and so looked at */
    int quiet_ms;    /* nothing for so long: that was the last letter */
    bool (*stopping)(void);
    int64_t (*now_ms)(void);
    uint64_t last_group;
};

/* Every domain of the service, then "unknown"; ended by an absent str. */
const struct str *dead_domains(struct arena *arena, const struct service *service);
void dead_letter_read(struct arena *arena, const struct dead_office *office, struct str domain,
                      const struct delivery *delivery, struct dead_letter *out);
/* Of what failed and where, not of ids and numbers in the reason. */
struct str dead_fingerprint(struct arena *arena, const struct dead_letter *letter);
bool dead_letter_matches(const struct dead_letter *letter, const struct dead_filter *filter);

/* --- looking ------------------------------------------------------------------------------------ */

enum dead_verdict {
    DEAD_LEAVE,  /* it goes back */
    DEAD_REMOVE, /* it is acknowledged */
    DEAD_STOP,   /* it goes back, and no more are wanted */
};

struct dead_visitor {
    /* The letter and its delivery live until the call returns. An error ends the scan. */
    enum outcome (*visit)(void *context, const struct dead_letter *letter,
                          enum dead_verdict *verdict, struct err *err);
    void *context;
    /* It removes letters, or wants only a few: no more than necessary are held at a time. It may be
     * shown a letter again that it left. */
    bool moves;
};

/* Shows the visitor the letters of one domain, oldest first. Afterwards what was not removed is back
 * in its place. *cut: scan_max was reached, there may be more. RETRY: the broker is away, or the queue
 * is not there. REFUSED: the domain is frail; none of its letters was touched. */
MUST_CHECK enum outcome dead_scan(struct dead_office *office, struct str domain,
                                  const struct dead_visitor *visitor, bool *cut, struct err *err);

/* --- acting ------------------------------------------------------------------------------------- */

/* The command that is under way has sent this letter before. */
bool dead_letter_is_own(const struct dead_office *office, const struct dead_letter *letter);
/* REFUSED: it is masked. */
MUST_CHECK enum outcome dead_letter_is_whole(const struct dead_letter *letter, struct err *err);
/* What would be sent, as a lane would receive it: for rehearse(). REFUSED as below. */
MUST_CHECK enum outcome dead_letter_revive(struct arena *arena, const struct dead_office *office,
                                           const struct dead_letter *letter, struct delivery *out,
                                           struct err *err);
/* Published to where it came from, and confirmed. REFUSED: it does not say where that was, names a queue
 * that is none of ours, asks for what nobody serves, or is an event that we did not write. */
MUST_CHECK enum outcome dead_letter_replay(struct arena *arena, struct dead_office *office,
                                           const struct dead_letter *letter, struct err *err);

struct dead_edit {
    struct str body;
    struct str
        new_id; /* of the copy; made from the old one and the body: the same edit, the same id */
};

/* INVALID, with fields, when the body breaks the schema of the operation; REFUSED when nobody serves
 * that, or a secret is masked still. */
MUST_CHECK enum outcome dead_edit_prepare(struct arena *arena, const struct dead_office *office,
                                          const struct dead_letter *letter, struct str body,
                                          struct dead_edit *out, struct err *err);
/* The corrected copy, published and confirmed: to where the letter came from, or, parked, among the
 * dead letters. REFUSED: one with secrets is not kept here. */
MUST_CHECK enum outcome dead_edit_send(struct arena *arena, struct dead_office *office,
                                       const struct dead_letter *letter,
                                       const struct dead_edit *edit, bool park, struct err *err);

#endif
