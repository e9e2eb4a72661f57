/* suite.c - `make bench`: the same requests to Cartwright and to workers as other teams write them,
 * on the same servers in one run; then what lanes, batches, memory and a full database do to
 * Cartwright.
 *
 * A machine that others share is sometimes twice as slow for a minute, so what is compared is run
 * close together: contestants and variants take turns, pass by pass, each time with a new shop; a
 * grown shop takes turns with a small one. */
#include "suite.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PASSES          3
#define ECHOES          60000
#define ECHOES_ONE      1000
#define MEASURE_SECONDS 2.5
#define OPEN_SECONDS    4.0
#define WARM_SECONDS    3.0 /* until tokens are known and compilers have done what they do */
#define SWEEP_SECONDS   3.0
#define CALM_SECONDS    65 /* after bulk loading: MongoDB writes a checkpoint every minute */
#define GROWTH_TURNS    2

static const struct workload workloads[] = {
    {"ordersUniform", "orders, 1,000 SKUs", bench_order, BENCH_SKUS, BENCH_WINDOW},
    {"ordersHot", "orders, 10 SKUs", bench_order, BENCH_HOT_SKUS, BENCH_WINDOW},
    {"flashSale", "flash sale, one SKU, stock for half", bench_order, 0, BENCH_WINDOW},
    {"orders32", "orders, 1,000 SKUs, 32 in flight", bench_order, BENCH_SKUS, 32},
    {"orders1", "orders, 1,000 SKUs, 1 in flight", bench_order, BENCH_SKUS, 1},
    {"mix", "a shop's mix", bench_mix, BENCH_SKUS, BENCH_WINDOW},
    {"cartItemAdd", "cart.item.add", bench_cart_add, BENCH_SKUS, BENCH_WINDOW},
    {"productGet", "product.get", bench_product_get, BENCH_SKUS, BENCH_WINDOW},
    {"productList", "product.list, the first 20", bench_product_list, BENCH_SKUS, BENCH_WINDOW},
};

#define UNIFORM (&workloads[0])
#define MIX     (&workloads[5])

/* The rates of the open loop, in per cent of what the closed loop came to. */
static const struct share {
    const char *name;
    int percent;
    bool for_peers;
} shares[] = {{"ordersOpen25", 25, false},
              {"ordersOpen50", 50, true},
              {"ordersOpen75", 75, false},
              {"ordersOpen90", 90, false}};

static const struct variant {
    const char *name;
    int64_t lanes, batch_max;
} variants[] = {
    {"ordersLanes1", 1, 0},     {"ordersLanes2", 2, 0}, {"ordersLanes4", 4, 0},
    {"ordersBatch1", 1, 1},     {"ordersBatch8", 1, 8}, {"ordersBatch32", 1, 32},
    {"ordersBatch128", 1, 128},
};

/* Of fresh workers, one after the other. */
static const struct memory {
    const char *name;
    int64_t requests; /* altogether */
} memories[] = {{"memory20k", 20000}, {"memory200k", 200000}};

static const struct workload growth_workloads[] = {
    {"ordersUniform", "orders, 1,000 SKUs", bench_order, BENCH_SKUS, BENCH_WINDOW},
    {"cartItemAdd", "cart.item.add", bench_cart_add, BENCH_SKUS, BENCH_WINDOW},
    {"productGet", "product.get of 1,000", bench_product_get, BENCH_SKUS, BENCH_WINDOW},
    {"productGetAll", "product.get of all", bench_product_get_all, BENCH_SKUS, BENCH_WINDOW},
    {"productList", "product.list, the first 20", bench_product_list, BENCH_SKUS, BENCH_WINDOW},
    {"mix", "a shop's mix", bench_mix, BENCH_SKUS, BENCH_WINDOW},
};

static const struct stage {
    const char *name;
    int64_t products, orders, users;
} stages[] = {{"100kProducts", 100000, 0, 0},
              {"1mProducts", 1000000, 0, 0},
              {"1mOrders", 1000000, 1000000, 100000}};

