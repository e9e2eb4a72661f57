/* invariants.h - what must always hold of orders. */
#ifndef CARTWRIGHT_WORKERS_ORDER_INVARIANTS_H
#define CARTWRIGHT_WORKERS_ORDER_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant order_stock_invariant;
extern const struct invariant orders_invariant;

#endif
