/* audit.h - who did what to dead letters: one document per command, which is written before
 * anything is moved and completed when the command ends. A document that still says "begun" belongs
 * to a command that was cut off. */
#ifndef CARTWRIGHT_LETTERS_AUDIT_H
#define CARTWRIGHT_LETTERS_AUDIT_H

#include "letters/dead_letter.h"

enum dead_action { DEAD_REPLAY, DEAD_EDIT, DEAD_PARK, DEAD_DISCARD, DEAD_PURGE };
enum dead_state { DEAD_BEGUN, DEAD_DONE, DEAD_STOPPED, DEAD_FAILED };

struct dead_audit {
    struct doc_head head; /* its id is that of the command, as in x-history */
    int action;           /* enum dead_action */
    int state;            /* enum dead_state */
    struct str by;
    struct str domain;      /* "*": all */
    struct str message_id;  /* of one letter; absent for a group */
    struct str new_id;      /* of an edited copy */
    struct str fingerprint; /* of the group, or of the one letter */
    struct str reason;      /* why letters were discarded; why the command failed */
    struct str before;      /* body before an edit, secrets masked */
    struct str after;       /* body after it, likewise */
    int64_t count;          /* letters that were moved */
    int64_t left;           /* letters that matched and could not be moved */
};

/* A service that has dead letters names it among its document types. */
extern const struct doc_type dead_audit_type;

/* Inserts the record, with the id of the command, its operator and the time. */
MUST_CHECK enum outcome dead_audit_begin(struct dead_office *office, struct dead_audit *audit,
                                         struct err *err);
/* Replaces the record; the caller sets state, counts and reason first. */
MUST_CHECK enum outcome dead_audit_end(struct dead_office *office, struct dead_audit *audit,
                                       struct err *err);

#endif
