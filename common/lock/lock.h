/* lock.h - leases, stamps, shared cache and rate limits in Redis.
 *
 * A lease makes conflicts rare; it is never the proof: the proof is the version guard of the write
 * (store.h). So when Redis is away, every function returns OUTCOME_RETRY and the lane goes on
 * without it: slower, never wrong. lock_redis.c implements these functions on Redis,
 * tests/fakes/lock_fake.c implements them in memory for tests. */
#ifndef CARTWRIGHT_LOCK_LOCK_H
#define CARTWRIGHT_LOCK_LOCK_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define LOCK_OWNER_BYTES 16

struct lock_options {
    /* redis://[user:password@]host[:port][/db] or unix:///path; rediss:// for TLS 1.2 or later, for
     * which the server needs a valid certificate that names the host, and to which
     * ?cacertfile=FILE&certfile=FILE&keyfile=FILE may be added (an earlier '?' is written as %3F).
     * Where the client library has no TLS, rediss:// is refused. */
    struct str uri;
    struct str prefix; /* of all keys: "cartwright" */
    int timeout_ms;    /* limit for connecting and for each call, usually 300 */
};

struct lock;

/* OUTCOME_INVALID when the options make no sense (err never shows the password). Only the first
 * call connects, so that an absent server does not keep a lane from starting. The caller closes
 * *out with lock_close. SIGPIPE is ignored from here on in the whole process, because hiredis 0.14
 * writes without MSG_NOSIGNAL. */
MUST_CHECK enum outcome lock_open(const struct lock_options *options, struct lock **out,
                                  struct err *err);
/* NULL is allowed. */
void lock_close(struct lock *lock);
/* OUTCOME_DONE when the server answers. Reconnects if necessary. The other calls reconnect, too,
 * but at most once per second (and less often when an attempt is slow), so that a dead server does
 * not slow down every batch. */
MUST_CHECK enum outcome lock_ping(struct lock *lock, struct err *err);

/* Takes each key that can be had, in one round trip for every 512 keys; granted[i] tells whether
 * keys[i] was taken. A key that this owner holds already is granted again, and its lease is renewed. An owner that is
 * refused a key is next in line for it for a short while, so that the holder can neither keep it
 * for ever nor snatch it back. (A holder that is refused still holds the key until it releases it
 * or the lease ends.) Therefore `owner` belongs to a lane, not to a batch: a deferred message keeps
 * its place in line.
 * ttl_ms: after this time the lease ends by itself. */
MUST_CHECK enum outcome lock_take(struct lock *lock, const struct str *keys, size_t count,
                                  const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms,
                                  bool *granted, struct err *err);

/* A stamp is a random number that is stored under a name until somebody removes it. A lane that
 * gets the same number again knows that nobody has removed it since. Where there is no stamp (it
 * was removed or expired, or the server was emptied), a new one is made at once. So every loss
 * looks like a change. */
struct lock_stamp {
    struct str key;
    uint64_t value; /* filled in */
};

/* Like lock_take, but also fills in the stamps, in the same round trips. Either count may be 0. */
MUST_CHECK enum outcome lock_take_stamped(struct lock *lock, const struct str *keys, size_t count,
                                          const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms,
                                          bool *granted, struct lock_stamp *stamps,
                                          size_t stamp_count, struct err *err);
/* Removes these stamps. */
MUST_CHECK enum outcome lock_unstamp(struct lock *lock, const struct str *keys, size_t count,
                                     struct err *err);
/* Releases those keys that this owner holds (compare and delete), in round trips like lock_take. */
MUST_CHECK enum outcome lock_release(struct lock *lock, const struct str *keys, size_t count,
                                     const uint8_t owner[LOCK_OWNER_BYTES], struct err *err);

struct held_lock {
    struct str key;
    int64_t ttl_ms; /* until it ends; -1: it would never end */
};

/* At most `max` of the leases that are held, in any order and in the arena, for a search for what
 * was left behind. A lease that is taken or ends meanwhile may be there or not. */
MUST_CHECK enum outcome lock_leases(struct lock *lock, struct arena *arena, size_t max,
                                    struct held_lock **out, size_t *out_count, struct err *err);

/* Cache-aside with generations. An entry belongs to a tag ("product"). Invalidating the tag makes
 * all its entries unreachable at once, and an entry computed before an invalidation is never seen
 * after it, because it carries the generation that cache_get had read. Generations are random, not
 * counted: after a FLUSHALL a counter would reach the same numbers again. */
struct cache_item {
    struct str tag;
    struct str key;
    struct str value;   /* filled in by cache_get, absent on a miss; stored by cache_put */
    int64_t generation; /* filled in by cache_get, handed back to cache_put; 0: not stored */
};

/* Takes one round trip for all items (two at the first use of a tag). Values are in the arena. */
MUST_CHECK enum outcome cache_get(struct lock *lock, struct arena *arena, struct cache_item *items,
                                  size_t count, struct err *err);
/* Stores the values of all items that have a generation and a value. */
MUST_CHECK enum outcome cache_put(struct lock *lock, const struct cache_item *items, size_t count,
                                  int64_t ttl_ms, struct err *err);
/* Gives each tag a new generation. */
MUST_CHECK enum outcome cache_invalidate(struct lock *lock, const struct str *tags, size_t count,
                                         struct err *err);

/* A token bucket (GCRA, with the server's clock) allows `burst` uses at once, then one per
 * `period_ms`. Limits with the same key in one call are counted one after the other. */
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
    bool allowed;    /* filled in */
    int64_t wait_ms; /* filled in: until the next use is allowed */
};

/* OUTCOME_RETRY when Redis does not answer. The limits are filled in all the same, from buckets of
 * this process (rate_local.h): each lane then allows as much as all lanes together did before. */
MUST_CHECK enum outcome rate_take(struct lock *lock, struct rate_limit *limits, size_t count,
                                  struct err *err);

#endif
