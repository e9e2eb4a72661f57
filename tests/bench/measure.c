/* measure.c - one workload, measured: settling, then rounds until there is enough to look at. */
#include <unistd.h>

#include "service/names.h"
#include "suite.h"

#define ENOUGH        0.9   /* of the seconds wanted; what is left is too short for a round */
#define IN_FLIGHT_MAX 20000 /* of an open loop */
#define PEER_BUYERS   1000  /* a peer sells to fewer in as many seconds */
#define PAUSE_US      300000
#define NO_LIMIT      INT64_MAX

/* Only the pool `shop` runs, so nobody takes up the events of the orders; and RabbitMQ becomes
 * slower with what waits in a queue. So each run of each contestant begins with empty queues. */
static void settle(struct bench *bench)
{
    bench_drain(bench, name_event_queue(&bench->arena, bench->settings->engine.prefix,
                                        STR("notification")));
    usleep(PAUSE_US);
}

/* Every buyer is answered, and exactly the stock is sold. */
static struct result sell_out(struct bench *bench, const struct workload *work)
{
    const int64_t buyers = bench->peer ? PEER_BUYERS : BENCH_USERS;
    const int64_t stock = buyers / 2;
    const struct good good = bench_flash_sale(bench, (size_t)buyers, stock);
    const struct bench_load load = {
        .request = work->request, .count = buyers, .window = work->window, .may_refuse = true};
    struct result result = bench_load(bench, &load);
    if (result.refused != buyers - stock || bench_available(bench, &good) != 0)
        bench_die("flash sale", &(struct err){.text = "not exactly the stock was sold"});
    result.refused = 0; /* no is an answer, too */
    return result;
}

/* A cart is good for one order, so a round has at most one of each user; filling the carts in
 * between is not measured. */
static struct result one_round(struct bench *bench, const struct workload *work, double seconds)
{
    if (!work->skus)
        return sell_out(bench, work);
    bench_fill_carts(bench, work->skus);
    const struct bench_load load = {
        .request = work->request,
        .count = work->request == bench_order ? BENCH_USERS : NO_LIMIT,
        .seconds = seconds,
        .window = work->window,
    };
    return bench_load(bench, &load);
}

struct result measure_closed(struct bench *bench, const struct workload *work, double seconds)
{
    struct result sum = {0};
    settle(bench);
    while (sum.seconds < ENOUGH * seconds) {
        const struct result round = one_round(bench, work, seconds - sum.seconds);
        result_add(&sum, &round);
    }
    return sum;
}

struct result measure_open(struct bench *bench, double rate, double seconds)
{
    struct result sum = {0};
    int64_t left = (int64_t)(rate * seconds);
    settle(bench);
    while (left > 0) {
        const int64_t count = left < BENCH_USERS ? left : BENCH_USERS;
        bench_fill_carts(bench, BENCH_SKUS);
        const struct bench_load load = {
            .request = bench_order, .count = count, .window = IN_FLIGHT_MAX, .rate = rate};
        const struct result round = bench_load(bench, &load);
        result_add(&sum, &round);
        left -= count;
    }
    return sum;
}

struct result measure_mix(struct bench *bench, int64_t count)
{
    settle(bench);
    bench_fill_carts(bench, BENCH_SKUS);
    return bench_load(
        bench, &(struct bench_load){.request = bench_mix, .count = count, .window = BENCH_WINDOW});
}
