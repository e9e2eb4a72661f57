/* ledger.h - append-only ledgers: how documents came to be what they are.
 *
 * Handlers append entries (job_append), which are written in the transaction of their cause. All
 * entries of one ledger in one commit form one document, a page, so a ledger costs one insert per
 * batch, however much is appended. Entries of a refused message leave no trace. Pages are never
 * changed, and nothing reads them while requests are served. */
#ifndef CARTWRIGHT_SERVICE_LEDGER_H
#define CARTWRIGHT_SERVICE_LEDGER_H

#include "base/fields.h"
#include "store/store.h"

/* The most entries of one page; further entries go to another page. 10,000 entries of 200 bytes are
 * 2 MB, far below the largest document that MongoDB allows. */
#define LEDGER_PAGE_MAX 10000

struct ledger_page {
    struct doc_head head;    /* the first page of a commit has the id of its journal entry */
    struct any_list entries; /* in the order in which they were appended */
};

/* The complete field table of a ledger's doc_type. */
#define LEDGER_FIELDS(entry_shape)                                                                 \
    DOC_FIELDS(struct ledger_page, FIELD_ID),                                                      \
    {                                                                                              \
        .name = "entries", .kind = FIELD_LIST, .offset = offsetof(struct ledger_page, entries),    \
        .shape = (entry_shape)                                                                     \
    }

/* Returns the i-th entry of a page, which the page owns. */
const void *ledger_entry(const struct doc_type *ledger, const struct ledger_page *page, size_t i);

#endif
