/* audit.h - who did what to dead letters: one document per command, which is written before
 * anything is moved and completed when the command ends. A document that still says "begun" belongs
 * to a command that was cut off. A service that has dead letters names dead_audit_type among its
 * document types. */
#ifndef CARTWRIGHT_LETTERS_AUDIT_H
#define CARTWRIGHT_LETTERS_AUDIT_H

#include "letters/dead_letter.h"
#include "schemas/engine.h"

/* Inserts the record, with the id of the command, its operator and the time. */
MUST_CHECK enum outcome dead_audit_begin(struct dead_office *office, struct dead_audit *audit,
                                         struct err *err);
/* Replaces the record; the caller sets state, counts and reason first. */
MUST_CHECK enum outcome dead_audit_end(struct dead_office *office, struct dead_audit *audit,
                                       struct err *err);

#endif
