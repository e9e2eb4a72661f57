/* sweep.h - goes through all documents of a collection and brings those up to date that another release
 * has stored. */
#ifndef CARTWRIGHT_WORKERS_SWEEP_H
#define CARTWRIGHT_WORKERS_SWEEP_H

#include "store/store.h"

#define SWEEP_PART 200

struct swept {
    int64_t seen;
    int64_t written;
};

/* Some documents, as copies that may be changed; `changed` says which were. */
struct sweep_part {
    struct store *store;
    struct arena *arena; /* until the part is done */
    void *docs[SWEEP_PART];
    size_t count;
    bool changed[SWEEP_PART];
};

struct sweep {
    const struct doc_type *type;
    /* Brings a part up to date. May read; is called again when one of its documents, or what a unique
     * index holds, has changed meanwhile. */
    enum outcome (*renew)(struct sweep_part *part, void *context, struct err *err);
    void *context;
    void (*progress)(const struct swept *so_far); /* after each part */
};

/* A part is one transaction, beside workers that go on. Safe to repeat, and to stop at any time: what
 * is done is not done again. A document that is written gets its next version, and no event; one that
 * cannot be read is passed over. *done counts on also when it fails. BUG when so many ids are of another
 * kind than the type's that the next part cannot be found. */
MUST_CHECK enum outcome sweep_run(struct store *store, const struct sweep *sweep,
                                  struct swept *done, struct err *err);

#endif
