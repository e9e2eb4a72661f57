/* dead_letter.h - letters in the dead queues: what they say, and what an operator may do with them.
 *
 * A dead letter is a message that a lane could not carry out (failure.c), or that the broker
 * delivered too often. To reach a letter, all letters before it must be received, too; they stay
 * unacknowledged and go back in their order when the connection ends. So a command that only looks
 * changes nothing. A command that sends a letter publishes the copy first, with a publisher
 * confirm, and acknowledges the letter after that. What this promises:
 *
 * - No letter is lost, whenever the operator's process or the broker dies.
 * - Each letter is held by one command at a time: two operators who replay the same group send each
 *   message once. The second one does not see the letters that the first one holds.
 * - One letter at a time is between its confirm and its acknowledgement. A letter whose copy is out
 *   is still in the queue only when a death or a lost connection cut off its acknowledgement. If it
 *   is sent again, both copies have one message id, and the journal answers the second one.
 * - An interrupted replay continues where it was when it is simply run again. A copy that dies
 *   again carries the command's id in x-history, so a command never replays a letter twice.
 * - Before a command moves anything, its record is in the database (audit.h).
 *
 * A replayed copy goes to the queue that the letter came from, through the end of the delays, with
 * a new seal of its caller (caller.h). It has no deadline, no attempts and no reply_to any more:
 * the caller was answered when the letter was buried, and a copy that is refused on admission must
 * come back here and not vanish. A letter whose caller nobody knows is sent as it is, and a lane
 * judges it by what it carries. An event with neither our seal nor our signature is not sent. */
#ifndef CARTWRIGHT_LETTERS_DEAD_LETTER_H
#define CARTWRIGHT_LETTERS_DEAD_LETTER_H

#include <signal.h>

#include "bus/bus.h"
#include "crypto/auth.h"
#include "service/operation.h"
#include "service/settings.h"
#include "store/store.h"

/* Strs are absent where the letter is silent. They live as long as the delivery and the arena. */
struct dead_letter {
    struct str domain; /* the domain in whose dead queue it is */
    struct str id;     /* its message id when a person can type that, else the digest */
    struct str digest; /* "~" and 12 hex digits: a hash of what it is and when it failed */
    struct str operation;
    struct str code, reason, place;
    int64_t failed_at;                       /* ms since 1970; -1: not known */
    int64_t attempts;                        /* 0: not known */
    struct str queue, exchange, routing_key; /* where it came from */
    struct str fingerprint;                  /* of the failure: 8 hex digits */
    struct str edited_from;
    /* A lane of ours signed it (signature.h). Of any other letter only what the broker wrote is
     * believed; a letter that the broker did not put there either has the code NOT_OURS. */
    bool is_ours;
    /* Its secrets were not kept, so it can only be corrected, not sent again as it is. */
    bool is_masked;
    const struct delivery *delivery;
};

/* An absent str, and since_ms of -1, match any letter. */
struct dead_filter {
    struct str id; /* or digest */
    struct str code, operation, place, fingerprint;
    int64_t since_ms; /* ms since 1970 */
};

struct dead_office {
    const struct service *service;
    const struct engine_settings *settings;
    struct auth_keys keys;
    struct bus *bus;     /* with keep_headers; consumes nothing between the calls */
    struct store *store; /* NULL for commands that only look */
    struct str by;       /* who gives the command: "ann@desk" */
    struct str command;  /* the id of the command */
    /* Domains whose letters the broker may drop when they have been looked at a few times; ended by
     * an absent str. NULL: there are none. */
    const struct str *frail;
    size_t scan_max; /* letters of a queue that are held at once, and so looked at, at most */
    int quiet_ms;    /* when no letter comes for so long, the queue may be empty */
    bool (*stopping)(void); /* true: the command ends after the letter in hand */
    int64_t (*now_ms)(void);
    uint64_t last_group;
};

