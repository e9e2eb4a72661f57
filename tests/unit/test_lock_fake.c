/* The fake keeps the promises of lock.h, and fails when told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/lock_fake.h"
#include "lock_cases.h"

static void wait_fake(struct lock_world *world, int64_t ms)
{
    lock_fake_advance(world->lock, ms);
}

static void wipe_fake(struct lock_world *world)
{
    lock_fake_wipe(world->lock);
}

static void on_fake(void (*run)(struct lock_world *world))
{
    struct lock_world world = {.lock = lock_fake_open(), .wait = wait_fake, .wipe = wipe_fake};
    arena_init(&world.arena, 4096);
    run(&world);
    arena_release(&world.arena);
    lock_close(world.lock);
}

void test_lock_fake__excludes_others(void **state)
{
    (void)state;
    on_fake(case_excludes_others);
}

void test_lock_fake__grants_what_it_can(void **state)
{
    (void)state;
    on_fake(case_grants_what_it_can);
}

void test_lock_fake__lease_ends_by_itself(void **state)
{
    (void)state;
    on_fake(case_lease_ends_by_itself);
}

void test_lock_fake__release_leaves_others_alone(void **state)
{
    (void)state;
    on_fake(case_release_leaves_others_alone);
}

void test_lock_fake__alternates(void **state)
{
    (void)state;
    on_fake(case_alternates);
}

void test_lock_fake__forgets_a_lost_waiter(void **state)
{
    (void)state;
    on_fake(case_forgets_a_lost_waiter);
}

void test_lock_fake__takes_very_many(void **state)
{
    (void)state;
    on_fake(case_takes_very_many);
}

void test_lock_fake__stamps_stand_until_taken_away(void **state)
{
    (void)state;
    on_fake(case_stamps_stand_until_taken_away);
}

void test_lock_fake__stamps_come_with_leases(void **state)
{
    (void)state;
    on_fake(case_stamps_come_with_leases);
}

void test_lock_fake__lists_leases(void **state)
{
    (void)state;
    on_fake(case_lists_leases);
}

void test_lock_fake__empty_calls_are_done(void **state)
{
    (void)state;
    on_fake(case_empty_calls_are_done);
}

void test_lock_fake__cache_keeps_values(void **state)
{
    (void)state;
    on_fake(case_cache_keeps_values);
}

void test_lock_fake__cache_invalidates_a_tag(void **state)
{
    (void)state;
    on_fake(case_cache_invalidates_a_tag);
}

void test_lock_fake__cache_refuses_a_late_put(void **state)
{
    (void)state;
    on_fake(case_cache_refuses_a_late_put);
}

void test_lock_fake__cache_survives_a_wipe(void **state)
{
    (void)state;
    on_fake(case_cache_survives_a_wipe);
}

void test_lock_fake__cache_entries_end(void **state)
{
    (void)state;
    on_fake(case_cache_entries_end);
}

void test_lock_fake__rate_allows_a_burst(void **state)
{
    (void)state;
    on_fake(case_rate_allows_a_burst);
}

void test_lock_fake__rate_lets_one_through_per_period(void **state)
{
    (void)state;
    on_fake(case_rate_lets_one_through_per_period);
}

void test_lock_fake__rate_gives_back(void **state)
{
    (void)state;
    on_fake(case_rate_gives_back);
}

void test_lock_fake__rate_peek_counts_nothing(void **state)
{
    (void)state;
    on_fake(case_rate_peek_counts_nothing);
}

void test_lock_fake__rate_counts_repeats_in_one_call(void **state)
{
    (void)state;
    on_fake(case_rate_counts_repeats_in_one_call);
}

static void fails_while_down(struct lock_world *world)
{
    const struct str key = STR("k");
    struct cache_item item = {.tag = key, .key = key};
    struct rate_limit limit = {.key = key, .burst = 1, .period_ms = 1000};
    struct err *err = &world->err;
    bool granted = true;
    lock_fake_set_down(world->lock, true);
    assert_int_equal(lock_ping(world->lock, err), OUTCOME_RETRY);
    assert_int_equal(lock_take(world->lock, &key, 1, anna, LEASE_MS, &granted, err), OUTCOME_RETRY);
    assert_int_equal(lock_release(world->lock, &key, 1, anna, err), OUTCOME_RETRY);
    assert_int_equal(cache_get(world->lock, &world->arena, &item, 1, err), OUTCOME_RETRY);
    assert_int_equal(cache_put(world->lock, &item, 1, LEASE_MS, err), OUTCOME_RETRY);
    assert_int_equal(cache_invalidate(world->lock, &key, 1, err), OUTCOME_RETRY);
    assert_int_equal(rate_take(world->lock, &limit, 1, err), OUTCOME_RETRY);
    lock_fake_set_down(world->lock, false);
    ASSERT_DONE(lock_ping(world->lock, err));
    assert_true(takes(world, bert, key, LEASE_MS));
}

void test_lock_fake__fails_while_down(void **state)
{
    (void)state;
    on_fake(fails_while_down);
}

static void counts_leases(struct lock_world *world)
{
    lock_fake_hold(world->lock, STR("k"), 500);
    assert_false(takes(world, anna, STR("k"), LEASE_MS));
    assert_true(takes(world, anna, STR("mine"), LEASE_MS));
    assert_int_equal(lock_fake_held(world->lock), 2);
    lock_fake_advance(world->lock, 1000);
    assert_int_equal(lock_fake_held(world->lock), 1);
}

void test_lock_fake__counts_leases(void **state)
{
    (void)state;
    on_fake(counts_leases);
}
