/* load.c - the load generator: the same for all contestants.
 *
 * A closed loop keeps a number of requests in flight. An open loop sends on a schedule, whatever the
 * answers do, in bursts when it is late; a latency then counts from the time at which the request
 * should have been sent. Otherwise a contestant that stalls would hold up the requests that would
 * have met the stall (Tene: coordinated omission). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "bench.h"
#include "service/names.h"
#include "support/users.h"

#define REPLY_TIMEOUT_US 60000000
#define TICK_US          500 /* an open loop sleeps no shorter, so as not to take the servers' CPU */

double result_rate(const struct result *result)
{
    return result->count == 0 ? 0 : (double)(result->count - result->refused) / result->seconds;
}

double result_ms(const struct result *result, double percent)
{
    return (double)latency_percentile(&result->latency, percent) / 1000.0;
}

void result_add(struct result *sum, const struct result *round)
{
    sum->count += round->count;
    sum->refused += round->refused;
    sum->seconds += round->seconds;
    cpu_add(&sum->cpu, &(struct cpu){0}, &round->cpu);
    latency_merge(&sum->latency, &round->latency);
}

struct run {
    struct bench *bench;
    const struct bench_load *load;
    struct bus_client *client;
    int64_t start_us, heard_us;
    int64_t sent;
    struct result *result; /* its count: answered so far */
};

/* When request i should be sent; a closed loop has no such time. */
static int64_t due_us(const struct run *run, int64_t i)
{
    return run->start_us + (int64_t)((double)i * 1e6 / run->load->rate);
}

static bool is_all_sent(const struct run *run, int64_t now_us)
{
    const double seconds = run->load->seconds;
    return run->sent == run->load->count ||
           (seconds > 0 && (double)(now_us - run->start_us) >= seconds * 1e6);
}

static void send_what_is_due(struct run *run, int64_t now_us)
{
    const struct bench_load *load = run->load;
    if (is_all_sent(run, now_us))
        return;
    while (run->sent < load->count && bus_client_in_flight(run->client) < load->window &&
           (load->rate <= 0 || due_us(run, run->sent) <= now_us)) {
        const struct bench_request request = load->request(run->bench, run->sent++);
        bus_client_send(run->client, &(struct bus_request){
                                         .operation = request.operation,
                                         .body = request.body,
                                         .token = request.token,
                                     });
    }
}

/* Tickets are 1, 2, 3, ...: each run has a client of its own. */
static void take_reply(struct run *run, const struct bus_reply *reply)
{
    struct result *result = run->result;
    run->heard_us = clock_monotonic_us();
    result->count++;
    latency_add(&result->latency, run->load->rate > 0
                                      ? run->heard_us - due_us(run, (int64_t)reply->ticket - 1)
                                      : reply->micros);
    if (reply->status >= 300 && result->refused++ == 0 && !run->load->may_refuse)
        fprintf(stderr, "bench: first refusal: %d %.*s\n", reply->status, STR_FMT(reply->body));
}

/* Until something arrives or the next request is due. */
static void await_due(const struct run *run, int64_t now_us)
{
    int64_t wait_us = run->heard_us + REPLY_TIMEOUT_US - now_us;
    if (!is_all_sent(run, now_us) && bus_client_in_flight(run->client) < run->load->window)
        wait_us = due_us(run, run->sent) - now_us;
    if (wait_us <= 0)
        return;
    if (wait_us < TICK_US)
        wait_us = TICK_US;
    struct pollfd poll = {.fd = bus_client_fd(run->client), .events = POLLIN};
    const struct timespec timeout = {wait_us / 1000000, wait_us % 1000000 * 1000};
    if (ppoll(&poll, 1, &timeout, NULL) < 0 && errno != EINTR)
        bench_die("waiting for a reply", &(struct err){.text = "poll"});
}

static void receive(struct run *run)
{
    struct err err = {0};
    struct bus_reply reply;
    const bool is_open = run->load->rate > 0;
    const int timeout_ms = is_open ? 0 : REPLY_TIMEOUT_US / 1000;
    const enum outcome outcome = bus_client_receive(run->client, timeout_ms, &reply, &err);
    const int64_t now_us = clock_monotonic_us();
    if (outcome == OUTCOME_DONE)
        take_reply(run, &reply);
    else if (outcome != OUTCOME_RETRY || !is_open || now_us - run->heard_us >= REPLY_TIMEOUT_US)
        bench_die("waiting for a reply", &err);
    else
        await_due(run, now_us);
}

struct result bench_load(struct bench *bench, const struct bench_load *load)
{
    struct err err = {0};
    struct result result = {0};
    struct run run = {.bench = bench, .load = load, .result = &result};
    if (bus_client_open(users_web(), name_requests(&bench->arena, bench->settings->engine.prefix),
                        &run.client, &err) != OUTCOME_DONE)
        bench_die("opening the load generator", &err);
    const struct cpu cpu_before = bench_cpu(bench);
    run.start_us = run.heard_us = clock_monotonic_us();
    while (result.count < run.sent || !is_all_sent(&run, clock_monotonic_us())) {
        send_what_is_due(&run, clock_monotonic_us());
        if (result.count < run.sent || load->rate > 0)
            receive(&run);
    }
    result.seconds = (double)(run.heard_us - run.start_us) / 1e6;
    const struct cpu cpu_after = bench_cpu(bench);
    cpu_add(&result.cpu, &cpu_before, &cpu_after);
    bus_client_close(run.client);
    return result;
}