/* Every domain of the service, then "unknown", in the arena; ended by an absent str. */
const struct str *dead_domains(struct arena *arena, const struct service *service);
/* Reads what a delivery from the dead queue of `domain` says; *out points into it and the arena. */
void dead_letter_read(struct arena *arena, const struct dead_office *office, struct str domain,
                      const struct delivery *delivery, struct dead_letter *out);
/* A hash of what failed and where, without the ids and numbers in the reason. */
struct str dead_fingerprint(struct arena *arena, const struct dead_letter *letter);
bool dead_letter_matches(const struct dead_letter *letter, const struct dead_filter *filter);

/* --- looking ------------------------------------------------------------------------------------ */

enum dead_verdict {
    DEAD_LEAVE,  /* the letter goes back */
    DEAD_REMOVE, /* the letter is acknowledged */
    DEAD_STOP,   /* the letter goes back, and no more letters are wanted */
};

struct dead_visitor {
    /* The letter and its delivery live until the call returns. An error ends the scan. */
    enum outcome (*visit)(void *context, const struct dead_letter *letter,
                          enum dead_verdict *verdict, struct err *err);
    void *context;
    /* The visitor removes letters, or wants only a few: no more than necessary are held at a time.
     * A letter that it left may be shown to it again. */
    bool moves;
};

/* Shows the visitor the letters of one domain, the oldest first. Afterwards the letters that were
 * not removed are back in their places. *cut: scan_max was reached, so there may be more. RETRY:
 * the broker is away, or the queue does not exist. REFUSED: the domain is frail; none of its
 * letters was touched. */
MUST_CHECK enum outcome dead_scan(struct dead_office *office, struct str domain,
                                  const struct dead_visitor *visitor, bool *cut, struct err *err);

/* --- acting ------------------------------------------------------------------------------------- */

/* True when the command that is under way has sent this letter before. */
bool dead_letter_is_own(const struct dead_office *office, const struct dead_letter *letter);
/* DONE when the letter can be sent as it is; REFUSED when it is masked. */
MUST_CHECK enum outcome dead_letter_is_whole(const struct dead_letter *letter, struct err *err);
/* The copy that would be sent, as a lane would receive it: for rehearse(). Points into the letter
 * and the arena. REFUSED as below, but not for a masked letter. */
MUST_CHECK enum outcome dead_letter_revive(struct arena *arena, const struct dead_office *office,
                                           const struct dead_letter *letter, struct delivery *out,
                                           struct err *err);
/* Publishes a copy to the queue that the letter came from, and waits 5 s for the confirm. REFUSED:
 * the letter is masked, names no queue or one that is not ours, came for an operation that nobody
 * serves, or is an event that we did not write. RETRY: there was no confirm. */
MUST_CHECK enum outcome dead_letter_replay(struct arena *arena, struct dead_office *office,
                                           const struct dead_letter *letter, struct err *err);

struct dead_edit {
    struct str body;
    /* Message id of the copy, made from the letter and the body: the same edit has the same id. */
    struct str new_id;
};

/* Checks the corrected body and makes the copy's id, in the arena. INVALID, with fields, when the
 * body breaks the schema of the operation; REFUSED when nobody serves the operation, when a secret
 * is still masked, or as dead_letter_revive(). */
MUST_CHECK enum outcome dead_edit_prepare(struct arena *arena, const struct dead_office *office,
                                          const struct dead_letter *letter, struct str body,
                                          struct dead_edit *out, struct err *err);
/* Publishes the corrected copy and waits for the confirm: to the queue that the letter came from
 * or, with `park`, to the dead letters. REFUSED: a masked letter cannot be parked; or as
 * dead_letter_revive(). */
MUST_CHECK enum outcome dead_edit_send(struct arena *arena, struct dead_office *office,
                                       const struct dead_letter *letter,
                                       const struct dead_edit *edit, bool park, struct err *err);

#endif
