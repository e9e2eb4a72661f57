/* topology.c - `cartwright topology`: declares exchanges and queues. */
#include <stdio.h>

#include "cartwright/command.h"
#include "worker/names.h"
#include "worker/process.h"

static void print_bindings(const struct bus_binding *bindings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%s%.*s%s%.*s", i ? ", " : "  <- ", STR_FMT(bindings[i].exchange),
               bindings[i].pattern.len ? " " : "", STR_FMT(bindings[i].pattern));
    printf("\n");
}

static void print_topology(const struct bus_topology *topology)
{
    for (size_t i = 0; i < topology->exchange_count; i++) {
        const struct bus_exchange *exchange = &topology->exchanges[i];
        printf("exchange  %-8s %.*s", exchange->kind, STR_FMT(exchange->name));
        print_bindings(exchange->bindings, exchange->binding_count);
    }
    for (size_t i = 0; i < topology->queue_count; i++) {
        const struct bus_queue *queue = &topology->queues[i];
        printf("queue     %-8s %.*s", queue->single_active ? "single" : "quorum",
               STR_FMT(queue->name));
        print_bindings(queue->bindings, queue->binding_count);
    }
}

static enum outcome declare(struct app *app, struct err *err)
{
    struct bus_topology topology;
    TRY(topology_of(&app->service, &app->settings->engine, &app->arena, &topology, err));
    const struct bus_options options =
        operator_options_of(&app->settings->engine, "cartwright topology");
    struct bus *bus;
    TRY(bus_open(&options, &bus, err));
    const enum outcome outcome = bus_declare(bus, &topology, err);
    bus_close(bus);
    if (outcome == OUTCOME_DONE)
        print_topology(&topology);
    return outcome;
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {"amqp.uri", NULL};
    struct app app;
    if (!app_open_for(needed, &app, &argc, argv))
        return EXIT_USAGE;
    struct err err = {0};
    const enum outcome outcome = declare(&app, &err);
    app_close(&app);
    return outcome == OUTCOME_DONE ? EXIT_OK : command_fail_err("topology", &err);
}

const struct command topology_command = {
    .name = "topology",
    .run = run,
    .usage = "topology [--config FILE]",
    .help = "declare the exchanges and queues",
    .details =
        "Safe to repeat. A queue that exists with other arguments is reported, not changed.\n"
        "'single': a quorum queue of which one lane at a time takes messages (partitions).",
};
