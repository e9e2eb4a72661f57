/* invariants.h - what must always hold of accounts and sessions. */
#ifndef CARTWRIGHT_WORKERS_AUTH_INVARIANTS_H
#define CARTWRIGHT_WORKERS_AUTH_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant sessions_invariant;
extern const struct invariant superadmins_invariant;

#endif
