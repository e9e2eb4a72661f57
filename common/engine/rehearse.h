/* rehearse.h - what a message would do, with nothing done.
 *
 * The message goes the way of every message (admission, locks, documents, handler) and its writes go
 * to the database in a transaction that is aborted: guards and unique indexes are really asked. Not
 * undone are a used token of a rate limit, and pages that were put into the cache because they were
 * loaded. A handler that ends the process ends this one: rehearse in a child. */
#ifndef CARTWRIGHT_ENGINE_REHEARSE_H
#define CARTWRIGHT_ENGINE_REHEARSE_H

#include "engine/lane.h"

struct rehearsed_change {
    const struct doc_type *type;
    struct str id;
    const void *before; /* NULL: it would be made */
    const void *after;
};

struct rehearsal {
    enum outcome
        outcome;   /* DONE, REFUSED, INVALID: there would be this reply; else `err` says why not */
    bool repeated; /* it was carried out before, and would be answered from the journal */
    int status;
    struct str body; /* of the reply */
    struct err err;
    const struct rehearsed_change *changes;
    size_t change_count;
    const struct journal_event *events; /* that would be published */
    size_t event_count;
};

/* `lane` needs no bus. Everything in *out lives until the lane's next message. RETRY: a server is away.
 * A database that says no is an outcome of the rehearsal. */
MUST_CHECK enum outcome rehearse(struct lane *lane, struct delivery *delivery,
                                 struct rehearsal *out, struct err *err);

#endif
