/* invariants.h - what must always hold of notifications. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_INVARIANTS_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_INVARIANTS_H

#include "checker/invariant.h"

extern const struct invariant inboxes_invariant;

#endif
