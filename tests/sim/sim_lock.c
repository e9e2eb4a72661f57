/* sim_lock.c - Redis as a lane sees it: away, slow, forgetful, wrong. */
#include <stdlib.h>

#include "lock/lock_ops.h"
#include "sim/sim.h"

struct sim_lock {
    struct lock lock; /* first */
    struct sim_lane *owner;
    struct lock *real; /* the fake, which all lanes share */
};

static struct sim_lock *sim_of(struct lock *lock)
{
    return (struct sim_lock *)(void *)lock;
}

static enum outcome no_answer(const struct sim_lock *self, struct err *err)
{
    sim_lane_sleep(self->owner, self->owner->sim->schedule.now_us +
                                    sim_between(self->owner->sim, 100, 300 * US_PER_MS));
    return err_retry(err, "Redis does not answer");
}

/* The way there. */
static enum outcome ask(const struct sim_lock *self, const char *place, struct err *err)
{
    sim_touch(self->owner, place);
    return sim_strikes(self->owner->sim, FAULT_LOCK_REFUSES) ? no_answer(self, err) : OUTCOME_DONE;
}

/* The way back. */
static enum outcome answer(const struct sim_lock *self, enum outcome outcome, struct err *err)
{
    sim_touch(self->owner, outcome == OUTCOME_DONE ? "redis answers" : "redis refuses");
    return sim_strikes(self->owner->sim, FAULT_LOCK_ANSWER_LOST) ? no_answer(self, err) : outcome;
}

static enum outcome ping(struct lock *lock, struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis ping", err));
    return answer(self, lock_ping(self->real, err), err);
}

static enum outcome take(struct lock *lock, const struct str *keys, size_t count,
                         const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                         struct lock_stamp *stamps, size_t stamp_count, struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis take", err));
    const enum outcome outcome = lock_take_stamped(self->real, keys, count, owner, ttl_ms, granted,
                                                   stamps, stamp_count, err);
    if (outcome == OUTCOME_DONE && sim_strikes(self->owner->sim, FAULT_LOCK_LIES))
        for (size_t i = 0; i < count; i++)
            granted[i] = true;
    return answer(self, outcome, err);
}

static enum outcome unstamp(struct lock *lock, const struct str *keys, size_t count,
                            struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis unstamp", err));
    return answer(self, lock_unstamp(self->real, keys, count, err), err);
}

static enum outcome release(struct lock *lock, const struct str *keys, size_t count,
                            const uint8_t owner[LOCK_OWNER_BYTES], struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis release", err));
    return answer(self, lock_release(self->real, keys, count, owner, err), err);
}

static enum outcome leases(struct lock *lock, struct arena *arena, size_t max,
                           struct held_lock **out, size_t *count, struct err *err)
{
    return lock_leases(sim_of(lock)->real, arena, max, out, count, err);
}

static enum outcome get(struct lock *lock, struct arena *arena, struct cache_item *items,
                        size_t count, struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis get", err));
    return answer(self, cache_get(self->real, arena, items, count, err), err);
}

static enum outcome put(struct lock *lock, const struct cache_item *items, size_t count,
                        int64_t ttl_ms, struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis put", err));
    return answer(self, cache_put(self->real, items, count, ttl_ms, err), err);
}

static enum outcome invalidate(struct lock *lock, const struct str *tags, size_t count,
                               struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis invalidate", err));
    const bool is_lost = sim_strikes(self->owner->sim, FAULT_INVALIDATION_LOST);
    return answer(self, is_lost ? OUTCOME_DONE : cache_invalidate(self->real, tags, count, err),
                  err);
}

static enum outcome rate(struct lock *lock, struct rate_limit *limits, size_t count,
                         struct err *err)
{
    const struct sim_lock *self = sim_of(lock);
    TRY(ask(self, "redis rate", err));
    return answer(self, rate_take(self->real, limits, count, err), err);
}

static int64_t now_ms(const struct lock *lock)
{
    const struct lock *real = ((const struct sim_lock *)(const void *)lock)->real;
    return real->ops->now_ms(real);
}

static void close_lock(struct lock *lock)
{
    free(lock); /* the fake is the world's */
}

static const struct lock_ops sim_ops = {
    .close = close_lock,
    .ping = ping,
    .take = take,
    .unstamp = unstamp,
    .release = release,
    .leases = leases,
    .cache_get = get,
    .cache_put = put,
    .cache_invalidate = invalidate,
    .rate_take = rate,
    .now_ms = now_ms,
};

struct lock *sim_lock_open(struct sim_lane *owner)
{
    struct sim_lock *self = calloc(1, sizeof(*self));
    if (!self)
        panic("out of memory for a lock");
    *self = (struct sim_lock){{.ops = &sim_ops}, owner, owner->sim->redis};
    return &self->lock;
}
