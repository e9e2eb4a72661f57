/* queues.c - queues of the benchmark's own, and what has gathered in those of the shop. */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "service/connections.h"
#include "service/names.h"

#define EMPTY_SECONDS_MAX 120
#define GROUP             512 /* messages that are thrown away with one acknowledgement */
#define SILENCE_MS        200 /* after this a queue is empty */

static struct bus *open_bus(struct bench *bench)
{
    struct err err = {0};
    struct bus *bus;
    const struct bus_options options = operator_options_of(&bench->settings->engine, "bench");
    if (bus_open(&options, &bus, &err) != OUTCOME_DONE)
        bench_die("opening the broker", &err);
    return bus;
}

static int64_t depth_of(struct bus *bus, struct str queue)
{
    struct err err = {0};
    int64_t depth = 0;
    if (bus_queue_depth(bus, queue, &depth, &err) != OUTCOME_DONE)
        bench_die("looking at a queue", &err);
    return depth;
}

void bench_declare_queue(struct bench *bench, struct str name)
{
    struct err err = {0};
    const struct bus_binding requests = {
        name_requests(&bench->arena, bench->settings->engine.prefix),
        str_printf(&bench->arena, "%.*s.#", STR_FMT(name))};
    const struct bus_queue queue = {.name = name, .bindings = &requests, .binding_count = 1};
    const struct bus_topology topology = {.queues = &queue, .queue_count = 1};
    bench_declare(bench);
    struct bus *bus = open_bus(bench);
    if (bus_declare(bus, &topology, &err) != OUTCOME_DONE)
        bench_die("declaring a queue", &err);
    bus_close(bus);
}

void bench_await_empty(struct bench *bench, struct str queue)
{
    struct bus *bus = open_bus(bench);
    int64_t depth = 1;
    for (int i = 0; depth > 0; i++) {
        if (i == EMPTY_SECONDS_MAX)
            bench_die("a queue", &(struct err){.text = "is not taken up: no pool serves it?"});
        depth = depth_of(bus, queue);
        fprintf(stderr, "  %lld events wait to be taken up\n", (long long)depth);
        sleep(1);
    }
    bus_close(bus);
}

/* Takes and acknowledges a group; false when there was nothing more. */
static bool throw_away(struct bus *bus)
{
    struct err err = {0};
    struct delivery *last = NULL;
    struct delivery *delivery = NULL;
    for (int i = 0; i < GROUP && bus_next(bus, SILENCE_MS, &delivery) == BUS_MESSAGE; i++) {
        if (last)
            delivery_free(last);
        last = delivery;
    }
    if (!last)
        return false;
    bus_ack(bus, last, true);
    delivery_free(last);
    if (bus_flush(bus, &err) != OUTCOME_DONE)
        bench_die("draining a queue", &err);
    return true;
}

void bench_drain(struct bench *bench, struct str queue)
{
    struct err err = {0};
    struct bus *bus = open_bus(bench);
    while (depth_of(bus, queue) > 0) {
        if (bus_consume(bus, &queue, 1, 2 * GROUP, &err) != OUTCOME_DONE)
            bench_die("draining a queue", &err);
        while (throw_away(bus))
            continue;
        if (bus_cancel(bus, &err) != OUTCOME_DONE)
            bench_die("draining a queue", &err);
    }
    bus_close(bus);
}
