/* command.h - what an operator commands: dead letters replayed, discarded, corrected, purged.
 *
 * A command first looks which letters it means: none is NOT_FOUND, an id that several letters have is
 * refused with their digests. Then its record is written (audit.h), then it goes to work, one
 * letter after the other (dead_letter.h says what that promises). */
#ifndef CARTWRIGHT_LETTERS_COMMAND_H
#define CARTWRIGHT_LETTERS_COMMAND_H

#include "letters/audit.h"

struct dead_tally {
    size_t moved;
    size_t left;      /* matched, but cannot be replayed */
    struct err first; /* why the first of them cannot */
    bool cut;         /* dead_office.scan_max: there may be more */
    bool stopped;     /* by dead_office.stopping */
};

struct dead_command {
    struct str domain; /* absent: all */
    struct dead_filter filter;
    size_t limit; /* letters to be moved at most */
    int64_t rate; /* letters a second; 0: as fast as it goes */
    struct str reason;
    /* After each letter that was moved; may be NULL. */
    void (*progress)(void *context, const struct dead_tally *tally);
    void *context;
};

/* REFUSED: nothing matches, or too much. RETRY: a server is away; the command may be given again and
 * goes on where it was. *tally is filled in any case. */
MUST_CHECK enum outcome dead_replay(struct dead_office *office, const struct dead_command *command,
                                    struct dead_tally *tally, struct err *err);
/* A reason is needed. */
MUST_CHECK enum outcome dead_discard(struct dead_office *office, const struct dead_command *command,
                                     struct dead_tally *tally, struct err *err);
/* All letters of one domain. */
MUST_CHECK enum outcome dead_purge(struct dead_office *office, const struct dead_command *command,
                                   struct dead_tally *tally, struct err *err);

struct dead_set {
    struct str pointer, value;
};

/* The new body, or what is to be set in the old one. */
struct dead_correction {
    struct str body; /* absent: `sets` */
    const struct dead_set *sets;
    size_t set_count;
    bool park; /* back among the dead letters */
};

/* The command's filter names one letter. *new_id lives in the arena. INVALID, with fields, when the
 * schema of the operation says no: then nothing was done. */
MUST_CHECK enum outcome dead_edit(struct dead_office *office, const struct dead_command *command,
                                  const struct dead_correction *correction, struct arena *arena,
                                  struct str *new_id, struct err *err);

#endif
