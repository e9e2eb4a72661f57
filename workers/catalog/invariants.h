/* invariants.h - what must always hold of the catalog. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_INVARIANTS_H
#define CARTWRIGHT_WORKERS_CATALOG_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant products_invariant;

#endif
