/* rate_local.h - rate limits in the memory of a process, for when Redis refuses; private to this room.
 *
 * A fixed number of buckets: under a flood of keys the one that would be full again first makes room. */
#ifndef CARTWRIGHT_LOCK_RATE_LOCAL_H
#define CARTWRIGHT_LOCK_RATE_LOCAL_H

#include "lock/lock.h"

struct rate_local;

/* One use of a bucket, by the rules of the script in lock_scripts.c. *at is its theoretical arrival
 * time; now in ms, of any clock that does not go back. */
void rate_apply(struct rate_limit *limit, int64_t *at, int64_t now);

/* Made when *local is NULL. */
void rate_local_take(struct rate_local **local, struct rate_limit *limits, size_t count,
                     int64_t now);

#endif