/* With how many messages in work a peer is tried; the best goes on. */
static const int sweep[] = {8, 16, 32, 64, 128};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct suite {
    struct bench *bench;
    struct results *results;
    const char *only;
    int64_t start_us;
    enum contestant who;
    int pass;                   /* from 1 */
    struct circumstances about; /* all runs of the contestant or stage */
    double uniform_rate;        /* of the contestant in this pass; 0: not measured */
    int concurrency[CONTESTANTS];
};

/* --- telling ---------------------------------------------------------------------------------- */

static bool is_wanted(const struct suite *suite, const char *name, const char *suffix)
{
    char whole[64];
    snprintf(whole, sizeof(whole), "%s%s", name, suffix);
    return strncmp(whole, suite->only, strlen(suite->only)) == 0;
}

static void say(const struct suite *suite, const char *text)
{
    fprintf(stderr, "  %4lld s  pass %d  %-10s %s\n",
            (long long)((clock_monotonic_us() - suite->start_us) / 1000000), suite->pass,
            contestant_names[suite->who], text);
}

static void put(const struct suite *suite, const char *name, const char *title,
                const struct result *result, const struct circumstances *about)
{
    char line[256];
    results_put(suite->results, suite->who, str_of(name), str_of(title), result, about);
    snprintf(line, sizeof(line), "%-28s %8.0f per s, p50 %8.2f ms, p99 %8.2f ms, %.1f s", name,
             result_rate(result), result_ms(result, 50), result_ms(result, 99), result->seconds);
    say(suite, line);
}

/* --- runs ------------------------------------------------------------------------------------- */

static void warm_up(const struct suite *suite)
{
    (void)measure_closed(suite->bench, UNIFORM, WARM_SECONDS);
    (void)measure_closed(suite->bench, MIX, WARM_SECONDS / 2);
}

static void run_closed(struct suite *suite, const struct workload *work, const char *suffix)
{
    char name[64];
    struct circumstances about = suite->about;
    if (!is_wanted(suite, work->name, suffix))
        return;
    const struct result result = measure_closed(suite->bench, work, MEASURE_SECONDS);
    about.window = work->window;
    snprintf(name, sizeof(name), "%s%s", work->name, suffix);
    put(suite, name, work->title, &result, &about);
    if (work == UNIFORM)
        suite->uniform_rate = result_rate(&result);
}

static double uniform_rate(struct suite *suite)
{
    if (suite->uniform_rate <= 0) {
        const struct result result = measure_closed(suite->bench, UNIFORM, MEASURE_SECONDS);
        suite->uniform_rate = result_rate(&result);
    }
    return suite->uniform_rate;
}

static bool wants_share(const struct suite *suite, const struct share *share)
{
    return is_wanted(suite, share->name, "") && (suite->who == CARTWRIGHT || share->for_peers);
}

static void run_open(struct suite *suite, const struct share *share)
{
    char title[128];
    struct circumstances about = suite->about;
    if (!wants_share(suite, share))
        return;
    about.offered_rate = uniform_rate(suite) * share->percent / 100;
    const struct result result = measure_open(suite->bench, about.offered_rate, OPEN_SECONDS);
    snprintf(title, sizeof(title), "orders, 1,000 SKUs, open loop at %d %%", share->percent);
    put(suite, share->name, title, &result, &about);
}

static bool wants_common(const struct suite *suite)
{
    bool wanted = false;
    for (size_t i = 0; i < COUNT(workloads); i++)
        wanted = wanted || is_wanted(suite, workloads[i].name, "");
    for (size_t i = 0; i < COUNT(shares); i++)
        wanted = wanted || wants_share(suite, &shares[i]);
    return wanted;
}

/* What all contestants do. */
static void run_common(struct suite *suite)
{
    warm_up(suite);
    for (size_t i = 0; i < COUNT(workloads); i++)
        run_closed(suite, &workloads[i], "");
    for (size_t i = 0; i < COUNT(shares); i++)
        run_open(suite, &shares[i]);
}

/* --- Cartwright ------------------------------------------------------------------------------- */

