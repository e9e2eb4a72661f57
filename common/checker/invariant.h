/* invariant.h - what the function of an invariant can do: go through documents, join them with the
 * documents that prove them, and report what is wrong.
 *
 * A document of a cursor lives until the cursor moves on to its next page. Only one cursor can be
 * in use at a time. */
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
    /* Instead of verify(), where each document is looked at for itself: all of `type` are visited. */
    const struct doc_type *type;
    void (*visit)(struct check *check, const void *doc);
};

bool check_is_quiesced(const struct check *check);
/* How many findings the present invariant has so far. After some of them, a long explanation of the
 * next one helps nobody. */
int64_t check_findings(const struct check *check);
/* Reports and counts a finding about a document, or about the collection when `id` is empty. The
 * text is cut off at 1023 bytes. */
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

/* Begins behind the id `after`, which must live until the first page is read, or at the start when
 * `after` is absent. Ends any earlier cursor. */
struct check_cursor check_cursor(struct check *check, const struct doc_type *type,
                                 struct str after);
/* *doc is NULL after the last document. Documents that cannot be read are left out. */
MUST_CHECK enum outcome check_next(struct check_cursor *cursor, const void **doc, struct err *err);
/* True at the end of a page: the next check_next() frees the documents that the cursor gave. */
bool check_ends_page(const struct check_cursor *cursor);

/* Loads documents by their ids, as they are now; they live until the next check_find(). Documents
 * that cannot be read are left out. */
MUST_CHECK enum outcome check_find(struct check *check, const struct doc_type *type,
                                   const struct str *ids, size_t count, struct doc_list *out,
                                   struct err *err);
/* Loads one document with check_find(); *out is NULL when there is none. */
MUST_CHECK enum outcome check_find_one(struct check *check, const struct doc_type *type,
                                       struct str id, const void **out, struct err *err);
/* The document with this id in a list, or NULL. */
const void *check_doc_of(const struct doc_list *docs, struct str id);
/* Runs a query; its page lives until the next check_query(). */
MUST_CHECK enum outcome check_query(struct check *check, const struct query *query,
                                    struct query_page *out, struct err *err);

/* --- joining subjects with the parts that prove them ------------------------------------------------ */

/* One pass over the parts, from which `visit` gets its rows. */
struct join_pass;
/* The row of a subject, or NULL when the subject is not of interest in this pass. */
void *join_row(struct join_pass *pass, struct str subject);

enum join_verdict {
    JOIN_AGREES,
    JOIN_DISAGREES,
    JOIN_NEWER, /* agrees if the subject has moved on since it was read: covers() decides */
};

/* Joins subjects with the parts that prove them. A row holds what a subject claims and, after the
 * pass, what the parts say. A row has a bounded size however many parts there are: sums, and sums
 * of digests (below). */
struct join {
    const struct doc_type *subjects;
    const struct doc_type *parts;
    size_t row_size;       /* bytes */
    const char *orphans;   /* what parts without a subject are called in a finding: "movements" */
    bool parts_may_change; /* parts change, too, but only together with their subject's version */
    /* Notes in a zeroed row what the subject claims. */
    void (*begin)(void *row, const void *subject);
    /* Adds what a part says to the rows of its subjects (join_row). */
    void (*visit)(struct join_pass *pass, const void *part);
    enum join_verdict (*judge)(const void *row);
    /* Whether the subject, read anew, has moved on as far as its parts. NULL if judge() never
     * returns JOIN_NEWER. */
    bool (*covers)(const void *row, const void *subject);
    /* Reports a subject that disagreed twice; may go through the parts again. */
    enum outcome (*report)(struct check *check, struct str subject, const void *row,
                           struct err *err);
};

/* Goes through all subjects and parts, more than once when the rows do not fit into memory. */
MUST_CHECK enum outcome check_join(struct check *check, const struct join *join, struct err *err);

/* --- digests ----------------------------------------------------------------------------------------- */

/* Both mix a value into a digest and return the new digest. Sums of digests are equal when the same
 * things were summed, in any order; otherwise they differ except in one case of 2^64. */
uint64_t digest_int(uint64_t digest, int64_t value);
uint64_t digest_str(uint64_t digest, struct str text);

#endif
