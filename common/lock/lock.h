/* lock.h - leases, stamps, shared cache and rate limits in Redis.
 *
 * A lease makes conflicts rare; it is never the proof: the proof is the version guard of the write
 * (store.h). So when Redis is away every function says OUTCOME_RETRY and the lane goes on without
 * it: slower, never wrong. lock_redis.c is Redis, tests/fakes/lock_fake.c is memory for tests. */
#ifndef CARTWRIGHT_LOCK_LOCK_H
#define CARTWRIGHT_LOCK_LOCK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define LOCK_OWNER_BYTES 16

struct lock_options {
    /* redis://[user:password@]host[:port][/db] or unix:///path; rediss:// for TLS, 1.2 or later, with a
     * good certificate that names the host, and behind it ?cacertfile=FILE&certfile=FILE&keyfile=FILE
     * (a '?' before that as %3F). Where the client library has no TLS it is refused. */
    struct str uri;
    struct str prefix; /* of all keys: "cartwright" */
    int timeout_ms;    /* of connecting and of each call: 300 */
};

struct lock;

/* INVALID when the options make no sense (the text never shows the password). Connects at the first
 * call, so that an absent server does not keep a lane from starting. SIGPIPE is ignored from here
 * on, process-wide: hiredis 0.14 writes without MSG_NOSIGNAL. */
MUST_CHECK enum outcome lock_open(const struct lock_options *options, struct lock **out,
                                  struct err *err);
void lock_close(struct lock *lock);
/* DONE when the server answers; reconnects if need be. The other calls reconnect too, at most once
 * per second (and less often when an attempt is slow), so that a dead server costs nothing per
 * batch. */
MUST_CHECK enum outcome lock_ping(struct lock *lock, struct err *err);

/* Takes each key that can be had, in one round trip; granted[i] says which. A key held by this very
 * owner is granted again and its lease renewed. Fair: who was refused a key is next in line for it
 * for a short while, so that the holder can neither keep it for ever nor snatch it back (refused, it
 * holds the key all the same until it gives it back). Therefore `owner` belongs to a lane, not to a
 * batch: a deferred message keeps its place in line.
 * ttl_ms: after this time the lease ends by itself. */
MUST_CHECK enum outcome lock_take(struct lock *lock, const struct str *keys, size_t count,
                                  const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms,
                                  bool *granted, struct err *err);

/* A stamp is a random number that stands under a name until somebody takes it away. Who is told the
 * same one again knows that nobody did since; where there is none (it was taken away, ended, or the
 * server was emptied) a new one is made at once. So every loss looks like a change. */
struct lock_stamp {
    struct str key;
    uint64_t value; /* filled */
};

/* lock_take, and the stamps as they are, in the same round trip. Of both there may be none. */
MUST_CHECK enum outcome lock_take_stamped(struct lock *lock, const struct str *keys, size_t count,
                                          const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms,
                                          bool *granted, struct lock_stamp *stamps,
                                          size_t stamp_count, struct err *err);
/* Takes these stamps away. */
MUST_CHECK enum outcome lock_unstamp(struct lock *lock, const struct str *keys, size_t count,
                                     struct err *err);
/* Compare-and-delete of each key, in one round trip; keys of others are left alone. */
MUST_CHECK enum outcome lock_release(struct lock *lock, const struct str *keys, size_t count,
                                     const uint8_t owner[LOCK_OWNER_BYTES], struct err *err);

struct held_lock {
    struct str key;
    int64_t ttl_ms; /* -1: it would never end */
};

/* For whoever looks for what was left behind: at most `max` of the leases that are held, in any
 * order. One that is taken or ends meanwhile may be there or not. */
MUST_CHECK enum outcome lock_leases(struct lock *lock, struct arena *arena, size_t max,
                                    struct held_lock **out, size_t *out_count, struct err *err);

/* Cache-aside with generations: an entry belongs to a tag ("product"); invalidating the tag makes
 * all its entries unreachable at once, and an entry computed before an invalidation is never seen
 * after it, because it carries the generation that cache_get had read. Generations are random, not
 * counted: after a FLUSHALL a counter would come to the same numbers again. */
struct cache_item {
    struct str tag;
    struct str key;
    struct str value;   /* filled by cache_get: absent on a miss. Given to cache_put */
    int64_t generation; /* filled by cache_get, handed back to cache_put; 0: do not keep */
};

/* One round trip for all items (two at the first use of a tag). */
MUST_CHECK enum outcome cache_get(struct lock *lock, struct arena *arena, struct cache_item *items,
                                  size_t count, struct err *err);
MUST_CHECK enum outcome cache_put(struct lock *lock, const struct cache_item *items, size_t count,
                                  int64_t ttl_ms, struct err *err);
MUST_CHECK enum outcome cache_invalidate(struct lock *lock, const struct str *tags, size_t count,
                                         struct err *err);

/* A token bucket (GCRA, with the server's clock): `burst` at once, then one per `period_ms`. Limits
 * with the same key in one call are counted one after the other. */
enum rate_use {
    RATE_TAKE,      /* count one use, if it is allowed */
    RATE_PEEK,      /* only ask, count nothing */
    RATE_GIVE_BACK, /* uncount one use that was taken before */
};

struct rate_limit {
    struct str key;
    int64_t burst;
    int64_t period_ms;
    enum rate_use use;
    bool allowed;    /* filled */
    int64_t wait_ms; /* filled: until the next one is allowed */
};

/* RETRY when Redis does not answer; the limits are filled all the same, from buckets of this process
 * (rate_local.h): each lane then allows as much as all of them together did. */
MUST_CHECK enum outcome rate_take(struct lock *lock, struct rate_limit *limits, size_t count,
                                  struct err *err);

#endif
