/* invariants.h - what must always hold of carts. */
#ifndef CARTWRIGHT_WORKERS_CART_INVARIANTS_H
#define CARTWRIGHT_WORKERS_CART_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant carts_invariant;

#endif
