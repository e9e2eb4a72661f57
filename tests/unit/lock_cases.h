/* lock_cases.h - what lock.h promises, as cases that run on the fake and on a real Redis alike, so
 * that the fake cannot drift away from what it stands for. Include after cmocka.h. */
#ifndef CARTWRIGHT_TESTS_LOCK_CASES_H
#define CARTWRIGHT_TESTS_LOCK_CASES_H

#include "lock/lock.h"

struct lock_world {
    struct lock *lock;
    void (*wait)(struct lock_world *world, int64_t ms); /* lets that much time pass */
    void (*wipe)(struct lock_world *world);             /* FLUSHALL */
    struct arena arena;
    struct err err;
};

#define LEASE_MS             2000
#define ASSERT_DONE(outcome) assert_string_equal(outcome_name(outcome), "done")

static const uint8_t anna[LOCK_OWNER_BYTES] = "anna...........";
static const uint8_t bert[LOCK_OWNER_BYTES] = "bert..\0........"; /* owners are bytes */

static inline bool takes(struct lock_world *world, const uint8_t *owner, struct str key,
                         int64_t ttl_ms)
{
    bool granted = false;
    ASSERT_DONE(lock_take(world->lock, &key, 1, owner, ttl_ms, &granted, &world->err));
    return granted;
}

static inline void releases(struct lock_world *world, const uint8_t *owner, struct str key)
{
    ASSERT_DONE(lock_release(world->lock, &key, 1, owner, &world->err));
}

static inline void case_excludes_others(struct lock_world *world)
{
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
    assert_true(takes(world, anna, STR("k"), LEASE_MS)); /* the holder renews */
    assert_false(takes(world, bert, STR("k"), LEASE_MS));
    assert_false(takes(world, anna, STR("k"), LEASE_MS)); /* but not while somebody waits */
    assert_false(takes(world, bert, STR("k"), LEASE_MS)); /* and holds it all the same */
    releases(world, anna, STR("k"));
    assert_true(takes(world, bert, STR("k"), LEASE_MS));
}

static inline void case_grants_what_it_can(struct lock_world *world)
{
    const struct str keys[] = {STR("a"), STR("b"), STR("c"), STR("b")};
    bool granted[4] = {false};
    assert_true(takes(world, bert, STR("b"), LEASE_MS));
    ASSERT_DONE(lock_take(world->lock, keys, 4, anna, LEASE_MS, granted, &world->err));
    assert_true(granted[0] && !granted[1] && granted[2] && !granted[3]);
    assert_false(takes(world, bert, STR("a"), LEASE_MS));
}

static inline void case_lease_ends_by_itself(struct lock_world *world)
{
    assert_true(takes(world, anna, STR("k"), 50));
    world->wait(world, 100);
    assert_true(takes(world, bert, STR("k"), LEASE_MS));
    releases(world, anna, STR("k")); /* too late: it is bert's */
    assert_false(takes(world, anna, STR("k"), LEASE_MS));
}

static inline void case_release_leaves_others_alone(struct lock_world *world)
{
    const struct str keys[] = {STR("mine"), STR("his"), STR("nobody's")};
    assert_true(takes(world, anna, keys[0], LEASE_MS));
    assert_true(takes(world, bert, keys[1], LEASE_MS));
    ASSERT_DONE(lock_release(world->lock, keys, 3, anna, &world->err));
    assert_true(takes(world, bert, keys[0], LEASE_MS));
    assert_false(takes(world, anna, keys[1], LEASE_MS));
}

/* Two lanes that want one key all the time take turns. */
static inline void case_alternates(struct lock_world *world)
{
    const uint8_t *holder = anna, *other = bert;
    assert_true(takes(world, holder, STR("hot"), LEASE_MS));
    for (int turn = 0; turn < 6; turn++) {
        assert_false(takes(world, other, STR("hot"), LEASE_MS));
        releases(world, holder, STR("hot"));
        assert_false(takes(world, holder, STR("hot"), LEASE_MS)); /* not its turn */
        assert_true(takes(world, other, STR("hot"), LEASE_MS));
        const uint8_t *next = holder;
        holder = other;
        other = next;
    }
}

