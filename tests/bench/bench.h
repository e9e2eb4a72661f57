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
#include "support/latency.h"

#define BENCH_USERS    5000 /* each places one order per round */
#define BENCH_SKUS     1000
#define BENCH_HOT_SKUS 10
#define BENCH_WINDOW   512
#define BENCH_STOCK    100000000

/* What the contestant's operations are called. */
struct bench_operations {
    struct str order_place, cart_item_add, product_get, product_list;
};

struct bench {
    char state[32];       /* names the database; empty: that of the environment */
    struct arena arena;   /* of all that lives as long as the shop */
    struct arena scratch; /* of what is written and forgotten */
    struct config config;
    const struct app_settings *settings;
    const char *config_file; /* of the workers */
    struct service service;
    struct store *store;
    struct fixtures fixtures;
    struct fixtures chunk; /* in the scratch arena */
    struct bench_operations operations;
    struct str users[BENCH_USERS];
    struct str tokens[BENCH_USERS];
    struct good goods[BENCH_SKUS];
    struct str get_bodies[BENCH_SKUS]; /* requests for each */
    struct str add_bodies[BENCH_SKUS];
    struct bench_stored *stored; /* growth.c: products beyond `goods`; NULL: none */
    pid_t supervisor;            /* 0: none runs */
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
    struct latency latency;
    struct cpu cpu; /* while it ran */
};

/* fixtures.c: ends the program with a message when something fails. */
void bench_die(const char *what, const struct err *err) __attribute__((noreturn));
/* A shop with users and goods. `state` NULL: in the database that the environment names; else in one
 * of its own, for whatever is started from here on. */
void bench_set_up(struct bench *bench, const char *state);
/* Back to this shop after another was set up: workers that start now serve this one. */
void bench_enter(struct bench *bench);
void bench_tear_down(struct bench *bench);
/* Pages of products in the shared cache: they know nothing of what is written past the shop. The
 * lanes' own copies end with the workers. */
void bench_forget_pages(struct bench *bench);
/* Two lines in every cart, from the first `skus` products. */
void bench_fill_carts(struct bench *bench, size_t skus);
/* A new product with this stock, and one piece of it in the carts of the first `buyers`. */
struct good bench_flash_sale(struct bench *bench, size_t buyers, int64_t stock);

/* workloads.c: the i-th request of each kind. */
struct bench_request {
    struct str operation;
    struct str body;
    struct str token; /* absent: none */
};
typedef struct bench_request bench_request_fn(struct bench *bench, int64_t i);
bench_request_fn bench_order, bench_product_get, bench_product_list, bench_cart_add, bench_mix;
/* prefix: "" for Cartwright, "bench.node." for a peer. */
void bench_name_operations(struct bench *bench, const char *prefix);
void bench_write_bodies(struct bench *bench);
/* i, spread evenly and without order over 0..count-1. */
size_t bench_scatter(int64_t i, size_t count);
int64_t bench_available(struct bench *bench, const struct good *good);

/* load.c: sends until `count` requests are sent or, in a closed loop, `seconds` have passed, and
 * waits for all answers. */
struct bench_load {
    bench_request_fn *request;
    int64_t count;
    double seconds;  /* 0: no limit */
    size_t window;   /* at most so many in flight */
    double rate;     /* requests per second: an open loop; 0: a closed one */
    bool may_refuse; /* a refusal is nothing to talk about */
};
/* Answers that were no refusal, per second; 0 when nothing was run. */
double result_rate(const struct result *result);
double result_ms(const struct result *result, double percent);
/* One more round. */
void result_add(struct result *sum, const struct result *round);
struct result bench_load(struct bench *bench, const struct bench_load *load);

/* queues.c */
/* A quorum queue for all requests whose operation begins with `name`. */
void bench_declare_queue(struct bench *bench, struct str name);
/* Waits until a queue is empty. */
void bench_await_empty(struct bench *bench, struct str queue);
/* Takes all that waits in a queue and throws it away. */
void bench_drain(struct bench *bench, struct str queue);

/* echo.c: the broker alone, with an answering process of its own. */
struct result bench_echo(struct bench *bench, int64_t count, size_t window);

/* peers.c: a worker of tests/bench/peers ("node", "go") that works on `concurrency` messages at
 * once; the operations are its own until it is stopped. */
void bench_start_peer(struct bench *bench, const char *name, int concurrency);
void bench_stop_peer(struct bench *bench);

/* workers.c */
/* Exchanges, queues, collections and indexes. */
void bench_declare(struct bench *bench);
bool bench_log_says(const char *path, const char *text);
long bench_cores(void);
/* Workers started from here on have so many lanes and such batches in the pool `shop`; 0: what the
 * configuration says. */
void bench_vary_pool(struct bench *bench, int64_t lanes, int64_t batch_max);
/* pools: names, comma-separated; NULL: all of the configuration. */
void bench_start_workers(struct bench *bench, const char *pools);
void bench_stop_workers(struct bench *bench);

/* usage.c: what /proc says about all who take part. */
/* What each has used so far; the servers are found by their pid files below RIG_DIR. */
struct cpu bench_cpu(const struct bench *bench);
/* *sum += after - before */
void cpu_add(struct cpu *sum, const struct cpu *before, const struct cpu *after);
/* The largest resident set of a lane, MiB. */
double bench_lane_rss(const struct bench *bench);

#endif
