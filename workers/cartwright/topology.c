/* topology.c - `cartwright topology`: declares exchanges and queues, or reports what differs. */
#include <stdarg.h>
#include <stdio.h>

#include "bus/bus_inspect.h"
#include "cartwright/topology.h"
#include "service/connections.h"
#include "service/topology.h"

/* --- declaring ------------------------------------------------------------------------------------- */

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

static void warn_of_kept(void *context, const struct bus_queue *queue, const char *words)
{
    struct findings *findings = context;
    const bool by_policy = policy_may_cure(findings, queue->name, words);
    const char *what =
        strstr(words, "'x-dead-letter-exchange'")
            ? "is of an earlier release, and what expires in it becomes a dead letter"
            : "keeps the limits that it has";
    fprintf(stderr, "cartwright topology: queue %.*s %s (%s); cure: %s\n", STR_FMT(queue->name),
            what, words, queue_cure(findings, queue->name, by_policy));
}

/* Counts the queues that do not exist yet. */
static enum outcome count_missing(const struct bus_options *options,
                                  const struct bus_topology *topology, size_t *out, struct err *err)
{
    struct bus_inspector *inspector;
    struct bus_sight sight;
    enum outcome outcome = OUTCOME_DONE;
    size_t count = 0;
    TRY(bus_inspector_open(options->uri, options->name, options->timeout_ms, &inspector, err));
    for (size_t i = 0; i < topology->queue_count && outcome == OUTCOME_DONE; i++) {
        outcome = bus_inspect_queue(inspector, &topology->queues[i], &sight, err);
        count += outcome == OUTCOME_DONE && sight.state == BUS_MISSING;
    }
    bus_inspector_close(inspector);
    *out = count;
    return outcome;
}

/* AMQP does not tell the number of nodes, and a queue gets no members on new nodes by itself. */
static void tell_of_members(const struct findings *findings, size_t made)
{
    if (made > 0)
        fprintf(stderr,
                "cartwright topology: %zu queues were made, with members on the nodes that the "
                "cluster has now; for a node that joins later: rabbitmq-queues grow NODE all "
                "--vhost-pattern '^%s$' --queue-pattern '%.*s'\n",
                made, findings->vhost,
                STR_FMT(broker_pattern(findings->arena, "^@", findings->prefix)));
}

static enum outcome declare(struct app *app, struct bus_topology *topology,
                            struct findings *findings, struct err *err)
{
    const struct bus_options options =
        operator_options_of(&app->settings->engine, "cartwright topology");
    struct bus *bus;
    size_t missing;
    TRY(count_missing(&options, topology, &missing, err));
    topology->keeps = warn_of_kept;
    topology->context = findings;
    TRY(bus_open(&options, &bus, err));
    const enum outcome outcome = bus_declare(bus, topology, err);
    bus_close(bus);
    if (outcome != OUTCOME_DONE)
        return outcome;
    print_topology(topology);
    fflush(stdout);
    tell_of_members(findings, missing);
    return OUTCOME_DONE;
}

/* --- findings -------------------------------------------------------------------------------------- */

void finding(struct findings *findings, const char *cure, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("; cure: %s\n", cure);
    findings->count++;
}

const char *queue_cure(struct findings *findings, struct str queue, bool by_policy)
{
    const struct broker_policy *policy =
        by_policy ? broker_policy_of(findings->arena, queue, findings->prefix) : NULL;
    if (policy)
        return broker_policy_command(findings->arena, policy, findings->prefix, findings->vhost)
            .ptr;
    /* RabbitMQ deletes a quorum queue with everything in it: for these there is no --if-empty. */
    return str_printf(findings->arena,
                      "rabbitmqctl -q list_queues -p '%s' name messages | grep -qE '^%.*s\\s0$' && "
                      "rabbitmqctl delete_queue -p '%s' %.*s && " CURE_DECLARE,
                      findings->vhost, STR_FMT(queue), findings->vhost, STR_FMT(queue))
        .ptr;
}

