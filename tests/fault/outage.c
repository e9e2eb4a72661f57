/* outage.c - a server is away for longer than a moment while thousands of messages wait: nothing is
 * delayed, nothing is put aside, and no delivery is spent that need not be. And what waits in the
 * delays survives the broker. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "service/delay.h"
#include "service/names.h"

#define SHOPPERS                                                                                   \
    2500 /* lanes do not meet in a cart: one would stand aside, which costs a delivery */
#define GOODS     10
#define WAITING   10000
#define HELD_MAX  1024 /* two lanes of config/ci.yaml serve carts and hold 512 each */
#define SHORT_MS  5000
#define FROZEN_MS 10000 /* the driver gives a new connection 5 s */
#define LONG_MS   60000
#define STEP_MS   100
#define PUMP      200 /* messages between two looks at the connection */
/* Ten thousand messages that were sent again would be a second storm on a slow machine: with their
 * first copies in other lanes' hands, and with replies on a connection that was given up. */
#define PATIENT_US 30000000

struct outage {
    const char *down, *up; /* what is done to mongod */
    int64_t ms;
    int deliveries; /* of any message at most */
};

struct crowd {
    struct fault *fault;
    struct sender sender;
    struct shopper shoppers[SHOPPERS];
    struct good *goods[GOODS];
};

static struct crowd *crowd_of(struct fault *fault)
{
    struct crowd *crowd = ARENA_NEW(&fault->arena, struct crowd);
    crowd->fault = fault;
    sender_init(&crowd->sender, fault);
    crowd->sender.resend_us = PATIENT_US;
    for (size_t i = 0; i < SHOPPERS; i++)
        crowd->shoppers[i] = fixtures_shopper(&fault->fixtures, CUSTOMER);
    for (size_t i = 0; i < GOODS; i++)
        crowd->goods[i] = world_good(fault, WAITING);
    fixtures_write(&fault->fixtures);
    return crowd;
}

/* Somebody who knows of the outage: the connection is served, and nothing is sent again. */
static void wait_on(struct sender *sender, int64_t ms)
{
    const int64_t end_us = clock_monotonic_us() + ms * 1000;
    do {
        sender->silent_since_us = clock_monotonic_us();
        sender_next(sender, ms < STEP_MS ? (int)ms : STEP_MS);
    } while (clock_monotonic_us() < end_us);
}

static void send_all(struct crowd *crowd)
{
    struct fault *fault = crowd->fault;
    for (size_t i = 0; i < WAITING; i++) {
        const struct str body = str_printf(&fault->arena, "{\"productId\":\"%.*s\",\"quantity\":1}",
                                           STR_FMT(crowd->goods[i % GOODS]->id));
        sender_send(&crowd->sender,
                    history_add(fault, "cart.item.add", body, &crowd->shoppers[i % SHOPPERS]));
        if (i % PUMP == 0)
            wait_on(&crowd->sender, 0);
    }
}

/* While it lasts: all of it waits in its queue, but for what the lanes hold. */
static void check_waiting(struct fault *fault)
{
    int64_t dead, others;
    spy_depths(fault, &dead, &others);
    if (others < WAITING - HELD_MAX)
        fault_fail(fault, "%" PRId64 " messages wait instead of %d", others, WAITING);
    if (workers_logged(fault, "stopped taking messages") == 0)
        fault_fail(fault, "no lane has noticed the outage");
}

