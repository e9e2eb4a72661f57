/* compare.c - `make bench`: the same orders, placed by Cartwright and by workers as other teams write
 * them, on the same servers in one run. */
#include <stdio.h>
#include <sys/utsname.h>

#include "bench.h"

#define WARM_UPS 3

struct workload {
    const char *name; /* in docs/benchmarks.json */
    const char *title;
    bench_request_fn *request;
    const char *operation;
    size_t skus; /* in the carts; 0: a flash sale of one */
    size_t window;
    int64_t count,
        peer_count; /* requests; a peer needs less for as many seconds, or does not run */
};

static const struct workload workloads[] = {
    {"ordersUniform", "orders, 1,000 SKUs", bench_order, "order.place", BENCH_SKUS, BENCH_WINDOW,
     20000, 4000},
    {"ordersHot", "orders, 10 SKUs", bench_order, "order.place", BENCH_HOT_SKUS, BENCH_WINDOW,
     20000, 2000},
    {"flashSale", "flash sale, one SKU, stock for half", bench_order, "order.place", 0,
     BENCH_WINDOW, BENCH_USERS, 1000},
    {"orders32", "orders, 1,000 SKUs, 32 in flight", bench_order, "order.place", BENCH_SKUS, 32,
     5000, 2000},
    {"orders1", "orders, 1,000 SKUs, 1 in flight", bench_order, "order.place", BENCH_SKUS, 1, 500,
     300},
    {"mix", "a shop's mix", bench_mix, "", BENCH_SKUS, BENCH_WINDOW, 30000, 0},
    {"cartItemAdd", "cart.item.add", bench_cart_add, "cart.item.add", BENCH_SKUS, BENCH_WINDOW,
     20000, 0},
    {"productGet", "product.get", bench_product_get, "product.get", BENCH_SKUS, BENCH_WINDOW, 60000,
     0},
    {"productList", "product.list, the first 20", bench_product_list, "product.list", BENCH_SKUS,
     BENCH_WINDOW, 40000, 0},
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

/* With how many messages in work a peer is tried; the best goes on. */
static const int sweep[] = {8, 32, 128};

#define SWEEP_ORDERS 1500

enum contestant { ECHO, CARTWRIGHT, NODE, GO, CONTESTANTS };

static const char *const contestant_names[] = {"echo", "cartwright", "node", "go"};

struct comparison {
    struct result results[CONTESTANTS][WORKLOADS]; /* count 0: not run */
    int concurrency[CONTESTANTS];
};

/* --- measuring ---------------------------------------------------------------------------------- */

/* Every buyer is answered, and exactly the stock is sold. */
static struct result sell_out(struct bench *bench, struct str operation, int64_t buyers)
{
    const struct good good = bench_flash_sale(bench, buyers / 2);
    const struct bench_load load = {
        .request = bench_order, .operation = operation, .count = buyers, .window = BENCH_WINDOW};
    struct result result = bench_load(bench, &load);
    if (result.refused != buyers - buyers / 2 || bench_available(bench, &good) != 0)
        bench_die("flash sale", &(struct err){.text = "not exactly the stock was sold"});
    result.refused = 0; /* no is an answer, too */
    return result;
}

/* Orders in rounds of at most one per user; filling the carts in between is not measured. */
static struct result in_rounds(struct bench *bench, const struct workload *work,
                               struct str operation, int64_t count)
{
    const int64_t round_max = work->request == bench_order ? BENCH_USERS : count;
    struct result sum = {0};
    while (sum.count < count) {
        bench_fill_carts(bench, work->skus);
        const int64_t left = count - sum.count;
        const struct bench_load load = {
            .request = work->request,
            .operation = operation,
            .count = left < round_max ? left : round_max,
            .window = work->window,
        };
        const struct result round = bench_load(bench, &load);
        result_add(&sum, &round);
    }
    return sum;
}

static struct result run(struct bench *bench, const struct workload *work, struct str operation,
                         int64_t count)
{
    return work->skus ? in_rounds(bench, work, operation, count)
                      : sell_out(bench, operation, count);
}

/* operation: what the contestant serves; absent: that of the workload. */
static void run_all(struct bench *bench, struct comparison *all, enum contestant who,
                    struct str operation)
{
    for (size_t i = 0; i < WORKLOADS; i++) {
        const struct workload *work = &workloads[i];
        const int64_t count = who == CARTWRIGHT ? work->count : work->peer_count;
        struct result *result = &all->results[who][i];
        if (count == 0)
            continue;
        *result =
            run(bench, work, str_is_absent(operation) ? str_of(work->operation) : operation, count);
        fprintf(stderr, "  %s: %s: %.0f per s, p50 %.1f ms\n", contestant_names[who], work->title,
                result_rate(result), result->p50_ms);
    }
}

static void measure_cartwright(struct bench *bench, struct comparison *all)
{
    bench_start_workers(bench, "shop");
    (void)run(bench, &workloads[0], STR("order.place"), WARM_UPS * BENCH_USERS);
    run_all(bench, all, CARTWRIGHT, STR_ABSENT);
    bench_stop_workers(bench);
}

static int best_concurrency(struct bench *bench, const char *name)
{
    int best = sweep[0];
    double best_rate = 0;
    for (size_t i = 0; i < sizeof(sweep) / sizeof(sweep[0]); i++) {
        const struct str operation = bench_start_peer(bench, name, sweep[i]);
        const struct result result = run(bench, &workloads[0], operation, SWEEP_ORDERS);
        bench_stop_peer(bench);
        fprintf(stderr, "  %s with %d in work: %.0f per s\n", name, sweep[i], result_rate(&result));
        if (result_rate(&result) > best_rate) {
            best_rate = result_rate(&result);
            best = sweep[i];
        }
    }
    return best;
}

static void measure_peer(struct bench *bench, struct comparison *all, enum contestant who)
{
    const char *name = contestant_names[who];
    all->concurrency[who] = best_concurrency(bench, name);
    const struct str operation = bench_start_peer(bench, name, all->concurrency[who]);
    run_all(bench, all, who, operation);
    bench_stop_peer(bench);
}

/* --- telling ------------------------------------------------------------------------------------ */

static double better_peer(const struct comparison *all, size_t workload)
{
    const double node = result_rate(&all->results[NODE][workload]);
    const double go = result_rate(&all->results[GO][workload]);
    return node > go ? node : go;
}

static void write_cells(FILE *out, const struct result *result)
{
    if (result->count)
        fprintf(out, " %.0f | %.1f / %.1f |", result_rate(result), result->p50_ms, result->p99_ms);
    else
        fprintf(out, " | |");
}

static void write_row(FILE *out, const struct comparison *all, size_t i)
{
    const struct result *ours = &all->results[CARTWRIGHT][i];
    fprintf(out, "| %s |", workloads[i].title);
    write_cells(out, ours);
    write_cells(out, &all->results[NODE][i]);
    write_cells(out, &all->results[GO][i]);
    if (workloads[i].peer_count)
        fprintf(out, " %.1fx |", result_rate(ours) / better_peer(all, i));
    else
        fprintf(out, " |");
    fprintf(out, " %.0f %% |\n", 100 * result_rate(ours) / result_rate(&all->results[ECHO][0]));
}

static double worker_cpu_ms(const struct comparison *all, enum contestant who, size_t workload)
{
    const struct result *result = &all->results[who][workload];
    return result->count ? 1000 * result->cpu.lanes / (double)result->count : 0;
}

static void write_markdown(FILE *out, const struct comparison *all)
{
    struct utsname machine;
    uname(&machine);
    fprintf(
        out,
        "# Benchmarks\n"
        "Written by `make bench`: one run, all servers, workers and the load on one machine\n"
        "(%s, Linux %s, %ld cores). An order is two lines of stock checked and taken, the order\n"
        "stored, the cart cleared (`w:majority`, `j:true`), the event confirmed, the reply sent,\n"
        "under a lock per SKU and with a verified token; Cartwright does it with schema and\n"
        "journal on top. Node.js worked on %d messages at once, Go on %d: the best of a sweep.\n"
        "Rates are per second, with 512 requests in flight if nothing else is said; p50 / p99\n"
        "in ms.\n\n"
        "| | Cartwright | p50 / p99 | Node.js | p50 / p99 | Go | p50 / p99 | to the better | "
        "of the echo |\n"
        "|---|---|---|---|---|---|---|---|---|\n",
        machine.machine, machine.release, bench_cores(), all->concurrency[NODE],
        all->concurrency[GO]);
    for (size_t i = 0; i < WORKLOADS; i++)
        write_row(out, all, i);
    fprintf(
        out,
        "\nThe broker alone (an order's request through a quorum queue, an empty reply): %.0f per\n"
        "second. CPU of the workers per uniform order: Cartwright %.3f ms, Node.js %.2f ms, Go\n"
        "%.2f ms.\n",
        result_rate(&all->results[ECHO][0]), worker_cpu_ms(all, CARTWRIGHT, 0),
        worker_cpu_ms(all, NODE, 0), worker_cpu_ms(all, GO, 0));
}

static void write_json(FILE *out, const struct comparison *all)
{
    fprintf(out, "{");
    for (int who = 0; who < CONTESTANTS; who++) {
        fprintf(out, "%s\n  \"%s\": {", who ? "," : "", contestant_names[who]);
        const char *comma = "";
        for (size_t i = 0; i < WORKLOADS; i++) {
            const struct result *result = &all->results[who][i];
            if (!result->count)
                continue;
            fprintf(out,
                    "%s\n    \"%s\": {\"rate\": %.0f, \"p50Ms\": %.2f, \"p99Ms\": %.2f, "
                    "\"cpuMsPerRequest\": %.4f}",
                    comma, who == ECHO ? "echo" : workloads[i].name, result_rate(result),
                    result->p50_ms, result->p99_ms,
                    1000 * result->cpu.lanes / (double)result->count);
            comma = ",";
        }
        fprintf(out, "\n  }");
    }
    fprintf(out, "\n}\n");
}

static void write_file(const char *path, const struct comparison *all,
                       void (*write)(FILE *out, const struct comparison *all))
{
    FILE *file = fopen(path, "w");
    if (!file)
        bench_die(path, &(struct err){.text = "cannot be written"});
    write(file, all);
    fclose(file);
}

void bench_compare(struct bench *bench)
{
    struct comparison all = {0};
    fprintf(stderr, "  echo\n");
    all.results[ECHO][0] = bench_echo(bench, 60000);
    measure_cartwright(bench, &all);
    measure_peer(bench, &all, NODE);
    measure_peer(bench, &all, GO);
    write_file("docs/benchmarks.md", &all, write_markdown);
    write_file("docs/benchmarks.json", &all, write_json);
    write_markdown(stdout, &all);
}
