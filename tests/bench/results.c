/* results.c - named results, and the file that others read them from. */
#include <stdlib.h>
#include <sys/stat.h>

#include "suite.h"

#define FILE_NAME   ".run/bench.json"
#define RESULTS_MAX 128
#define PASSES_MAX  5

struct named {
    enum contestant who;
    char name[64];
    char title[128];
    struct result passes[PASSES_MAX]; /* by rate, the lowest first */
    size_t pass_count;
    struct circumstances circumstances;
};

struct results {
    size_t count;
    struct named items[RESULTS_MAX];
};

const char *const contestant_names[] = {"echo", "cartwright", "node", "go"};

struct results *results_new(void)
{
    struct results *results = calloc(1, sizeof(*results));
    if (!results)
        bench_die("results", &(struct err){.text = "out of memory"});
    return results;
}

void results_free(struct results *results)
{
    free(results);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_latencies(FILE *out, const struct result *result)
{
    fprintf(
        out,
        "\"p50Ms\": %.3f, \"p90Ms\": %.3f, \"p99Ms\": %.3f, \"p999Ms\": %.3f, \"maxMs\": %.3f, ",
        result_ms(result, 50), result_ms(result, 90), result_ms(result, 99),
        result_ms(result, 99.9), result_ms(result, 100));
}

static void write_cpu(FILE *out, const struct result *result)
{
    const double us = 1e6 / (double)result->count;
    const struct cpu *cpu = &result->cpu;
    fprintf(out,
            "\"cpuMsPerRequest\": %.4f, \"cpuUs\": {\"broker\": %.1f, \"database\": %.1f, "
            "\"locks\": %.1f, \"workers\": %.1f, \"load\": %.1f}",
            cpu->lanes * us / 1000, cpu->broker * us, cpu->database * us, cpu->locks * us,
            cpu->lanes * us, cpu->load * us);
}

static void write_if(FILE *out, const char *name, double value)
{
    if (value > 0)
        fprintf(out, ", \"%s\": %.10g", name, value);
}

static void write_circumstances(FILE *out, const struct circumstances *about)
{
    write_if(out, "window", (double)about->window);
    write_if(out, "offeredRate", about->offered_rate);
    write_if(out, "concurrency", (double)about->concurrency);
    write_if(out, "lanes", (double)about->lanes);
    write_if(out, "batchMax", (double)about->batch_max);
    write_if(out, "products", (double)about->products);
    write_if(out, "orders", (double)about->orders);
    write_if(out, "users", (double)about->users);
    write_if(out, "laneRssMiB", about->lane_rss_mib);
}

/* The pass in the middle: a machine that others share is slower for some of them. */
static void write_one(FILE *out, const struct named *named)
{
    const struct result *result = &named->passes[(named->pass_count - 1) / 2];
    fprintf(out, "\n    \"%s\": {\"title\": \"%s\", \"rate\": %.1f, ", named->name, named->title,
            result_rate(result));
    write_latencies(out, result);
    fprintf(out, "\"requests\": %lld, \"refused\": %lld, ", (long long)result->count,
            (long long)result->refused);
    fprintf(out, "\"passes\": %zu, \"rateMin\": %.1f, \"rateMax\": %.1f, ", named->pass_count,
            result_rate(&named->passes[0]), result_rate(&named->passes[named->pass_count - 1]));
    write_cpu(out, result);
    write_circumstances(out, &named->circumstances);
    fprintf(out, "}");
}

static void write_all(const struct results *results)
{
    mkdir(".run", 0755);
    FILE *out = fopen(FILE_NAME, "w");
    if (!out)
        bench_die(FILE_NAME, &(struct err){.text = "cannot be written"});
    for (enum contestant who = 0; who < CONTESTANTS; who++) {
        const char *comma = "";
        fprintf(out, "%s\n  \"%s\": {", who ? "," : "{", contestant_names[who]);
        for (size_t i = 0; i < results->count; i++) {
            if (results->items[i].who != who)
                continue;
            fprintf(out, "%s", comma);
            write_one(out, &results->items[i]);
            comma = ",";
        }
        fprintf(out, "\n  }");
    }
    fprintf(out, "\n}\n");
    if (fclose(out) != 0)
        bench_die(FILE_NAME, &(struct err){.text = "cannot be written"});
}

static struct named *find(struct results *results, enum contestant who, struct str name)
{
    for (size_t i = 0; i < results->count; i++)
        if (results->items[i].who == who && str_eq(str_of(results->items[i].name), name))
            return &results->items[i];
    if (results->count == RESULTS_MAX)
        bench_die("results", &(struct err){.text = "too many"});
    struct named *named = &results->items[results->count++];
    named->who = who;
    snprintf(named->name, sizeof(named->name), "%.*s", STR_FMT(name));
    return named;
}

static void add_pass(struct named *named, const struct result *result)
{
    if (named->pass_count == PASSES_MAX)
        bench_die(named->name, &(struct err){.text = "was run too often"});
    size_t i = named->pass_count++;
    for (; i > 0 && result_rate(&named->passes[i - 1]) > result_rate(result); i--)
        named->passes[i] = named->passes[i - 1];
    named->passes[i] = *result;
}

void results_put(struct results *results, enum contestant who, struct str name, struct str title,
                 const struct result *result, const struct circumstances *circumstances)
{
    struct named *named = find(results, who, name);
    add_pass(named, result);
    named->circumstances = *circumstances;
    snprintf(named->title, sizeof(named->title), "%.*s", STR_FMT(title));
    write_all(results);
}
