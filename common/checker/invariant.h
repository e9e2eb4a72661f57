/* invariant.h - what the function of an invariant can do: go through documents, join them with what
 * proves them, and tell what is wrong.
 *
 * Documents live until the cursor that gave them moves on to its next page; one cursor at a time. */
#ifndef CARTWRIGHT_CHECKER_INVARIANT_H
#define CARTWRIGHT_CHECKER_INVARIANT_H

#include <inttypes.h>

#include "checker/check.h"
#include "service/ledger.h"
#include "store/store.h"

struct check;

struct invariant {
    const char *name;    /* "stock" */
    const char *summary; /* one line: what must hold */
    enum outcome (*verify)(struct check *check, struct err *err);
};

bool check_is_quiesced(const struct check *check);
/* How many findings this invariant has so far: after some, a long explanation helps nobody. */
int64_t check_findings(const struct check *check);
/* A finding about a document; counts it and hands it on. */
void check_found(struct check *check, const char *collection, struct str id, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* --- going through all documents of a type -------------------------------------------------------- */

struct check_cursor {
    struct check *check;
    const struct doc_type *type;
    struct doc_list page;
    size_t next;
    struct str after;
    bool ended;
};

/* From behind the id `after`; absent: from the start. */
struct check_cursor check_cursor(struct check *check, const struct doc_type *type,
                                 struct str after);
/* *doc is NULL after the last. */
MUST_CHECK enum outcome check_next(struct check_cursor *cursor, const void **doc, struct err *err);
/* True when the next check_next() frees what the cursor gave so far. */
bool check_ends_page(const struct check_cursor *cursor);

/* Documents by their ids, as they are now; they live until the next check_find(). */
MUST_CHECK enum outcome check_find(struct check *check, const struct doc_type *type,
                                   const struct str *ids, size_t count, struct doc_list *out,
                                   struct err *err);
/* One of them; NULL when there is none. */
MUST_CHECK enum outcome check_find_one(struct check *check, const struct doc_type *type,
                                       struct str id, const void **out, struct err *err);
/* The document of a list that has the id, or NULL. */
const void *check_doc_of(const struct doc_list *docs, struct str id);
/* A query's page or count; lives until the next one. */
MUST_CHECK enum outcome check_query(struct check *check, const struct query *query,
                                    struct query_page *out, struct err *err);

/* --- joining subjects with the parts that prove them ------------------------------------------------ */

/* One pass over the parts; what `visit` is given. */
struct join_pass;
/* The row of a subject; NULL when it is not of this pass. */
void *join_row(struct join_pass *pass, struct str subject);

enum join_verdict {
    JOIN_AGREES,
    JOIN_DISAGREES,
    JOIN_NEWER, /* agrees, if the subject has moved on since it was read: covers() is asked */
};

/* A row holds what a subject claims and, after the pass, what the parts say. Rows have a bounded
 * size whatever the number of parts: sums, and sums of digests (below). */
struct join {
    const struct doc_type *subjects;
    const struct doc_type *parts;
    size_t row_size;
    const char *orphans;   /* of parts whose subject is missing: "movements" */
    bool parts_may_change; /* after the subject was read, with a new version of the subject */
    void (*begin)(void *row, const void *subject);
    void (*visit)(struct join_pass *pass, const void *part);
    enum join_verdict (*judge)(const void *row);
    bool (*covers)(const void *row, const void *subject);
    /* Reports what disagreed twice; may go through the parts again. */
    enum outcome (*report)(struct check *check, struct str subject, const void *row,
                           struct err *err);
};

MUST_CHECK enum outcome check_join(struct check *check, const struct join *join, struct err *err);

/* --- digests ----------------------------------------------------------------------------------------- */

/* Mixes a number or a text into a digest. Sums of digests are equal when the same things were
 * summed, in any order, and else differ but for one case in 2^64. */
uint64_t digest_int(uint64_t digest, int64_t value);
uint64_t digest_str(uint64_t digest, struct str text);

#endif
