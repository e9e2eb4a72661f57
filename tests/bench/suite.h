/* suite.h - `make bench`: what is run, how it is measured, what is told. */
#ifndef CARTWRIGHT_TESTS_BENCH_SUITE_H
#define CARTWRIGHT_TESTS_BENCH_SUITE_H

#include <stdio.h>

#include "bench.h"

enum contestant { ECHO, CARTWRIGHT, NODE, GO, CONTESTANTS };

extern const char *const contestant_names[];

struct workload {
    const char *name; /* in .run/bench.json */
    const char *title;
    bench_request_fn *request;
    size_t skus; /* in the carts; 0: a flash sale of one */
    size_t window;
};

/* --- measure.c -------------------------------------------------------------------------------- */

/* Each begins with settling: what an earlier run left in queues must not weigh on this one. */
/* A closed loop of about so many seconds. */
struct result measure_closed(struct bench *bench, const struct workload *work, double seconds);
/* Uniform orders at a rate, in an open loop. */
struct result measure_open(struct bench *bench, double rate, double seconds);
/* Requests of the mix. */
struct result measure_mix(struct bench *bench, int64_t count);

/* --- growth.c: what has gathered in a shop ------------------------------------------------------ */

/* Stores products until there are so many, and spreads the goods evenly over them. */
void bench_grow_products(struct bench *bench, int64_t count);
/* Stores users, of whom every n-th is one that buys, and orders by all of them. */
void bench_grow_orders(struct bench *bench, int64_t users, int64_t orders);
void bench_forget_growth(struct bench *bench);
/* That order.get and order.list answer with what bench_grow_orders stored; ends the program if not.
 * Workers must run. */
void bench_check_history(struct bench *bench);
/* Of all products that are stored. */
bench_request_fn bench_product_get_all;

/* --- results.c -------------------------------------------------------------------------------- */

/* What is told beside a result; 0: does not apply. */
struct circumstances {
    size_t window;
    double offered_rate;
    int64_t concurrency, lanes, batch_max, products, orders, users;
    double lane_rss_mib;
};

struct results;

struct results *results_new(void);
void results_free(struct results *results);
/* One more pass of what has this name; the one in the middle, by rate, is told. Also writes all of
 * them to .run/bench.json, so that a run that is cut short leaves what it has. */
void results_put(struct results *results, enum contestant who, struct str name, struct str title,
                 const struct result *result, const struct circumstances *circumstances);

/* --- suite.c ---------------------------------------------------------------------------------- */

/* Runs the workloads whose name begins with `only`. */
void bench_suite(struct bench *bench, const char *only);

#endif
