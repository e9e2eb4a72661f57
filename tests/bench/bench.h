/* bench.h - the benchmarks: fixtures, load, measuring.
 *
 * Everything is measured from outside, on the real `cartwright worker` with every feature on; the
 * fixtures are written straight into the database, because making them is not what is measured. */
#ifndef CARTWRIGHT_TESTS_BENCH_BENCH_H
#define CARTWRIGHT_TESTS_BENCH_BENCH_H

#include <sys/types.h>

#include "bus/bus_client.h"
#include "shop.h"
#include "store/store.h"
#include "support/fixtures.h"

#define BENCH_USERS    5000 /* each places one order per round */
#define BENCH_SKUS     1000
#define BENCH_HOT_SKUS 10
#define BENCH_WINDOW   512
#define BENCH_STOCK    100000000

struct bench {
    struct arena arena;
    struct config config;
    const struct app_settings *settings;
    struct service service;
    struct store *store;
    struct fixtures fixtures;
    struct str users[BENCH_USERS];
    struct str tokens[BENCH_USERS];
    struct good goods[BENCH_SKUS];
    struct str get_bodies[BENCH_SKUS]; /* requests for each */
    struct str add_bodies[BENCH_SKUS];
    pid_t supervisor; /* 0: none runs */
    pid_t peer;
};

/* CPU seconds, user and system, of everybody who takes part. */
struct cpu {
    double broker, database, locks, lanes, load;
};

struct result {
    int64_t count;
    int64_t refused;
    double seconds;
    double p50_ms, p99_ms;
    struct cpu cpu; /* while it ran */
};

/* fixtures.c: ends the program with a message when something fails. */
void bench_die(const char *what, const struct err *err) __attribute__((noreturn));
void bench_set_up(struct bench *bench);
/* Two lines in every cart, from the first `skus` products. */
void bench_fill_carts(struct bench *bench, size_t skus);
/* A new product with this stock, and one piece of it in every cart. */
struct good bench_flash_sale(struct bench *bench, int64_t stock);

/* workloads.c: the i-th request of each kind; `operation` is that of the contestant. */
struct bench_request {
    struct str operation;
    struct str body;
    struct str token; /* absent: none */
};
typedef struct bench_request bench_request_fn(struct bench *bench, struct str operation, int64_t i);
bench_request_fn bench_order, bench_product_get, bench_product_list, bench_cart_add, bench_mix;
void bench_write_bodies(struct bench *bench);
int64_t bench_available(struct bench *bench, const struct good *good);

/* load.c: keeps `window` requests in flight until `count` are answered. */
struct bench_load {
    bench_request_fn *request;
    struct str operation;
    int64_t count;
    size_t window;
};
/* Answers that were no refusal, per second; 0 when nothing was run. */
double result_rate(const struct result *result);
/* One more round; its percentiles replace those of the rounds before. */
void result_add(struct result *sum, const struct result *round);
struct result bench_load(struct bench *bench, const struct bench_load *load);

/* Waits until a queue is empty. */
void bench_await_empty(struct bench *bench, struct str queue);

/* echo.c: the broker alone, with an answering process of its own. */
struct result bench_echo(struct bench *bench, int64_t count);

/* peers.c: a worker of tests/bench/peers ("node", "go") that works on `concurrency` messages at once;
 * returns the operation that it serves. */
struct str bench_start_peer(struct bench *bench, const char *name, int concurrency);
void bench_stop_peer(struct bench *bench);

/* compare.c: the same orders by Cartwright and by the peers; writes docs/benchmarks.md and .json. */
void bench_compare(struct bench *bench);

/* workers.c */
/* Exchanges, queues, collections and indexes. */
void bench_declare(void);
/* A quorum queue for requests whose operation is `name`; returns it. */
struct str bench_declare_queue(struct bench *bench, struct str name);
bool bench_log_says(const char *path, const char *text);
long bench_cores(void);
/* pools: names, comma-separated; NULL: all of the configuration. */
void bench_start_workers(struct bench *bench, const char *pools);
void bench_stop_workers(struct bench *bench);
/* What each has used so far; the servers are found by their pid files below RIG_DIR. */
struct cpu bench_cpu(const struct bench *bench);
/* *sum += after - before */
void cpu_add(struct cpu *sum, const struct cpu *before, const struct cpu *after);
/* The largest resident set of a lane, MiB. */
double bench_lane_rss(const struct bench *bench);

#endif
