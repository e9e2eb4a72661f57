/* rolls.c - rolling restarts under load, of both kinds: SIGHUP replaces the lanes of a supervisor one
 * after the other; a deployment starts a new supervisor and then stops the old one. Nothing is lost,
 * nothing is refused, nothing is answered twice. The time that answers took is told and not
 * judged: it is the machine's as much as ours. */
#include <signal.h>

#include "base/clock.h"
#include "life/life.h"

#define BURST 10

struct load {
    struct life *life;
    int64_t asked;
};

static void ask_some(struct load *load)
{
    for (int i = 0; i < BURST; i++)
        guest_ask(load->life, load->asked++, "soup");
    guest_listen(load->life, 5);
}

static void ask_until(struct load *load, const char *text)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (!host_logged(load->life, text) && clock_monotonic_us() < end_us)
        ask_some(load);
    if (!host_logged(load->life, text))
        life_fail(load->life, "the log never said '%s'", text);
}

static void reload(struct load *load)
{
    host_forget_log(load->life);
    kill(load->life->supervisor, SIGHUP);
    ask_until(load, "reloaded: every lane was replaced");
}

/* The old one is told to go when the new one is ready. */
static void deploy(struct load *load)
{
    struct life *life = load->life;
    const pid_t old = life->supervisor;
    host_start(life);
    const pid_t new = life->supervisor;
    ask_until(load, "lanes are ready");
    host_forget_log(life);
    kill(old, SIGTERM);
    ask_until(load, "\"msg\":\"stopped\"");
    life->supervisor = old;
    LIFE_CHECK(life, host_await_end(life) == 0);
    life->supervisor = new;
}

static void check_answers(struct load *load)
{
    struct life *life = load->life;
    int64_t good = 0;
    guest_await(life, (size_t)load->asked);
    for (int64_t number = 0; number < load->asked; number++)
        good += guest_status(life, number) == 200;
    if (good != load->asked || life->repeats)
        life_fail(life, "%" PRId64 " asked, %" PRId64 " served, %" PRId64 " answered again",
                  load->asked, good, life->repeats);
    printf("    %d rolls, %" PRId64 " messages: p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n",
           life->rolls, load->asked, (double)latency_percentile(&life->latency, 50) / 1e3,
           (double)latency_percentile(&life->latency, 99) / 1e3,
           (double)life->latency.max_us / 1e3);
}

static void roll(struct life *life, void (*once)(struct load *load))
{
    struct load load = {.life = life};
    life->pool.lanes = 2;
    host_start_ready(life);
    for (int i = 0; i < life->rolls && !life->failed && load.asked < REQUESTS_MAX / 2; i++)
        once(&load);
    check_answers(&load);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void reloaded(struct life *life)
{
    roll(life, reload);
}

static void deployed(struct life *life)
{
    roll(life, deploy);
}

const struct life_test roll_tests[] = {
    {"roll_reloaded", reloaded},
    {"roll_deployed", deployed},
    {0},
};
