/* migrate.h - stores documents of older forms in the form of this release, beside workers that go on.
 *
 * A document is of an older form when its generation is older than its type's (store.h), or when it
 * lacks a member that has a fallback. Whoever reads it gets the present form anyway; this is about
 * what is stored, so that a later release need not know the older form any more.
 *
 * A document is written as it is read, with the same version and times, guarded by its version. That
 * loses nothing, whoever is faster:
 * - A command that commits after the reading here moves the version on, so the guard here fails; and
 *   it has stored the present form.
 * - A command that has loaded the document before the writing here, and commits after it, meets the
 *   version that it loaded. The content is the same too, because an upgrade is pure and each reader
 *   makes it: what the command decided on still holds, and what it stores is of the present form. A
 *   command of an older release may bring an older form back; another run finds that.
 * Nor do copies, pages, cursors and events become stale, as they all go by version or content.
 *
 * The order is that of the ids, so a run that was stopped is simply repeated: what is done is read
 * and not written. */
#ifndef CARTWRIGHT_WORKERS_MIGRATE_H
#define CARTWRIGHT_WORKERS_MIGRATE_H

#include "store/store.h"

struct migrated {
    int64_t seen;    /* documents that can be read */
    int64_t older;   /* of them: of an older form */
    int64_t written; /* of them: stored anew by this run */
    int64_t misfits; /* documents that cannot be read */
    int64_t left;    /* of an older form, and cannot be written */
};

struct migration {
    const struct doc_type *type;
    bool dry_run; /* writes nothing */
    int64_t rate; /* at most so many documents are written in a second; 0: no limit */
    /* Told of each document that stays as it is, and why; `id` is absent when it is of another kind
     * than the type's. */
    void (*stays)(void *context, struct str id, struct str why);
    void (*progress)(void *context, const struct migrated *so_far); /* after each part */
    void *context;
};

/* *done is filled also when it fails. RETRY: the server is away. BUG when so many ids are of another
 * kind than the type's that the next part cannot be found. */
MUST_CHECK enum outcome migrate_run(struct store *store, const struct migration *migration,
                                    struct migrated *done, struct err *err);

#endif
