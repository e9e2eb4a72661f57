/* rehearse.h - what a message would do, without doing it.
 *
 * The message goes the way of every message (admission, locks, documents, handler), and its
 * writes go to the database in a transaction that is aborted, so guards and unique indexes are
 * really asked. Two things are not undone: a used token of a rate limit, and pages that were put
 * into the cache because they were loaded. A handler that ends the process ends this one:
 * rehearse in a child process. */
#ifndef CARTWRIGHT_ENGINE_REHEARSE_H
#define CARTWRIGHT_ENGINE_REHEARSE_H

#include "engine/lane.h"

struct rehearsed_change {
    const struct doc_type *type;
    struct str id;
    const void *before; /* NULL: the document would be new */
    const void *after;  /* NULL: it would be deleted */
};

struct rehearsal {
    /* DONE, REFUSED or INVALID: `body` would be the reply. Any other:
     * `err` says why there is none. */
    enum outcome outcome;
    bool repeated; /* carried out before: would be answered from the journal */
    int status;
    struct str body; /* body of the reply */
    struct err err;
    const struct rehearsed_change *changes;
    size_t change_count;
    const struct journal_event *events; /* the events that would be published */
    size_t event_count;
};

/* `lane` needs no bus. Everything in *out lives until the lane's next message. RETRY: a
 * server is away. When the database says no, that is an outcome of the rehearsal. The
 * caller keeps the delivery. */
MUST_CHECK enum outcome rehearse(struct lane *lane, struct delivery *delivery,
                                 struct rehearsal *out, struct err *err);

#endif
