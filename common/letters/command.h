/* command.h - the commands of an operator: dead letters are replayed, discarded, corrected, purged.
 *
 * A command first finds out which letters it means. It is refused with NOT_FOUND when there is
 * none, and with their digests when several letters have the id that it names. Then it writes its
 * record (audit.h) and takes one letter after the other (what that promises: dead_letter.h). */
#ifndef CARTWRIGHT_LETTERS_COMMAND_H
#define CARTWRIGHT_LETTERS_COMMAND_H

#include "letters/audit.h"

struct dead_tally {
    size_t moved;
    size_t left;      /* matched, but cannot be moved */
    struct err first; /* why the first of these cannot */
    bool cut;         /* dead_office.scan_max was reached, so there may be more */
    bool stopped;     /* dead_office.stopping ended the command */
};

struct dead_command {
    struct str domain; /* absent: all */
    struct dead_filter filter;
    size_t limit; /* letters that are moved at most */
    int64_t rate; /* letters a second; 0: no limit */
    struct str reason;
    /* Called after each letter that was moved; may be NULL. */
    void (*progress)(void *context, const struct dead_tally *tally);
    void *context;
};

/* Sends letters again. REFUSED: no letter matches, or several have the id. RETRY: a server is away;
 * when the command is given again it continues where it was. *tally is filled in any case. */
MUST_CHECK enum outcome dead_replay(struct dead_office *office, const struct dead_command *command,
                                    struct dead_tally *tally, struct err *err);
/* Removes letters. Outcomes as of dead_replay(); without a reason REFUSED, *tally not filled. */
MUST_CHECK enum outcome dead_discard(struct dead_office *office, const struct dead_command *command,
                                     struct dead_tally *tally, struct err *err);
/* Removes all letters of the domain: the filter must match any. Outcomes as of dead_replay(). */
MUST_CHECK enum outcome dead_purge(struct dead_office *office, const struct dead_command *command,
                                   struct dead_tally *tally, struct err *err);

struct dead_set {
    struct str pointer, value;
};

/* A new body, or values that are set in the old one. */
struct dead_correction {
    struct str body; /* absent: the old one, changed by `sets` */
    const struct dead_set *sets;
    size_t set_count;
    bool park; /* the copy goes back to the dead letters */
};

/* Replaces the one letter that the command's filter names by a corrected copy. *new_id lives in the
 * arena. INVALID, with fields, when the body breaks the schema of the operation: then nothing was
 * done. REFUSED: there is no such letter, several have the id, or the copy cannot be sent. */
MUST_CHECK enum outcome dead_edit(struct dead_office *office, const struct dead_command *command,
                                  const struct dead_correction *correction, struct arena *arena,
                                  struct str *new_id, struct err *err);

#endif
