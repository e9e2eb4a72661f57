/* check.h - verifies what must always hold of everything that is stored: the shop's invariants
 * (service.invariants) and the engine's own.
 *
 * It only reads, through store.h and lock.h, and memory is bounded: what does not fit is gone
 * through in several passes. The shop may be at work meanwhile. There is no snapshot that lasts for
 * minutes, so documents are read at different moments; why there is no false alarm all the same:
 *
 *   - Documents are never changed without their version, and whatever belongs together is written in
 *     one transaction. Only what a majority has is read.
 *   - Claims are read before their proofs. A stock at version 7 was written together with its seventh
 *     movement: whoever then goes through the ledger finds seven movements or has found a fault.
 *     Movements beyond the seventh are no fault if the stock, read again, has moved on.
 *   - A disagreement is a suspicion. Claim and proofs are read anew, and only what disagrees again is
 *     reported. Where the proofs may change themselves, the claim is read before and after (a double
 *     collect): the finding counts if it had the same version both times.
 *
 * What a busy shop never lets stand still long enough is left out, not guessed: check a quiet shop,
 * too, now and then. */
#ifndef CARTWRIGHT_CHECKER_CHECK_H
#define CARTWRIGHT_CHECKER_CHECK_H

#include "lock/lock.h"
#include "service/operation.h"
#include "store/store.h"

/* The smallest set that offends: what is wrong, with the figures of both sides. */
struct finding {
    const char *invariant;
    struct str subject; /* "stock MUG": collection and id */
    struct str text;
};

struct check_options {
    struct store *store;
    struct lock *lock; /* NULL: leases are not looked at */
    const struct service *service;
    bool quiesced;     /* nothing is under way: the outbox must be empty, no lease held */
    size_t memory_max; /* bytes for the tables of one pass; 0: 64 MiB */
    /* The finding's texts live until it returns. */
    void (*found)(void *context, const struct finding *finding);
    /* Now and then, with the documents that this invariant has read. May be NULL. */
    void (*progress)(void *context, const char *invariant, int64_t documents);
    void *context;
};

struct check_totals {
    int64_t documents, findings;
};

/* DONE when everything was looked at, whatever was found. Otherwise the totals are those so far. */
MUST_CHECK enum outcome check_run(const struct check_options *options, struct check_totals *totals,
                                  struct err *err);

#endif