static void check_untouched(struct fault *fault, int deliveries)
{
    static const char *const marks[] = {"message postponed", "message buried"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (workers_logged(fault, marks[i]))
            fault_fail(fault, "%d times: %s", workers_logged(fault, marks[i]), marks[i]);
    for (int count = deliveries + 1; count < deliveries + 10; count++) {
        char text[32];
        snprintf(text, sizeof(text), "\"deliveries\":%d,", count);
        if (workers_logged(fault, text))
            fault_fail(fault, "%d messages were delivered %d times", workers_logged(fault, text),
                       count);
    }
    for (size_t i = 0; i < fault->history.count; i++)
        if (!call_has(fault->history.items[i], "ok"))
            fault_fail(fault, "refused: %.*s", STR_FMT(fault->history.items[i]->reply));
}

static void receive_all(struct sender *sender)
{
    const int64_t begin_us = clock_monotonic_us();
    const int64_t end_us = begin_us + COMES_BACK_S * 1000000LL;
    while (!sender_next(sender, STEP_MS) && clock_monotonic_us() < end_us)
        continue;
    const int64_t first_us = clock_monotonic_us();
    sender_finish(sender);
    printf("    first answer %.1f s after the end of the outage, all after %.1f s\n",
           (double)(first_us - begin_us) / 1e6, (double)(clock_monotonic_us() - begin_us) / 1e6);
}

static void run_outage(struct fault *fault, const struct outage *outage)
{
    struct crowd *crowd = crowd_of(fault);
    wait_on(&crowd->sender, 0);
    if (!servers_do(outage->down, "mongod"))
        fault_fail(fault, "mongod: %s failed", outage->down);
    const int64_t end_us = clock_monotonic_us() + outage->ms * 1000;
    send_all(crowd);
    while (clock_monotonic_us() < end_us)
        wait_on(&crowd->sender, STEP_MS);
    check_waiting(fault);
    if (!servers_do(outage->up, "mongod"))
        fault_fail(fault, "mongod: %s failed", outage->up);
    receive_all(&crowd->sender);
    check_untouched(fault, outage->deliveries);
    sender_release(&crowd->sender);
}

static void mongod_away(struct fault *fault)
{
    run_outage(fault, &(struct outage){"kill", "start", SHORT_MS, 1});
}

static void mongod_long_away(struct fault *fault)
{
    run_outage(fault, &(struct outage){"kill", "start", LONG_MS, 1});
}

/* With workers who were told this from the environment. */
static void start_workers_with(struct fault *fault, const char *variable, const char *value)
{
    workers_stop(fault);
    setenv(variable, value, 1);
    workers_start(fault, 1, NULL);
    unsetenv(variable);
}

/* It takes what it is asked and says nothing. The broker may lose patience with a lane that waits for
 * an answer, once. */
static void mongod_frozen(struct fault *fault)
{
    start_workers_with(fault, "CARTWRIGHT_MONGODB_TIMEOUT", "1s");
    run_outage(fault, &(struct outage){"pause", "resume", FROZEN_MS, 2});
}

static void mongod_long_frozen(struct fault *fault)
{
    run_outage(fault, &(struct outage){"pause", "resume", LONG_MS, 2});
}

/* Longer than the broker would lend messages: they go back once. */
static void handed_back(struct fault *fault)
{
    start_workers_with(fault, "CARTWRIGHT_AMQP_CONSUMER_TIMEOUT", "2s");
    run_outage(fault, &(struct outage){"kill", "start", SHORT_MS, 2});
    if (workers_logged(fault, "the outage lasts") == 0)
        fault_fail(fault, "no lane has handed anything back");
}

/* --- what waits in the delays ----------------------------------------------------------------------- */

#define LATE_QUEUE FAULT_PREFIX ".late"

static const int64_t late_ms[] = {100, 1300, 2500, 8000, 12700};

#define LATE_COUNT (sizeof(late_ms) / sizeof(late_ms[0]))

static void declare_late(struct fault *fault, struct bus *bus)
{
    const struct bus_binding binding = {
        name_delay_end(&fault->arena, fault->settings->engine.prefix),
        delay_end_pattern(&fault->arena, STR(LATE_QUEUE))};
    const struct bus_queue queue = {
        .name = STR(LATE_QUEUE), .bindings = &binding, .binding_count = 1};
    struct err err = {0};
    if (bus_declare(bus, &(struct bus_topology){.queues = &queue, .queue_count = 1}, &err) !=
        OUTCOME_DONE)
        fault_die("declaring a queue", &err);
    /* A quorum queue that is younger may come back without a leader. */
    fault_sleep_ms(1500);
}

static void send_late(struct fault *fault, struct bus *bus)
{
    struct err err = {0};
    for (size_t i = 0; i < LATE_COUNT; i++) {
        const struct delay_route route =
            delay_route(&fault->arena, fault->settings->engine.prefix, STR(LATE_QUEUE), late_ms[i]);
        bus_publish(bus,
                    &(struct bus_message){.exchange = route.exchange,
                                          .routing_key = route.routing_key,
                                          .body = STR("{}"),
                                          .message_id = str_printf(&fault->arena, "late-%zu", i),
                                          .status = late_ms[i],
                                          .mandatory = true},
                    1);
    }
    if (bus_flush(bus, &err) != OUTCOME_DONE || !bus_wait_confirms(bus, COMES_BACK_S * 1000))
        fault_die("sending into the delays", &err);
}

struct late {
    struct fault *fault;
    int64_t sent_us;
    bool came[LATE_COUNT];
};

static void take_late(void *context, const struct delivery *delivery)
{
    struct late *late = context;
    const int64_t waited_ms = (clock_monotonic_us() - late->sent_us) / 1000;
    printf("    a delay of %" PRId64 " ms took %" PRId64 "\n", delivery->status, waited_ms);
    if (waited_ms < delivery->status)
        fault_fail(late->fault, "a delay of %" PRId64 " ms took %" PRId64, delivery->status,
                   waited_ms);
    for (size_t i = 0; i < LATE_COUNT; i++)
        late->came[i] |= delivery->status == late_ms[i];
}

static size_t count_late(const struct late *late)
{
    size_t count = 0;
    for (size_t i = 0; i < LATE_COUNT; i++)
        count += late->came[i];
    return count;
}

/* The broker is killed while they wait, and its clock goes on. */
static void delays_survive(struct fault *fault)
{
    struct late late = {.fault = fault};
    struct bus *bus = spy_open_bus(fault);
    declare_late(fault, bus);
    late.sent_us = clock_monotonic_us();
    send_late(fault, bus);
    bus_close(bus);
    if (!servers_do("kill", "rabbitmq") || !servers_do("start", "rabbitmq"))
        fault_fail(fault, "the broker was not restarted");
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    while (count_late(&late) < LATE_COUNT && clock_monotonic_us() < end_us)
        spy_take_all(fault, STR(LATE_QUEUE), take_late, &late);
    if (count_late(&late) < LATE_COUNT)
        fault_fail(fault, "%zu of %zu messages are lost in the delays",
                   LATE_COUNT - count_late(&late), LATE_COUNT);
}

const struct fault_test outage_tests[] = {
    {.name = "outage_mongod", .run = mongod_away, .server = "mongod"},
    {.name = "outage_mongod_frozen", .run = mongod_frozen, .server = "mongod"},
    {.name = "outage_handed_back", .run = handed_back, .server = "mongod"},
    {.name = "outage_delays_survive", .run = delays_survive, .server = "rabbitmq"},
    {.name = "outage_minute_mongod", .run = mongod_long_away, .server = "mongod", .is_long = true},
    {.name = "outage_minute_mongod_frozen",
     .run = mongod_long_frozen,
     .server = "mongod",
     .is_long = true},
    {0},
};
