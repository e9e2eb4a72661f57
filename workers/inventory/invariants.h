/* invariants.h - what must always hold of stock. */
#ifndef CARTWRIGHT_WORKERS_INVENTORY_INVARIANTS_H
#define CARTWRIGHT_WORKERS_INVENTORY_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant adjustments_invariant;
extern const struct invariant stock_invariant;

#endif
