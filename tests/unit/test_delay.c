/* The way of a message through the delays: exact to the unit, whatever the delay, and never short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"

#define UNITS_MAX (DELAY_MAX_MS / DELAY_UNIT_MS)
#define HOME      "t.notes"

static struct arena arena;

static void assert_route(int64_t ms, const char *exchange, const char *routing_key)
{
    const struct delay_route route = delay_route(&arena, STR("t"), STR(HOME), ms);
    if (!str_eq(route.exchange, str_of(exchange)) ||
        !str_eq(route.routing_key, str_of(routing_key)))
        fail_msg("%lld ms: %.*s %.*s", (long long)ms, STR_FMT(route.exchange),
                 STR_FMT(route.routing_key));
}

void test_delay__the_key_is_the_delay_in_bits_and_the_queue(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    assert_route(100, "t.delay.00", "1." HOME);
    assert_route(200, "t.delay.01", "0.1." HOME);
    assert_route(300, "t.delay.01", "1.1." HOME);
    assert_route(1000, "t.delay.03", "0.1.0.1." HOME);
    assert_route(1300, "t.delay.03", "1.0.1.1." HOME);
    /* Rounded up: a message may be late, never early. */
    assert_route(1, "t.delay.00", "1." HOME);
    assert_route(99, "t.delay.00", "1." HOME);
    assert_route(101, "t.delay.01", "0.1." HOME);
    arena_release(&arena);
}

/* --- through the broker in memory ----------------------------------------------------------------- */

static size_t at_home(struct lane_case *c)
{
    return bus_fake_depth(c->bus, STR(HOME));
}

/* Sent on its way, it is in the delays until the last millisecond, and then at home. */
static void sit_out(struct lane_case *c, int64_t units)
{
    const int64_t ms = units * DELAY_UNIT_MS;
    const struct delay_route route = delay_route(&c->arena, STR("t"), STR(HOME), ms);
    assert_true(bus_fake_send(c->bus, &(struct bus_message){.exchange = route.exchange,
                                                            .routing_key = route.routing_key}));
    bus_fake_advance(c->bus, ms - 1);
    if (at_home(c) != 0)
        fail_msg("%lld units: early", (long long)units);
    bus_fake_advance(c->bus, 1);
    if (at_home(c) != 1 || delayed(c) != 0)
        fail_msg("%lld units: %zu at home, %zu in the delays", (long long)units, at_home(c),
                 delayed(c));
    delivery_free(bus_fake_take(c->bus, STR(HOME)));
}

void test_delay__every_delay_is_exact(void **state)
{
    (void)state;
    static struct lane_case c;
    lane_case_open(&c);
    for (int64_t units = 1; units <= 300; units++)
        sit_out(&c, units);
    for (int level = 8; level < DELAY_LEVELS; level++)
        for (int64_t around = -2; around <= 2; around++)
            sit_out(&c, (1LL << level) + around);
    sit_out(&c, UNITS_MAX);
    sit_out(&c, UNITS_MAX + UNITS_MAX / 5);
    sit_out(&c, (1LL << DELAY_LEVELS) - 1);
    lane_case_close(&c);
}

/* A short delay is not held up by a long one that waits already. */
void test_delay__who_waits_long_is_in_nobodys_way(void **state)
{
    (void)state;
    static struct lane_case c;
    lane_case_open(&c);
    const struct delay_route month = delay_route(&c.arena, STR("t"), STR(HOME), DELAY_MAX_MS);
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = month.exchange,
                                                           .routing_key = month.routing_key}));
    const struct delay_route second = delay_route(&c.arena, STR("t"), STR(HOME), 1000);
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = second.exchange,
                                                           .routing_key = second.routing_key}));
    bus_fake_advance(c.bus, 1000);
    assert_int_equal(at_home(&c), 1);
    assert_int_equal(delayed(&c), 1);
    lane_case_close(&c);
}

/* Its domain was taken out of the shop while it waited. */
void test_delay__who_has_no_home_any_more_is_not_lost(void **state)
{
    (void)state;
    static struct lane_case c;
    lane_case_open(&c);
    const struct delay_route route = delay_route(&c.arena, STR("t"), STR("t.gone"), 100);
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = route.exchange,
                                                           .routing_key = route.routing_key}));
    bus_fake_advance(c.bus, 100);
    assert_int_equal(bus_fake_depth(c.bus, STR("t.unknown")), 1);
    lane_case_close(&c);
}

/* --- jitter --------------------------------------------------------------------------------------- */

static const int64_t plan[] = {1, 99, 100, 400, 500, 1000, 10000, 60000, 600000, DELAY_MAX_MS};

void test_delay__jitter_never_shortens_and_adds_a_fifth_at_most(void **state)
{
    (void)state;
    static const uint64_t ends[] = {0, 1, 2, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(plan); i++)
        for (uint64_t n = 0; n < 1000; n++) {
            const uint64_t chance = n < COUNT(ends) ? ends[n] : n * 0x9e3779b97f4a7c15u;
            const int64_t ms = delay_with_jitter(plan[i], chance);
            const int64_t rounded = (plan[i] + DELAY_UNIT_MS - 1) / DELAY_UNIT_MS * DELAY_UNIT_MS;
            if (ms < plan[i] || ms > rounded + rounded / 5 || ms % DELAY_UNIT_MS)
                fail_msg("%lld ms became %lld", (long long)plan[i], (long long)ms);
        }
}

/* Both ends are met, and nothing is met far more often than the rest. */
void test_delay__jitter_spreads(void **state)
{
    (void)state;
    int met[21] = {0};
    for (uint64_t n = 0; n < 21000; n++)
        met[(delay_with_jitter(10000, n * 0x9e3779b97f4a7c15u) - 10000) / DELAY_UNIT_MS]++;
    for (size_t i = 0; i < COUNT(met); i++)
        assert_in_range(met[i], 800, 1200);
}
