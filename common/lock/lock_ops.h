/* lock_ops.h - what an implementation of lock.h provides. Private to this room and to the tests,
 * which have implementations of their own.
 *
 * The struct of an implementation begins with a `struct lock`. Counts are never 0 here (in `take`,
 * never both of them), because lock.c answers empty calls itself. */
#ifndef CARTWRIGHT_LOCK_LOCK_OPS_H
#define CARTWRIGHT_LOCK_LOCK_OPS_H

#include "lock/lock.h"
#include "lock/rate_local.h"

struct lock_ops {
    void (*close)(struct lock *lock);
    enum outcome (*ping)(struct lock *lock, struct err *err);
    enum outcome (*take)(struct lock *lock, const struct str *keys, size_t count,
                         const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                         struct lock_stamp *stamps, size_t stamp_count, struct err *err);
    enum outcome (*unstamp)(struct lock *lock, const struct str *keys, size_t count,
                            struct err *err);
    enum outcome (*release)(struct lock *lock, const struct str *keys, size_t count,
                            const uint8_t owner[LOCK_OWNER_BYTES], struct err *err);
    enum outcome (*leases)(struct lock *lock, struct arena *arena, size_t max,
                           struct held_lock **out, size_t *out_count, struct err *err);
    enum outcome (*cache_get)(struct lock *lock, struct arena *arena, struct cache_item *items,
                              size_t count, struct err *err);
    enum outcome (*cache_put)(struct lock *lock, const struct cache_item *items, size_t count,
                              int64_t ttl_ms, struct err *err);
    enum outcome (*cache_invalidate)(struct lock *lock, const struct str *tags, size_t count,
                                     struct err *err);
    enum outcome (*rate_take)(struct lock *lock, struct rate_limit *limits, size_t count,
                              struct err *err);
    int64_t (*now_ms)(const struct lock *lock); /* for limits without a server; never goes back */
};

struct lock {
    const struct lock_ops *ops;
    struct rate_local *local; /* NULL until it is needed */
};

/* How long an owner that was refused a key stays next in line without asking again: longer than the
 * pause between two batches of a lane, and short enough not to matter when that lane has died. */
#define LOCK_WAITER_TTL_MS 100

/* A stamp that nobody removes expires after this time. */
#define LOCK_STAMP_TTL_MS 3600000

/* A new generation: random, never 0. */
int64_t lock_new_generation(void);

#endif
