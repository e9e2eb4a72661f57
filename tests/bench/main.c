/* main.c - `make bench-orders`: the figures of order placement, beside the broker's own echo rate,
 * in one run. With the argument "suite": `make bench` (suite.c). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "bench.h"
#include "service/names.h"
#include "suite.h"

#define WARM_UPS 3 /* rounds until the lanes know the tokens */
#define ROUNDS   4 /* of BENCH_USERS orders each */
#define ECHOES   60000

struct figures {
    double echo, uniform, hot, p50_one_ms, cpu_ms_per_order, lane_rss_mib;
    double all_pools;
    struct result echo_run, uniform_run, hot_run;
};

static struct result place_orders(struct bench *bench, int64_t count, size_t window)
{
    const struct bench_load load = {.request = bench_order, .count = count, .window = window};
    return bench_load(bench, &load);
}

/* Rounds of one order per user; filling the carts in between is not measured. */
static struct result rounds(struct bench *bench, const char *title, size_t skus)
{
    struct result total = {0};
    for (int i = 0; i < ROUNDS; i++) {
        bench_fill_carts(bench, skus);
        const struct result round = place_orders(bench, BENCH_USERS, BENCH_WINDOW);
        fprintf(stderr, "  %s, round %d of %d: %.0f orders/s\n", title, i + 1, ROUNDS,
                (double)round.count / round.seconds);
        result_add(&total, &round);
    }
    return total;
}

static void write_json(const struct figures *f)
{
    mkdir(".run", 0755);
    FILE *file = fopen(".run/bench-orders.json", "w");
    if (!file)
        return;
    fprintf(file,
            "{\"echo\": %.0f, \"uniform\": %.0f, \"hot\": %.0f, \"p50OneMs\": %.2f, "
            "\"cpuMsPerOrder\": %.4f, \"laneRssMiB\": %.1f}\n",
            f->echo, f->uniform, f->hot, f->p50_one_ms, f->cpu_ms_per_order, f->lane_rss_mib);
    fclose(file);
}

/* Where the time of a request goes. */
static void print_cpu(const char *title, const struct result *result)
{
    const double us = 1e6 / (double)result->count;
    const struct cpu *cpu = &result->cpu;
    const double sum = cpu->broker + cpu->database + cpu->locks + cpu->lanes + cpu->load;
    printf("%-44s %9.0f %9.0f %9.0f %9.0f %9.0f %8.0f%%\n", title, cpu->broker * us,
           cpu->database * us, cpu->locks * us, cpu->lanes * us, cpu->load * us,
           100 * sum / (result->seconds * (double)bench_cores()));
}

static void print_cpus(const struct figures *f)
{
    printf("\n%-44s %9s %9s %9s %9s %9s %9s\n", "CPU us per request", "RabbitMQ", "mongod", "Redis",
           "lanes", "load", "machine");
    print_cpu("broker alone", &f->echo_run);
    print_cpu("orders, 1000 SKUs", &f->uniform_run);
    print_cpu("orders, 10 SKUs", &f->hot_run);
}

static void print_table(const struct figures *f)
{
    printf("\n%-44s %9s %9s %9s %9s\n", "", "per s", "of echo", "p50 ms", "p99 ms");
    printf("%-44s %9.0f %8.0f%%\n", "broker alone (echo, 512 in flight)", f->echo, 100.0);
    printf("%-44s %9.0f %8.0f%% %9.1f %9.1f\n", "orders, 512 in flight, 1000 SKUs", f->uniform,
           100 * f->uniform / f->echo, result_ms(&f->uniform_run, 50),
           result_ms(&f->uniform_run, 99));
    printf("%-44s %9.0f %8.0f%% %9.1f %9.1f\n", "orders, 512 in flight, 10 SKUs", f->hot,
           100 * f->hot / f->echo, result_ms(&f->hot_run, 50), result_ms(&f->hot_run, 99));
    printf("%-44s %9.0f %8.0f%%\n", "orders, 1000 SKUs, notifications taken up", f->all_pools,
           100 * f->all_pools / f->echo);
    printf("%-44s %29.2f\n", "orders, 1 in flight", f->p50_one_ms);
    printf("\nworker CPU per order  %.3f ms\n", f->cpu_ms_per_order);
    printf("lane RSS, largest     %.1f MiB\n", f->lane_rss_mib);
}

static void warm_up(struct bench *bench)
{
    for (int i = 0; i < WARM_UPS; i++) {
        bench_fill_carts(bench, BENCH_SKUS);
        place_orders(bench, BENCH_USERS, BENCH_WINDOW);
        fprintf(stderr, "  warmed up, %d of %d\n", i + 1, WARM_UPS);
    }
}

/* Placing orders alone: token, schema, lock, transaction, journal, event, reply. */
static int64_t measure_orders(struct bench *bench, struct figures *f)
{
    bench_start_workers(bench, "shop");
    warm_up(bench);
    const struct result uniform = rounds(bench, "1000 SKUs", BENCH_SKUS);
    const struct result hot = rounds(bench, "10 SKUs", BENCH_HOT_SKUS);
    bench_fill_carts(bench, BENCH_SKUS);
    const struct result one = place_orders(bench, 1000, 1);
    f->p50_one_ms = result_ms(&one, 50);
    f->uniform = result_rate(&uniform);
    f->hot = result_rate(&hot);
    f->cpu_ms_per_order = 1000 * uniform.cpu.lanes / (double)uniform.count;
    f->uniform_run = uniform;
    f->hot_run = hot;
    f->lane_rss_mib = bench_lane_rss(bench);
    bench_stop_workers(bench);
    return uniform.refused + hot.refused;
}

/* The same while another pool takes up each order's event, stores a notification and publishes two
 * messages. */
static int64_t measure_all_pools(struct bench *bench, struct figures *f)
{
    bench_start_workers(bench, NULL);
    bench_await_empty(bench, name_event_queue(&bench->arena, bench->settings->engine.prefix,
                                              STR("notification")));
    const struct result all = rounds(bench, "1000 SKUs, all pools", BENCH_SKUS);
    f->all_pools = result_rate(&all);
    bench_stop_workers(bench);
    return all.refused;
}

static int64_t bench_orders(struct bench *bench)
{
    struct figures f = {0};
    fprintf(stderr, "  echo\n");
    f.echo_run = bench_echo(bench, ECHOES, BENCH_WINDOW);
    f.echo = result_rate(&f.echo_run);
    int64_t refused = measure_orders(bench, &f);
    refused += measure_all_pools(bench, &f);
    print_table(&f);
    print_cpus(&f);
    write_json(&f);
    return refused;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    if (argc > 1 && strcmp(argv[1], "suite") == 0) {
        const bool is_part = argc == 4 && strcmp(argv[2], "--only") == 0;
        if (argc != 2 && !is_part)
            bench_die("usage", &(struct err){.text = "bench_orders [suite [--only PREFIX]]"});
        bench_suite(&bench, is_part ? argv[3] : "");
        return 0;
    }
    bench_set_up(&bench, NULL);
    return bench_orders(&bench) ? 1 : 0;
}
