/* reindex.h - renews the search keys of products that another release stored without keys or with
 * others. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_REINDEX_H
#define CARTWRIGHT_WORKERS_CATALOG_REINDEX_H

#include "sweep.h"

/* Goes through all products (sweep.h) and writes those whose keys (search.h) are not those of their
 * texts. Outcomes are those of sweep_run(). */
MUST_CHECK enum outcome products_reindex(struct store *store,
                                         void (*progress)(const struct swept *so_far),
                                         struct swept *done, struct err *err);

#endif