static void run_variant(struct suite *suite, const struct variant *variant)
{
    struct circumstances about = {
        .window = BENCH_WINDOW, .lanes = variant->lanes, .batch_max = variant->batch_max};
    char title[128];
    if (!is_wanted(suite, variant->name, ""))
        return;
    bench_vary_pool(suite->bench, variant->lanes, variant->batch_max);
    bench_start_workers(suite->bench, "shop");
    warm_up(suite);
    const struct result result = measure_closed(suite->bench, UNIFORM, MEASURE_SECONDS);
    about.lane_rss_mib = bench_lane_rss(suite->bench);
    bench_stop_workers(suite->bench);
    bench_vary_pool(suite->bench, 0, 0);
    if (variant->batch_max)
        snprintf(title, sizeof(title), "orders, 1,000 SKUs, batches of at most %lld",
                 (long long)variant->batch_max);
    else
        snprintf(title, sizeof(title), "orders, 1,000 SKUs, %lld lanes", (long long)variant->lanes);
    put(suite, variant->name, title, &result, &about);
}

static void run_memory(struct suite *suite)
{
    struct circumstances about = {.window = BENCH_WINDOW};
    char title[128];
    int64_t done = 0;
    bench_start_workers(suite->bench, "shop");
    for (size_t i = 0; i < COUNT(memories); i++) {
        const struct memory *memory = &memories[i];
        if (!is_wanted(suite, memory->name, ""))
            continue;
        const struct result result = measure_mix(suite->bench, memory->requests - done);
        done = memory->requests;
        about.lane_rss_mib = bench_lane_rss(suite->bench);
        snprintf(title, sizeof(title), "a shop's mix, to %lld requests", (long long)done);
        put(suite, memory->name, title, &result, &about);
    }
    bench_stop_workers(suite->bench);
}

/* A new shop in every pass. */
static void set_up(struct suite *suite)
{
    char state[32];
    snprintf(state, sizeof(state), "%s%d", contestant_names[suite->who], suite->pass);
    bench_set_up(suite->bench, state);
    suite->uniform_rate = 0;
}

static void measure_cartwright(struct suite *suite)
{
    suite->who = CARTWRIGHT;
    set_up(suite);
    if (wants_common(suite)) {
        bench_start_workers(suite->bench, "shop");
        run_common(suite);
        bench_stop_workers(suite->bench);
    }
    for (size_t i = 0; i < COUNT(variants); i++)
        run_variant(suite, &variants[i]);
    if (suite->pass == PASSES &&
        (is_wanted(suite, memories[0].name, "") || is_wanted(suite, memories[1].name, "")))
        run_memory(suite);
    bench_tear_down(suite->bench);
}

/* --- growth ----------------------------------------------------------------------------------- */

static bool wants_stage(const struct suite *suite, const struct stage *stage)
{
    char suffix[32];
    bool wanted = false;
    snprintf(suffix, sizeof(suffix), "At%s", stage->name);
    for (size_t i = 0; i < COUNT(growth_workloads); i++)
        wanted = wanted || is_wanted(suite, growth_workloads[i].name, suffix);
    return wanted;
}

static void grow(struct suite *suite, const struct stage *stage)
{
    char line[64];
    bench_grow_products(suite->bench, stage->products);
    if (stage->orders)
        bench_grow_orders(suite->bench, stage->users, stage->orders);
    snprintf(line, sizeof(line), "the shop has grown: %s", stage->name);
    say(suite, line);
    sleep(CALM_SECONDS);
}

/* All workloads in one of the two shops; `where`: "At" or "Beside" the stage. */
static void run_turn(struct suite *suite, struct bench *shop, const char *where,
                     const struct stage *stage)
{
    struct bench *const grown = suite->bench;
    char suffix[32];
    snprintf(suffix, sizeof(suffix), "%s%s", where, stage->name);
    suite->bench = shop;
    bench_enter(shop);
    bench_start_workers(shop, "shop");
    if (shop->stored && stage->orders)
        bench_check_history(shop);
    warm_up(suite);
    for (size_t i = 0; i < COUNT(growth_workloads); i++)
        if (shop->stored || growth_workloads[i].request != bench_product_get_all)
            run_closed(suite, &growth_workloads[i], suffix);
    bench_stop_workers(shop);
    suite->bench = grown;
}

