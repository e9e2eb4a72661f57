/* lock_fake.h - leases, stamps, cache and rate limits in memory, for tests. Time stands still until
 * the test moves it. Two lanes may share one fake. */
#ifndef CARTWRIGHT_TESTS_FAKES_LOCK_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_LOCK_FAKE_H

#include "lock/lock.h"

struct lock *lock_fake_open(void);
void lock_fake_advance(struct lock *lock, int64_t ms);
/* While down, every call fails with OUTCOME_RETRY. */
void lock_fake_set_down(struct lock *lock, bool down);
/* The next `count` invalidations fail with OUTCOME_RETRY. */
void lock_fake_refuse_invalidations(struct lock *lock, int count);
/* Forgets everything, as a FLUSHALL would. */
void lock_fake_wipe(struct lock *lock);
/* Lets another owner hold the key for ttl_ms; for ever when ttl_ms is negative. */
void lock_fake_hold(struct lock *lock, struct str key, int64_t ttl_ms);
size_t lock_fake_held(const struct lock *lock);
bool lock_fake_is_held(const struct lock *lock, struct str key);

#endif
