/* sweep.h - goes through all documents of a collection and brings up to date those that another
 * release has stored. */
#ifndef CARTWRIGHT_WORKERS_SWEEP_H
#define CARTWRIGHT_WORKERS_SWEEP_H

#include "store/store.h"

#define SWEEP_PART 200 /* documents */

struct swept {
    int64_t seen;
    int64_t written;
};

/* Some documents, as copies that may be changed; `changed` says which copies were. */
struct sweep_part {
    struct store *store;
    struct arena *arena; /* lives until the part is done */
    void *docs[SWEEP_PART];
    size_t count;
    bool changed[SWEEP_PART];
};

struct sweep {
    const struct doc_type *type;
    /* Brings a part up to date. It may read from the store. It is called again, with the part read
     * anew, when a document of the part or an entry of a unique index has changed meanwhile. */
    enum outcome (*renew)(struct sweep_part *part, void *context, struct err *err);
    void *context;
    void (*progress)(const struct swept *so_far); /* after each part */
};

/* Each part is one transaction; workers may go on meanwhile. A sweep may be repeated, and stopped
 * at any time: what is done is not done again. A document that is written gets its next version,
 * but no event is emitted; a document that cannot be read is passed over. *done is filled also when
 * the sweep fails. CONFLICT or UNCERTAIN when the documents of a part keep changing; BUG when so
 * many ids are of another kind than the type's that the next part cannot be found. */
MUST_CHECK enum outcome sweep_run(struct store *store, const struct sweep *sweep,
                                  struct swept *done, struct err *err);

#endif
