/* lock.c - passes each call on to the implementation behind it; an empty call needs no server. */
#include "lock/lock_ops.h"

#include <stdlib.h>

#include "base/id.h"

void lock_close(struct lock *lock)
{
    if (!lock)
        return;
    free(lock->local);
    lock->ops->close(lock);
}

enum outcome lock_ping(struct lock *lock, struct err *err)
{
    return lock->ops->ping(lock, err);
}

enum outcome lock_take(struct lock *lock, const struct str *keys, size_t count,
                       const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                       struct err *err)
{
    return lock_take_stamped(lock, keys, count, owner, ttl_ms, granted, NULL, 0, err);
}

enum outcome lock_take_stamped(struct lock *lock, const struct str *keys, size_t count,
                               const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                               struct lock_stamp *stamps, size_t stamp_count, struct err *err)
{
    if (count == 0 && stamp_count == 0)
        return OUTCOME_DONE;
    return lock->ops->take(lock, keys, count, owner, ttl_ms, granted, stamps, stamp_count, err);
}

enum outcome lock_unstamp(struct lock *lock, const struct str *keys, size_t count, struct err *err)
{
    return count ? lock->ops->unstamp(lock, keys, count, err) : OUTCOME_DONE;
}

enum outcome lock_release(struct lock *lock, const struct str *keys, size_t count,
                          const uint8_t owner[LOCK_OWNER_BYTES], struct err *err)
{
    return count ? lock->ops->release(lock, keys, count, owner, err) : OUTCOME_DONE;
}

enum outcome lock_leases(struct lock *lock, struct arena *arena, size_t max, struct held_lock **out,
                         size_t *out_count, struct err *err)
{
    *out_count = 0;
    return max ? lock->ops->leases(lock, arena, max, out, out_count, err) : OUTCOME_DONE;
}

enum outcome cache_get(struct lock *lock, struct arena *arena, struct cache_item *items,
                       size_t count, struct err *err)
{
    return count ? lock->ops->cache_get(lock, arena, items, count, err) : OUTCOME_DONE;
}

enum outcome cache_put(struct lock *lock, const struct cache_item *items, size_t count,
                       int64_t ttl_ms, struct err *err)
{
    return count ? lock->ops->cache_put(lock, items, count, ttl_ms, err) : OUTCOME_DONE;
}

enum outcome cache_invalidate(struct lock *lock, const struct str *tags, size_t count,
                              struct err *err)
{
    return count ? lock->ops->cache_invalidate(lock, tags, count, err) : OUTCOME_DONE;
}

enum outcome rate_take(struct lock *lock, struct rate_limit *limits, size_t count, struct err *err)
{
    if (count == 0)
        return OUTCOME_DONE;
    const enum outcome outcome = lock->ops->rate_take(lock, limits, count, err);
    if (outcome != OUTCOME_DONE)
        rate_local_take(&lock->local, limits, count, lock->ops->now_ms(lock));
    return outcome;
}

int64_t lock_new_generation(void)
{
    int64_t generation = 0;
    while (generation == 0) {
        random_bytes(&generation, sizeof(generation));
        generation &= INT64_MAX;
    }
    return generation;
}
