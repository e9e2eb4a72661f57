/* The delays on a real RabbitMQ: CARTWRIGHT_AMQP_OPERATOR_URI says which. Without it every case is
 * skipped.
 * The prefix is always the same: each run uses the queues that the first one declared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "service/delay.h"
#include "service/names.h"
#include "service/topology.h"

#define WAIT_MS 5000
#define PREFIX  "live-delay"
#define WORK    PREFIX ".work"

static struct arena arena;

#define assert_done(call)                                                                          \
    do {                                                                                           \
        if ((call) != OUTCOME_DONE)                                                                \
            fail_msg("%s", err.text);                                                              \
    } while (0)

/* A service with one domain, whose queue is consumed. */
static struct bus *open_bus(void)
{
    static const char *const no_names[] = {NULL};
    static const struct operation *const no_operations[] = {NULL};
    static const struct domain domain = {
        .name = "work", .prefixes = no_names, .operations = no_operations};
    static const struct domain *const domains[] = {&domain, NULL};
    const struct service service = {.domains = domains};
    const struct engine_settings settings = {.prefix = STR(PREFIX)};
    const char *uri = getenv("CARTWRIGHT_AMQP_OPERATOR_URI");
    struct bus_topology topology;
    struct err err = {0};
    struct bus *bus;
    if (!uri)
        skip();
    arena_init(&arena, 16384);
    assert_done(topology_of(&service, &settings, &arena, &topology, &err));
    assert_done(bus_open(&(struct bus_options){.uri = str_of(uri),
                                               .name = "cartwright live test of delays",
                                               .heartbeat_s = 10,
                                               .timeout_ms = 5000,
                                               .body_max = 1000},
                         &bus, &err));
    assert_done(bus_declare(bus, &topology, &err));
    assert_done(bus_declare(bus, &topology, &err));
    assert_done(bus_consume(bus, &(struct str){WORK, strlen(WORK)}, 1, 100, &err));
    return bus;
}

static void close_bus(struct bus *bus)
{
    bus_close(bus);
    arena_release(&arena);
}

/* BUS_IDLE may come early. */
static struct delivery *next(struct bus *bus)
{
    struct delivery *delivery = NULL;
    const int64_t end_us = clock_monotonic_us() + WAIT_MS * 1000LL;
    while (!delivery && clock_monotonic_us() < end_us)
        if (bus_next(bus, WAIT_MS, &delivery) == BUS_CLOSED)
            fail_msg("closed: %s", bus_lost_reason(bus));
    assert_non_null(delivery);
    return delivery;
}

/* With its delay in the status, of all places: the test wants it back. */
static void send(struct bus *bus, int64_t ms)
{
    const struct bus_header headers[] = {{"x-operation", STR("work.do")},
                                         {"x-caller", STR("sealed")}};
    const struct delay_route route = delay_route(&arena, STR(PREFIX), STR(WORK), ms);
    bus_publish(bus,
                &(struct bus_message){.exchange = route.exchange,
                                      .routing_key = route.routing_key,
                                      .message_id = STR("m-1"),
                                      .correlation_id = STR("c-1"),
                                      .reply_to = STR("back"),
                                      .authorization = STR("Bearer x"),
                                      .body = STR("{}"),
                                      .deadline = 1700000000000,
                                      .attempt = 2,
                                      .status = ms,
                                      .headers = headers,
                                      .header_count = 2,
                                      .mandatory = true},
                1);
}

static void flush(struct bus *bus)
{
    struct err err = {0};
    struct bus_confirm confirm;
    assert_done(bus_flush(bus, &err));
    assert_true(bus_wait_confirms(bus, WAIT_MS));
    assert_true(bus_confirmed(bus, &confirm));
    assert_true(confirm.ok);
}

static void acknowledge(struct bus *bus, struct delivery *delivery)
{
    struct err err = {0};
    bus_ack(bus, delivery, false);
    assert_done(bus_flush(bus, &err));
    delivery_free(delivery);
}

static void assert_unchanged(const struct delivery *delivery)
{
    assert_true(str_eq(delivery->queue, STR(WORK)));
    assert_true(name_is_delay(delivery->exchange, STR(PREFIX)));
    assert_true(str_eq(delivery->message_id, STR("m-1")));
    assert_true(str_eq(delivery->correlation_id, STR("c-1")));
    assert_true(str_eq(delivery->reply_to, STR("back")));
    assert_true(str_eq(delivery->authorization, STR("Bearer x")));
    assert_true(str_eq(delivery->body, STR("{}")));
    assert_true(str_eq(delivery->operation, STR("work.do")));
    assert_true(str_eq(delivery->caller, STR("sealed")));
    assert_int_equal(delivery->deadline, 1700000000000);
    assert_int_equal(delivery->attempt, 2);
    assert_int_equal(delivery->expiration, -1);
    assert_int_equal(delivery->delivery_count, 0);
    assert_false(delivery->redelivered);
}

/* All at once; each in its own time, and none before it. */
void test_delay_live__nothing_comes_early_or_changed(void **state)
{
    (void)state;
    static const int64_t delays[] = {2500, 1300, 100, 700, 200, 1600};
    enum { COUNT = sizeof(delays) / sizeof(delays[0]) };
    struct bus *bus = open_bus();
    const int64_t begin_us = clock_monotonic_us();
    for (size_t i = 0; i < COUNT; i++)
        send(bus, delays[i]);
    flush(bus);
    int64_t last_ms = 0;
    for (size_t i = 0; i < COUNT; i++) {
        struct delivery *delivery = next(bus);
        const int64_t waited_ms = (clock_monotonic_us() - begin_us) / 1000;
        assert_unchanged(delivery);
        if (waited_ms < delivery->status)
            fail_msg("%lld ms instead of %lld", (long long)waited_ms, (long long)delivery->status);
        print_message("a delay of %lld ms took %lld\n", (long long)delivery->status,
                      (long long)waited_ms);
        assert_true(delivery->status > last_ms);
        last_ms = delivery->status;
        acknowledge(bus, delivery);
    }
    close_bus(bus);
}

/* What passes all the lowest levels many times over is never taken for a circle. */
void test_delay_live__round_after_round(void **state)
{
    (void)state;
    enum { ROUNDS = 4 };
    struct bus *bus = open_bus();
    for (int round = 0; round < ROUNDS; round++) {
        send(bus, 300);
        flush(bus);
        struct delivery *delivery = next(bus);
        assert_unchanged(delivery);
        acknowledge(bus, delivery);
    }
    close_bus(bus);
}

/* Those who share a delay keep their order. */
void test_delay_live__neighbours_keep_their_order(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct bus *bus = open_bus();
    const struct delay_route route = delay_route(&arena, STR(PREFIX), STR(WORK), 700);
    for (int i = 1; i <= COUNT; i++)
        bus_publish(bus,
                    &(struct bus_message){.exchange = route.exchange,
                                          .routing_key = route.routing_key,
                                          .body = STR("{}"),
                                          .status = i,
                                          .mandatory = true},
                    1);
    flush(bus);
    for (int i = 1; i <= COUNT; i++) {
        struct delivery *delivery = next(bus);
        assert_int_equal(delivery->status, i);
        acknowledge(bus, delivery);
    }
    close_bus(bus);
}
