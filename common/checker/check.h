/* check.h - verifies what must always hold of everything that is stored: the shop's invariants
 * (those of its domains) and the engine's own.
 *
 * The checker only reads, through store.h and lock.h, and its memory is bounded: what does not fit
 * is gone through in several passes. The shop may be at work meanwhile. There is no snapshot that
 * lasts for minutes, so documents are read at different moments. There are no false alarms all the
 * same, because:
 *
 *   - No document changes without its version, and whatever belongs together is written in one
 *     transaction. Scans read only what a majority of the servers has.
 *   - Claims are read before their proofs. A stock at version 7 was written together with its
 *     seventh movement, so a scan of the ledger after that finds seven movements, or there is a
 *     fault. Movements beyond the seventh are no fault if the stock, read again, has moved on.
 *   - A disagreement is only a suspicion. Claim and proofs are read anew, and only what disagrees
 *     again is reported. Where the proofs themselves may change, the claim is read before and after
 *     them (a double collect), and the finding counts if the claim had the same version both times.
 *
 * What never stands still long enough in a busy shop is left out and not guessed, so a quiet shop
 * should be checked, too, now and then. */
#ifndef CARTWRIGHT_CHECKER_CHECK_H
#define CARTWRIGHT_CHECKER_CHECK_H

#include "lock/lock.h"
#include "service/operation.h"
#include "store/store.h"

/* One violation, about the smallest set of documents that shows it. `text` says what is wrong, with
 * the figures of both sides. */
struct finding {
    const char *invariant;
    struct str subject; /* "stock MUG": collection and id; without an id only the collection */
    struct str text;
};

struct check_options {
    struct store *store;
    struct lock *lock; /* NULL: leases are not looked at */
    const struct service *service;
    bool quiesced;     /* nothing is under way: the outbox must be empty, no lease held */
    size_t memory_max; /* bytes for the tables of one pass; 0: 64 MiB */
    /* Called for each finding, whose texts live until the call returns. */
    void (*found)(void *context, const struct finding *finding);
    /* Called now and then, with the number of documents read for this invariant. May be NULL. */
    void (*progress)(void *context, const char *invariant, int64_t documents);
    void *context;
};

struct check_totals {
    int64_t documents, findings;
};

/* Blocks until everything is checked, which may take minutes. DONE when everything was looked at,
 * whatever was found; after any other outcome the totals are those up to the error. */
MUST_CHECK enum outcome check_run(const struct check_options *options, struct check_totals *totals,
                                  struct err *err);

#endif