static void run_stage(struct suite *suite, struct bench *small, const struct stage *stage)
{
    const struct circumstances much = {.products = stage->products,
                                       .orders = stage->orders,
                                       .users = stage->users ? stage->users : BENCH_USERS};
    const struct circumstances little = {.products = BENCH_SKUS, .users = BENCH_USERS};
    suite->pass = 1;
    grow(suite, stage);
    for (; suite->pass <= GROWTH_TURNS; suite->pass++) {
        suite->about = little;
        run_turn(suite, small, "Beside", stage);
        suite->about = much;
        run_turn(suite, suite->bench, "At", stage);
    }
    suite->about = (struct circumstances){0};
}

static void measure_growth(struct suite *suite)
{
    static struct bench small;
    bool wanted = false;
    for (size_t i = 0; i < COUNT(stages); i++)
        wanted = wanted || wants_stage(suite, &stages[i]);
    if (!wanted)
        return;
    suite->who = CARTWRIGHT;
    bench_set_up(&small, "small");
    bench_set_up(suite->bench, "growth");
    for (size_t i = 0; i < COUNT(stages); i++)
        if (wants_stage(suite, &stages[i]))
            run_stage(suite, &small, &stages[i]);
    bench_forget_growth(suite->bench);
    bench_tear_down(suite->bench);
    bench_tear_down(&small);
}

/* --- peers ------------------------------------------------------------------------------------ */

static int best_concurrency(struct suite *suite, const char *name)
{
    int best = sweep[0];
    double best_rate = 0;
    for (size_t i = 0; i < COUNT(sweep); i++) {
        char line[64];
        bench_start_peer(suite->bench, name, sweep[i]);
        (void)measure_closed(suite->bench, UNIFORM, SWEEP_SECONDS / 2);
        const struct result result = measure_closed(suite->bench, UNIFORM, SWEEP_SECONDS);
        bench_stop_peer(suite->bench);
        snprintf(line, sizeof(line), "%d in work: %.0f per s", sweep[i], result_rate(&result));
        say(suite, line);
        if (result_rate(&result) > best_rate) {
            best_rate = result_rate(&result);
            best = sweep[i];
        }
    }
    return best;
}

static void measure_peer(struct suite *suite, enum contestant who)
{
    const char *name = contestant_names[who];
    suite->who = who;
    if (!wants_common(suite))
        return;
    set_up(suite);
    if (suite->concurrency[who] == 0)
        suite->concurrency[who] = best_concurrency(suite, name);
    suite->about = (struct circumstances){.concurrency = suite->concurrency[who]};
    bench_start_peer(suite->bench, name, suite->concurrency[who]);
    run_common(suite);
    bench_stop_peer(suite->bench);
    bench_tear_down(suite->bench);
    suite->about = (struct circumstances){0};
}

/* --- all -------------------------------------------------------------------------------------- */

static void run_echo(struct suite *suite, const char *name, const char *title, int64_t count,
                     size_t window)
{
    const struct result result = bench_echo(suite->bench, count, window);
    put(suite, name, title, &result, &(struct circumstances){.window = window});
}

static void measure_echo(struct suite *suite)
{
    suite->who = ECHO;
    set_up(suite);
    run_echo(suite, "echo", "broker alone", ECHOES, BENCH_WINDOW);
    run_echo(suite, "echo1", "broker alone, 1 in flight", ECHOES_ONE, 1);
    bench_tear_down(suite->bench);
}

/* Growth is last: a full database would weigh on who comes after it. */
void bench_suite(struct bench *bench, const char *only)
{
    struct suite suite = {
        .bench = bench, .results = results_new(), .only = only, .start_us = clock_monotonic_us()};
    for (suite.pass = 1; suite.pass <= PASSES; suite.pass++) {
        measure_echo(&suite);
        measure_cartwright(&suite);
        measure_peer(&suite, NODE);
        measure_peer(&suite, GO);
    }
    measure_growth(&suite);
    results_free(suite.results);
}
