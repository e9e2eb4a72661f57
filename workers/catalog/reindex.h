/* reindex.h - the keys of products that were stored by a release without them, or with others. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_REINDEX_H
#define CARTWRIGHT_WORKERS_CATALOG_REINDEX_H

#include "store/store.h"

struct reindex {
    int64_t seen;
    int64_t written;
};

/* Goes through all products and writes those whose keys (search.h) are not what their texts say, some
 * hundred in a transaction, beside workers that go on. Safe to repeat, and to stop at any time: what
 * is done is not done again. A product that is written gets its next version, and no event. *done
 * counts on also when it fails; `progress` is called after each part. */
MUST_CHECK enum outcome products_reindex(struct store *store,
                                         void (*progress)(const struct reindex *so_far),
                                         struct reindex *done, struct err *err);

#endif