/* A waiter that never comes back does not keep the key free for ever. */
static inline void case_forgets_a_lost_waiter(struct lock_world *world)
{
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
    assert_false(takes(world, bert, STR("k"), LEASE_MS));
    releases(world, anna, STR("k"));
    assert_false(takes(world, anna, STR("k"), LEASE_MS));
    world->wait(world, 150);
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
}

static inline void case_takes_very_many(struct lock_world *world)
{
    enum { MANY = 1500 };
    struct str keys[MANY];
    bool granted[MANY];
    for (int i = 0; i < MANY; i++)
        keys[i] = str_printf(&world->arena, "key-%d", i);
    assert_true(takes(world, bert, keys[1400], LEASE_MS));
    ASSERT_DONE(lock_take(world->lock, keys, MANY, anna, LEASE_MS, granted, &world->err));
    for (int i = 0; i < MANY; i++)
        assert_int_equal(granted[i], i != 1400);
    ASSERT_DONE(lock_release(world->lock, keys, MANY, anna, &world->err));
    assert_true(takes(world, bert, keys[1499], LEASE_MS));
}

static inline void case_lists_leases(struct lock_world *world)
{
    struct held_lock *held;
    size_t count = 9;
    ASSERT_DONE(lock_leases(world->lock, &world->arena, 10, &held, &count, &world->err));
    assert_int_equal(count, 0);
    assert_true(takes(world, anna, STR("a:b"), LEASE_MS));
    assert_true(takes(world, bert, STR("c"), 2 * LEASE_MS));
    assert_false(takes(world, anna, STR("c"), LEASE_MS)); /* who waits holds nothing */
    ASSERT_DONE(lock_leases(world->lock, &world->arena, 10, &held, &count, &world->err));
    assert_int_equal(count, 2);
    const size_t first = str_eq(held[0].key, STR("a:b")) ? 0 : 1;
    assert_true(str_eq(held[first].key, STR("a:b")) && str_eq(held[1 - first].key, STR("c")));
    assert_true(held[first].ttl_ms > 0 && held[first].ttl_ms <= LEASE_MS);
    assert_true(held[1 - first].ttl_ms > LEASE_MS && held[1 - first].ttl_ms <= 2 * LEASE_MS);
    ASSERT_DONE(lock_leases(world->lock, &world->arena, 1, &held, &count, &world->err));
    assert_int_equal(count, 1);
    ASSERT_DONE(lock_leases(world->lock, &world->arena, 0, &held, &count, &world->err));
    assert_int_equal(count, 0);
}

static inline void case_empty_calls_are_done(struct lock_world *world)
{
    ASSERT_DONE(lock_take(world->lock, NULL, 0, anna, LEASE_MS, NULL, &world->err));
    ASSERT_DONE(lock_release(world->lock, NULL, 0, anna, &world->err));
    ASSERT_DONE(cache_get(world->lock, &world->arena, NULL, 0, &world->err));
    ASSERT_DONE(cache_put(world->lock, NULL, 0, 1000, &world->err));
    ASSERT_DONE(cache_invalidate(world->lock, NULL, 0, &world->err));
    ASSERT_DONE(rate_take(world->lock, NULL, 0, &world->err));
}

/* --- stamps ------------------------------------------------------------------------------------- */

static inline uint64_t stamp_seen(struct lock_world *world, struct str key)
{
    struct lock_stamp stamp = {.key = key};
    ASSERT_DONE(
        lock_take_stamped(world->lock, NULL, 0, anna, LEASE_MS, NULL, &stamp, 1, &world->err));
    return stamp.value;
}

static inline void case_stamps_stand_until_taken_away(struct lock_world *world)
{
    const struct str ann = STR("ann");
    const uint64_t first = stamp_seen(world, ann);
    const uint64_t bob = stamp_seen(world, STR("bob"));
    assert_true(first != bob);
    assert_true(stamp_seen(world, ann) == first);
    ASSERT_DONE(lock_unstamp(world->lock, &ann, 1, &world->err));
    assert_true(stamp_seen(world, ann) != first);
    assert_true(stamp_seen(world, STR("bob")) == bob);
    world->wipe(world);
    assert_true(stamp_seen(world, STR("bob")) != bob);
}

