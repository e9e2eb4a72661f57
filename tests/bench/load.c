/* load.c - a closed loop: a fixed number of requests in flight. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "worker/names.h"
#include "worker/process.h"

#define REPLY_TIMEOUT_MS  60000
#define DRAIN_SECONDS_MAX 120

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_ms(const int64_t *sorted, int64_t count, int64_t percent)
{
    return count ? (double)sorted[(count - 1) * percent / 100] / 1000.0 : 0;
}

double result_rate(const struct result *result)
{
    return result->count == 0 ? 0 : (double)(result->count - result->refused) / result->seconds;
}

void result_add(struct result *sum, const struct result *round)
{
    sum->count += round->count;
    sum->refused += round->refused;
    sum->seconds += round->seconds;
    cpu_add(&sum->cpu, &(struct cpu){0}, &round->cpu);
    sum->p50_ms = round->p50_ms;
    sum->p99_ms = round->p99_ms;
}

static void send_one(struct bench *bench, struct bus_client *client, const struct bench_load *load,
                     int64_t i)
{
    const struct bench_request request = load->request(bench, load->operation, i);
    bus_client_send(client, &(struct bus_request){
                                .operation = request.operation,
                                .body = request.body,
                                .token = request.token,
                            });
}

struct result bench_load(struct bench *bench, const struct bench_load *load)
{
    struct err err = {0};
    struct bus_client *client;
    if (bus_client_open(bench->settings->engine.amqp_uri,
                        name_requests(&bench->arena, bench->settings->engine.prefix), &client,
                        &err) != OUTCOME_DONE)
        bench_die("opening the load generator", &err);
    int64_t *micros = calloc((size_t)load->count, sizeof(*micros));
    struct result result = {.count = load->count};
    int64_t sent = 0;
    const struct cpu cpu_before = bench_cpu(bench);
    const int64_t start = clock_monotonic_us();
    for (int64_t done = 0; done < load->count; done++) {
        while (sent < load->count && bus_client_in_flight(client) < load->window)
            send_one(bench, client, load, sent++);
        struct bus_reply reply;
        if (bus_client_receive(client, REPLY_TIMEOUT_MS, &reply, &err) != OUTCOME_DONE)
            bench_die("waiting for a reply", &err);
        micros[done] = reply.micros;
        if (reply.status >= 300 && result.refused++ == 0)
            fprintf(stderr, "bench: first refusal: %d %.*s\n", reply.status, STR_FMT(reply.body));
    }
    result.seconds = (double)(clock_monotonic_us() - start) / 1e6;
    const struct cpu cpu_after = bench_cpu(bench);
    cpu_add(&result.cpu, &cpu_before, &cpu_after);
    qsort(micros, (size_t)load->count, sizeof(*micros), by_value);
    result.p50_ms = percentile_ms(micros, load->count, 50);
    result.p99_ms = percentile_ms(micros, load->count, 99);
    free(micros);
    bus_client_close(client);
    return result;
}

void bench_await_empty(struct bench *bench, struct str queue)
{
    struct err err = {0};
    struct bus *bus;
    const struct bus_options options = bus_options_of(&bench->settings->engine, "bench");
    if (bus_open(&options, &bus, &err) != OUTCOME_DONE)
        bench_die("looking at a queue", &err);
    int64_t depth = 1;
    for (int i = 0; depth > 0; i++) {
        if (i == DRAIN_SECONDS_MAX)
            bench_die("a queue", &(struct err){.text = "is not taken up: no pool serves it?"});
        if (bus_queue_depth(bus, queue, &depth, &err) != OUTCOME_DONE)
            bench_die("looking at a queue", &err);
        fprintf(stderr, "  %lld events wait to be taken up\n", (long long)depth);
        sleep(1);
    }
    bus_close(bus);
}
