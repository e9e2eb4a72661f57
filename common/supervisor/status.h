/* status.h - the state of a supervisor and its lanes, as a small JSON file.
 *
 * The supervisor writes the whole file under another name and renames it, once a second and at each
 * change, so a reader always sees one consistent state. A reader must not believe a file that
 * outlived its writer: `pid` with `born` (a pid may be used again, but not with the same start) and
 * `aliveMs` say whether it did. */
#ifndef CARTWRIGHT_SUPERVISOR_STATUS_H
#define CARTWRIGHT_SUPERVISOR_STATUS_H

#include "base/arena.h"
#include "base/err.h"
#include "schemas/engine.h"

/* Replaces the file. RETRY when it cannot be written; err says why. */
MUST_CHECK enum outcome status_save(const char *path, const struct status *status,
                                    struct arena *arena, struct err *err);
/* Reads the file into *out, and its whole text into *text, both in the arena. RETRY when it cannot be
 * read, INVALID when it is not the state of a supervisor. */
MUST_CHECK enum outcome status_load(const char *path, struct arena *arena, struct status *out,
                                    struct str *text, struct err *err);
/* When a process began, in ticks since the machine started; -1 when it is gone, or a zombie. */
int64_t process_born(int64_t pid);

#endif