/* With the leases, in one call; a name that comes twice has one stamp. */
static inline void case_stamps_come_with_leases(struct lock_world *world)
{
    enum { MANY = 700 };
    const struct str keys[] = {STR("a"), STR("b")};
    struct lock_stamp stamps[MANY];
    bool granted[2] = {true, false};
    assert_true(takes(world, bert, keys[0], LEASE_MS));
    for (int i = 0; i < MANY; i++)
        stamps[i].key = str_printf(&world->arena, "user-%d", i / 2);
    ASSERT_DONE(lock_take_stamped(world->lock, keys, 2, anna, LEASE_MS, granted, stamps, MANY,
                                  &world->err));
    assert_true(!granted[0] && granted[1]);
    for (int i = 0; i < MANY; i += 2)
        assert_true(stamps[i].value == stamps[i + 1].value);
    assert_true(stamps[0].value != stamps[2].value);
    assert_true(stamp_seen(world, STR("user-349")) == stamps[MANY - 1].value);
}

/* --- cache -------------------------------------------------------------------------------------- */

static inline struct cache_item looked_up(struct lock_world *world, struct str tag, struct str key)
{
    struct cache_item item = {.tag = tag, .key = key};
    ASSERT_DONE(cache_get(world->lock, &world->arena, &item, 1, &world->err));
    return item;
}

/* The generation of a tag exists from the second look on. */
static inline struct cache_item missed(struct lock_world *world, struct str tag, struct str key)
{
    (void)looked_up(world, tag, key);
    const struct cache_item item = looked_up(world, tag, key);
    assert_null(item.value.ptr);
    assert_true(item.generation != 0);
    return item;
}

static inline void kept(struct lock_world *world, struct cache_item item, struct str value)
{
    item.value = value;
    ASSERT_DONE(cache_put(world->lock, &item, 1, LEASE_MS, &world->err));
}

static inline void assert_cached(struct lock_world *world, struct str tag, struct str key,
                                 struct str value)
{
    const struct cache_item item = looked_up(world, tag, key);
    assert_int_equal(str_is_absent(item.value), str_is_absent(value));
    assert_true(str_eq(item.value, value));
}

static inline void case_cache_keeps_values(struct lock_world *world)
{
    const struct str bytes = {"a\0b\r\n%s", 7};
    kept(world, missed(world, STR("t"), STR("k 1")), bytes);
    kept(world, missed(world, STR("t"), STR("empty")), STR(""));
    kept(world, missed(world, STR("u"), STR("k 1")), STR("other tag"));
    assert_cached(world, STR("t"), STR("k 1"), bytes);
    assert_cached(world, STR("t"), STR("empty"), STR(""));
    assert_cached(world, STR("u"), STR("k 1"), STR("other tag"));
    assert_cached(world, STR("t"), STR("k"), STR_ABSENT);
}

static inline void case_cache_invalidates_a_tag(struct lock_world *world)
{
    const struct str tags[] = {STR("t"), STR("x")};
    kept(world, missed(world, STR("t"), STR("k")), STR("old"));
    kept(world, missed(world, STR("u"), STR("k")), STR("stays"));
    ASSERT_DONE(cache_invalidate(world->lock, tags, 2, &world->err));
    assert_cached(world, STR("t"), STR("k"), STR_ABSENT);
    assert_cached(world, STR("u"), STR("k"), STR("stays"));
    kept(world, looked_up(world, STR("t"), STR("k")), STR("new"));
    assert_cached(world, STR("t"), STR("k"), STR("new"));
}

/* Read, then invalidated by somebody else, then put: never to be seen. */
static inline void case_cache_refuses_a_late_put(struct lock_world *world)
{
    const struct str tag = STR("t");
    const struct cache_item item = missed(world, tag, STR("k"));
    ASSERT_DONE(cache_invalidate(world->lock, &tag, 1, &world->err));
    kept(world, item, STR("computed before"));
    assert_cached(world, tag, STR("k"), STR_ABSENT);
}

/* The same with a FLUSHALL between, after which a counter would start again. */
static inline void case_cache_survives_a_wipe(struct lock_world *world)
{
    const struct str tag = STR("t");
    const struct cache_item item = missed(world, tag, STR("k"));
    world->wipe(world);
    kept(world, item, STR("computed before"));
    assert_cached(world, tag, STR("k"), STR_ABSENT);
    kept(world, missed(world, tag, STR("k")), STR("new"));
    assert_cached(world, tag, STR("k"), STR("new"));
}

