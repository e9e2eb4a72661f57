/* rate_local.h - rate limits in a process's memory, for when Redis fails. Private to this room.
 *
 * The number of buckets is fixed: under a flood of keys, a new key replaces the bucket that would
 * be full again first, among the few whose place it may take. */
#ifndef CARTWRIGHT_LOCK_RATE_LOCAL_H
#define CARTWRIGHT_LOCK_RATE_LOCAL_H

#include "lock/lock.h"

struct rate_local;

/* Applies one use to a bucket, by the rules of the script in lock_scripts.c. *at is the bucket's
 * theoretical arrival time; `now` is in ms, of any clock that does not go back. */
void rate_apply(struct rate_limit *limit, int64_t *at, int64_t now);

/* Applies each limit in turn. Allocates *local when it is NULL; the caller frees it with free(). */
void rate_local_take(struct rate_local **local, struct rate_limit *limits, size_t count,
                     int64_t now);

#endif
