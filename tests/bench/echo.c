/* echo.c - the ceiling: a request through a quorum queue and an empty reply, acknowledged in
 * groups, no work in between. The request is published just as an order is: to the topic exchange
 * of all requests, with a token. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "service/connections.h"

#define ECHO_QUEUE "bench.echo"
#define GROUP      128
#define WARM_UP    3 /* a third of the requests first: a broker just started is slower */

static struct bus *open_echo(struct bench *bench)
{
    struct err err = {0};
    struct bus *bus;
    const struct bus_options options = bus_options_of(&bench->settings->engine, "bench echo");
    const struct str name = STR(ECHO_QUEUE);
    if (bus_open(&options, &bus, &err) != OUTCOME_DONE ||
        bus_consume(bus, &name, 1, 2 * GROUP, &err) != OUTCOME_DONE)
        bench_die("opening the echo", &err);
    return bus;
}

static void answer(struct bus *bus, const struct delivery *delivery)
{
    bus_publish(bus,
                &(struct bus_message){.exchange = STR(""),
                                      .routing_key = delivery->reply_to,
                                      .correlation_id = delivery->correlation_id,
                                      .body = STR("{}"),
                                      .status = 200,
                                      .transient = true},
                0);
}

/* Answers what is there, then acknowledges it all at once, as a lane does. */
static void serve(struct bus *bus)
{
    struct err err = {0};
    for (;;) {
        struct delivery *last = NULL;
        struct delivery *delivery = NULL;
        int timeout_ms = 100;
        for (int i = 0; i < GROUP && bus_next(bus, timeout_ms, &delivery) == BUS_MESSAGE; i++) {
            answer(bus, delivery);
            if (last)
                delivery_free(last);
            last = delivery;
            timeout_ms = 0;
        }
        if (!last)
            continue;
        bus_ack(bus, last, true);
        delivery_free(last);
        if (bus_flush(bus, &err) != OUTCOME_DONE)
            bench_die("echo", &err);
    }
}

struct result bench_echo(struct bench *bench, int64_t count, size_t window)
{
    bench_declare_queue(bench, STR(ECHO_QUEUE));
    const pid_t child = fork();
    if (child == 0)
        serve(open_echo(bench));
    sleep(1); /* until it consumes */
    bench_name_operations(bench, ECHO_QUEUE ".");
    struct bench_load load = {.request = bench_order, .count = count / WARM_UP, .window = window};
    (void)bench_load(bench, &load);
    load.count = count;
    const struct result result = bench_load(bench, &load);
    bench_name_operations(bench, "");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return result;
}