static inline void case_cache_entries_end(struct lock_world *world)
{
    struct cache_item item = missed(world, STR("t"), STR("k"));
    item.value = STR("short");
    ASSERT_DONE(cache_put(world->lock, &item, 1, 50, &world->err));
    world->wait(world, 100);
    assert_cached(world, STR("t"), STR("k"), STR_ABSENT);
}

/* --- rate limits -------------------------------------------------------------------------------- */

static inline struct rate_limit asked(struct lock_world *world, struct str key, int64_t burst,
                                      int64_t period_ms, enum rate_use use)
{
    struct rate_limit limit = {.key = key, .burst = burst, .period_ms = period_ms, .use = use};
    ASSERT_DONE(rate_take(world->lock, &limit, 1, &world->err));
    return limit;
}

static inline void case_rate_allows_a_burst(struct lock_world *world)
{
    for (int i = 0; i < 3; i++)
        assert_true(asked(world, STR("k"), 3, 60000, RATE_TAKE).allowed);
    const struct rate_limit limit = asked(world, STR("k"), 3, 60000, RATE_TAKE);
    assert_false(limit.allowed);
    assert_in_range(limit.wait_ms, 50000, 60000);
    assert_true(asked(world, STR("other"), 3, 60000, RATE_TAKE).allowed);
}

static inline void case_rate_lets_one_through_per_period(struct lock_world *world)
{
    for (int i = 0; i < 2; i++)
        assert_true(asked(world, STR("k"), 2, 400, RATE_TAKE).allowed);
    assert_false(asked(world, STR("k"), 2, 400, RATE_TAKE).allowed);
    world->wait(world, 450);
    assert_true(asked(world, STR("k"), 2, 400, RATE_TAKE).allowed);
    assert_false(asked(world, STR("k"), 2, 400, RATE_TAKE).allowed);
}

static inline void case_rate_peek_counts_nothing(struct lock_world *world)
{
    for (int i = 0; i < 5; i++) {
        const struct rate_limit limit = asked(world, STR("k"), 1, 60000, RATE_PEEK);
        assert_true(limit.allowed);
        assert_int_equal(limit.wait_ms, 0);
    }
    assert_true(asked(world, STR("k"), 1, 60000, RATE_TAKE).allowed);
    assert_false(asked(world, STR("k"), 1, 60000, RATE_PEEK).allowed);
}

static inline void case_rate_gives_back(struct lock_world *world)
{
    assert_true(asked(world, STR("k"), 1, 60000, RATE_TAKE).allowed);
    assert_false(asked(world, STR("k"), 1, 60000, RATE_PEEK).allowed);
    asked(world, STR("k"), 1, 60000, RATE_GIVE_BACK);
    assert_true(asked(world, STR("k"), 1, 60000, RATE_TAKE).allowed);
    assert_false(asked(world, STR("k"), 1, 60000, RATE_TAKE).allowed);
    /* More than was taken cannot be given back. */
    for (int i = 0; i < 3; i++)
        asked(world, STR("other"), 1, 60000, RATE_GIVE_BACK);
    assert_true(asked(world, STR("other"), 1, 60000, RATE_TAKE).allowed);
    assert_false(asked(world, STR("other"), 1, 60000, RATE_TAKE).allowed);
}

/* A batch may hold a hundred guesses at one account. */
static inline void case_rate_counts_repeats_in_one_call(struct lock_world *world)
{
    struct rate_limit limits[5];
    for (int i = 0; i < 5; i++)
        limits[i] = (struct rate_limit){
            .key = i == 2 ? STR("other") : STR("k"), .burst = 2, .period_ms = 60000};
    ASSERT_DONE(rate_take(world->lock, limits, 5, &world->err));
    assert_true(limits[0].allowed && limits[1].allowed && limits[2].allowed);
    assert_false(limits[3].allowed || limits[4].allowed);
    assert_int_equal(limits[0].wait_ms, 0);
    assert_in_range(limits[1].wait_ms, 59000, 60000);
}

#endif
