/* paging.h - lists in parts: a "Page of X" by its number, with totals, or the part
 * behind a cursor. */
#ifndef CARTWRIGHT_WORKERS_PAGING_H
#define CARTWRIGHT_WORKERS_PAGING_H

#include "engine/job.h"
#include "schemas/common.h"

#define PAGE_LIMIT_DEFAULT 20
#define PAGE_LIMIT_WHOLE   1000 /* items at most, when no part of a short list is asked for */

/* The part of a list that a request asks for, from its members of these names. */
struct paging_wish {
    struct opt_int page;
    struct opt_int limit;
    struct str cursor; /* absent: by page; empty: from the start */
};

#define PAGING_WISH(request)                                                                       \
    ((struct paging_wish){(request)->page, (request)->limit, (request)->cursor})

/* Narrows `query`, which already has its terms and sorts, to the part that is wished for, and
 * begins *out. INVALID with VALIDATION_FAILED when both a page and a cursor are given, with
 * BAD_CURSOR when the cursor is not one of this query. */
MUST_CHECK enum outcome paging_ask(struct job *job, struct paging_wish wish, struct query *query,
                                   struct paging *out, struct err *err);
/* The same for lists that are usually short: a request that asks for no part gets the whole list,
 * up to PAGE_LIMIT_WHOLE items. */
MUST_CHECK enum outcome paging_ask_whole(struct job *job, struct paging_wish wish,
                                         struct query *query, struct paging *out, struct err *err);
/* Completes `paging` from what was found; returns how many of the found documents to show. */
size_t paging_take(struct job *job, const struct query *query, const struct query_page *found,
                   struct paging *paging);

#endif