bool policy_may_cure(struct findings *findings, struct str queue, const char *words)
{
    return strstr(words, "'x-delivery-limit'") && strstr(words, "current is none") &&
           broker_policy_of(findings->arena, queue, findings->prefix);
}

const char *exchange_cure(struct findings *findings, struct str exchange)
{
    return str_printf(
               findings->arena,
               "rabbitmqctl eval 'rabbit_exchange:delete(rabbit_misc:r(<<\"%s\">>, exchange, "
               "<<\"%.*s\">>), false, <<\"operator\">>).' && " CURE_DECLARE,
               findings->vhost, STR_FMT(exchange))
        .ptr;
}

/* --- the command ----------------------------------------------------------------------------------- */

struct wish {
    bool check;
    const char *definitions; /* a file to compare with; NULL: none */
};

static bool parse(struct wish *wish, int argc, char **argv)
{
    *wish = (struct wish){.check = argc == 2 && strcmp(argv[1], "--check") == 0};
    if (argc == 3 && strcmp(argv[1], "--definitions") == 0)
        wish->definitions = argv[2];
    return argc == 1 || wish->check || wish->definitions;
}

static enum outcome carry_out(struct app *app, const struct wish *wish, struct findings *findings,
                              struct err *err)
{
    struct bus_topology topology;
    TRY(topology_of(&app->service, &app->settings->engine, &app->arena, &topology, err));
    if (wish->definitions)
        return topology_compare(wish->definitions, &topology, findings, err);
    if (wish->check)
        return topology_check(app, &topology, findings, err);
    return declare(app, &topology, findings, err);
}

/* A file can be compared without the address of any server. */
static bool wants_definitions(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--definitions") == 0)
            return true;
    return false;
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {"amqp.uri", NULL};
    static const char *const nothing[] = {NULL};
    struct app app;
    struct wish wish;
    struct err err = {0};
    if (!app_open_for(wants_definitions(argc, argv) ? nothing : needed, &app, &argc, argv))
        return EXIT_USAGE;
    if (!parse(&wish, argc, argv)) {
        app_close(&app);
        return command_fail("topology", EXIT_USAGE,
                            "usage: topology [--check | --definitions FILE]");
    }
    struct findings findings = {.arena = &app.arena,
                                .prefix = app.settings->engine.prefix,
                                .vhost = bus_vhost_of(&app.arena, app.settings->engine.amqp_uri)};
    const enum outcome outcome = carry_out(&app, &wish, &findings, &err);
    if (outcome == OUTCOME_DONE && (wish.check || wish.definitions))
        fprintf(stderr, "cartwright topology: %zu findings\n", findings.count);
    const int status = outcome != OUTCOME_DONE ? command_fail_err("topology", &err)
                       : findings.count        ? EXIT_REFUSED
                                               : EXIT_OK;
    app_close(&app);
    return status;
}

const struct command topology_command = {
    .name = "topology",
    .run = run,
    .usage = "topology [--check | --definitions FILE] [--config FILE]",
    .help = "declare exchanges and queues, or tell what differs",
    .details =
        "Safe to repeat; as the user of amqp.operatorUri. A queue that exists with other limits\n"
        "is taken as it is, with a warning; other differences are reported, not changed.\n"
        "'single': a quorum queue of which one lane at a time takes messages (partitions).\n"
        "--check changes nothing: it tells what is missing or other, what the broker offers, and\n"
        "what its users may do that they should not, as far as AMQP tells; each with its cure.\n"
        "Users: amqp.uri, amqp.operatorUri, $CARTWRIGHT_CLIENT_AMQP_URI and\n"
        "$CARTWRIGHT_READER_AMQP_URI, where they are set.\n"
        "--definitions FILE tells the rest (bindings, policies, permissions) from what\n"
        "`rabbitmqctl export_definitions FILE` wrote, without any server.\n"
        "Exit status: 0 all as it should be, 1 findings, 2 wrong usage, 3 it could not look.",
};
