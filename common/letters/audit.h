/* audit.h - who did what to dead letters: one document per command, written before anything is
 * moved, completed when the command is at its end. One that still says "begun" was cut off. */
#ifndef CARTWRIGHT_LETTERS_AUDIT_H
#define CARTWRIGHT_LETTERS_AUDIT_H

#include "letters/dead_letter.h"

enum dead_action { DEAD_REPLAY, DEAD_EDIT, DEAD_PARK, DEAD_DISCARD, DEAD_PURGE };
enum dead_state { DEAD_BEGUN, DEAD_DONE, DEAD_STOPPED, DEAD_FAILED };

struct dead_audit {
    struct doc_head head; /* the id is the command's, as in x-history */
    int action;           /* enum dead_action */
    int state;            /* enum dead_state */
    struct str by;
    struct str domain;      /* "*": all */
    struct str message_id;  /* of one letter; of a group absent */
    struct str new_id;      /* of an edited copy */
    struct str fingerprint; /* of the group, or of the one letter */
    struct str reason;      /* why it was discarded; what failed */
    struct str before;      /* bodies of an edit, secrets masked */
    struct str after;
    int64_t count; /* letters that were moved */
    int64_t left;  /* that matched, and could not be */
};

/* A shop has it among its documents. */
extern const struct doc_type dead_audit_type;

/* Inserts it, with the command's id and time. */
MUST_CHECK enum outcome dead_audit_begin(struct dead_office *office, struct dead_audit *audit,
                                         struct err *err);
/* Replaces it: set state, counts and reason first. */
MUST_CHECK enum outcome dead_audit_end(struct dead_office *office, struct dead_audit *audit,
                                       struct err *err);

#endif
