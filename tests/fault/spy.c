/* spy.c - what is in the queues: a spy that every event and notification reaches, the dead letters,
 * and how full the others are. */
#include "base/clock.h"
#include "fault/fault.h"
#include "service/connections.h"
#include "service/names.h"
#include "service/topology.h"

#define SPY_QUEUE    FAULT_PREFIX ".subscriber.spy"
#define SPY_REPLIES  FAULT_PREFIX ".reply.spy"
#define CLEAR_TRIES  50
#define SPY_PREFETCH 2000
#define SPY_WAIT_US  200000
#define SPY_BODY_MAX ((size_t)1024 * 1024)
#define DEAD_WORD    ".dead."
#define RETRY_MS     200

struct str spy_queue(void)
{
    return STR(SPY_QUEUE);
}

struct str spy_replies(void)
{
    return STR(SPY_REPLIES);
}

struct bus *spy_open_bus(struct fault *fault)
{
    struct bus_options options = operator_options_of(&fault->settings->engine, "fault spy");
    options.body_max = SPY_BODY_MAX;
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    struct err err = {0};
    struct bus *bus;
    while (bus_open(&options, &bus, &err) != OUTCOME_DONE) {
        if (clock_monotonic_us() > end_us)
            fault_die("the broker does not come back", &err);
        fault_sleep_ms(RETRY_MS);
    }
    return bus;
}

void spy_declare(struct fault *fault)
{
    const struct str prefix = fault->settings->engine.prefix;
    const struct bus_binding everything[] = {
        {name_events(&fault->home, prefix), STR("#")},
        {name_notifications(&fault->home, prefix), STR("#")},
    };
    const struct bus_queue queues[] = {
        {.name = spy_queue(), .bindings = everything, .binding_count = 2},
        {.name = spy_replies()},
    };
    const struct bus_topology ears = {.queues = queues, .queue_count = 2};
    struct bus *bus = spy_open_bus(fault);
    struct err err = {0};
    if (bus_declare(bus, &ears, &err) != OUTCOME_DONE)
        fault_die("declaring the spy", &err);
    bus_close(bus);
}

static int64_t depth_of(struct bus *bus, struct str queue)
{
    int64_t depth = 0;
    struct err err = {0};
    /* A queue that is gone has nothing in it; the passive declaration closed the channel. */
    if (bus_queue_depth(bus, queue, &depth, &err) != OUTCOME_DONE &&
        bus_reconnect(bus, &err) != OUTCOME_DONE)
        fault_die("asking for a queue", &err);
    return depth;
}

/* The depth that a quorum queue tells is a moment old, so what counts is that nothing comes. */
size_t spy_take_all(struct fault *fault, struct str queue,
                    void (*take)(void *context, const struct delivery *delivery), void *context)
{
    struct err err = {0};
    struct bus *bus = spy_open_bus(fault);
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    int64_t heard_us = clock_monotonic_us();
    size_t count = 0;
    if (bus_consume(bus, &queue, 1, SPY_PREFETCH, &err) != OUTCOME_DONE)
        fault_die("listening", &err);
    while (clock_monotonic_us() < heard_us + SPY_WAIT_US && clock_monotonic_us() < end_us) {
        struct delivery *delivery;
        if (bus_next(bus, SPY_WAIT_US / 1000, &delivery) != BUS_MESSAGE)
            continue;
        if (take)
            take(context, delivery);
        count++;
        heard_us = clock_monotonic_us();
        bus_ack(bus, delivery, true);
        delivery_free(delivery);
        if (bus_flush(bus, &err) != OUTCOME_DONE)
            fault_die("listening", &err);
    }
    bus_close(bus);
    return count;
}

void spy_clear(struct fault *fault)
{
    struct bus *bus = spy_open_bus(fault);
    for (int i = 0; i < CLEAR_TRIES; i++)
        if (spy_take_all(fault, spy_queue(), NULL, NULL) == 0 && depth_of(bus, spy_queue()) == 0)
            break;
    bus_close(bus);
}

static struct bus_topology topology(struct fault *fault)
{
    struct bus_topology topology;
    struct err err = {0};
    if (topology_of(&fault->service, &fault->settings->engine, &fault->arena, &topology, &err) !=
        OUTCOME_DONE)
        fault_die("the topology", &err);
    return topology;
}

static bool is_dead_queue(struct str name)
{
    return memmem(name.ptr, name.len, DEAD_WORD, strlen(DEAD_WORD)) != NULL;
}

void spy_depths(struct fault *fault, int64_t *dead, int64_t *others)
{
    const struct bus_topology all = topology(fault);
    struct bus *bus = spy_open_bus(fault);
    *dead = *others = 0;
    for (size_t i = 0; i < all.queue_count; i++)
        *(is_dead_queue(all.queues[i].name) ? dead : others) += depth_of(bus, all.queues[i].name);
    bus_close(bus);
}

static void show_dead(void *context, const struct delivery *delivery)
{
    struct fault *fault = context;
    if (fault->failed)
        fault_fail(fault, "dead letter: %.*s %.*s %.300s", STR_FMT(delivery->operation),
                   STR_FMT(delivery->message_id), delivery->body.ptr ? delivery->body.ptr : "");
}

void spy_empty(struct fault *fault, bool dead_only)
{
    const struct bus_topology all = topology(fault);
    struct bus *bus = spy_open_bus(fault);
    for (size_t i = 0; i < all.queue_count; i++)
        if ((!dead_only || is_dead_queue(all.queues[i].name)) && depth_of(bus, all.queues[i].name))
            spy_take_all(fault, all.queues[i].name, dead_only ? show_dead : NULL, fault);
    bus_close(bus);
}
