/* main.c - races, kills, outages, bad input and a nemesis, on real servers and the real workers.
 *
 *   fault [--only NAME] [--times N] [--long]              the tests whose name begins with NAME
 *   fault --seconds S [--seeds A..B] [--faults LIST]      rounds of faults from seeds (nemesis.c)
 *
 * --long: those that take minutes, too. A test whose server was not started by the rig is skipped: it
 * may not be stopped. LIST: "each" row of the table of faults, all "pairs" of killed servers, or
 * "a+b,c": a round with a and b, and one with c. Without it the seed chooses. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "fault/fault.h"

#define FAILURES_SHOWN 30

static const struct fault_test *const tables[] = {race_tests, kill_tests, outage_tests,
                                                  bad_input_tests, bomb_tests};

struct run {
    const char *only;
    int times;
    bool is_long;
    bool nemesis;
    struct nemesis_options options;
    int passed, failed, skipped;
};

void fault_fail(struct fault *fault, const char *format, ...)
{
    va_list args;
    fault->failed = true;
    fault->failures++;
    if (fault->failures == 1)
        fprintf(stderr, "%s:\n", fault->test);
    if (fault->failures == FAILURES_SHOWN + 1)
        fprintf(stderr, "  ...\n");
    if (fault->failures > FAILURES_SHOWN)
        return;
    fputs("  ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void run_test(struct fault *fault, const struct fault_test *test, struct run *run)
{
    if (run->only && strncmp(test->name, run->only, strlen(run->only)) != 0)
        return;
    if (test->is_long && !run->is_long)
        return;
    if (test->server && !servers_are_ours(test->server)) {
        printf("  %-32s skipped: %s is not the rig's\n", test->name, test->server);
        run->skipped++;
        return;
    }
    const int64_t begin_us = clock_monotonic_us();
    fault->test = test->name;
    world_begin(fault);
    workers_start(fault, 1, test->crashpoint);
    test->run(fault);
    world_end(fault);
    printf("  %-32s %s (%.1f s)\n", test->name, fault->failed ? "FAILED" : "ok",
           (double)(clock_monotonic_us() - begin_us) / 1e6);
    fflush(stdout);
    run->passed += !fault->failed;
    run->failed += fault->failed;
}

static void run_all(struct fault *fault, struct run *run)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct fault_test *test = tables[i]; test->name; test++)
            run_test(fault, test, run);
}

static bool read_seeds(const char *text, struct nemesis_options *options)
{
    char *end;
    options->from = options->to = strtoull(text, &end, 10);
    if (strncmp(end, "..", 2) == 0)
        options->to = strtoull(end + 2, &end, 10);
    return *end == '\0' && options->from > 0 && options->to >= options->from;
}

static bool read_option(struct run *run, const char *name, const char *value)
{
    if (strcmp(name, "--only") == 0)
        run->only = value;
    else if (strcmp(name, "--times") == 0)
        run->times = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--seconds") == 0)
        run->options.seconds = strtol(value, NULL, 10);
    else if (strcmp(name, "--faults") == 0)
        run->options.faults = value;
    else if (strcmp(name, "--seeds") != 0 || !read_seeds(value, &run->options))
        return false;
    return true;
}

static bool read_options(int argc, char **argv, struct run *run)
{
    *run = (struct run){.times = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--long") == 0)
            run->is_long = true;
        else if (i + 1 == argc || !read_option(run, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    run->nemesis = run->options.seconds || run->options.from || run->options.faults;
    return run->times > 0;
}

int main(int argc, char **argv)
{
    static struct fault fault;
    struct run run;
    if (!read_options(argc, argv, &run)) {
        fprintf(stderr, "usage: fault [--only NAME] [--times N] [--long]\n"
                        "       fault [--seconds S] [--seeds A..B] [--faults LIST]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    world_open(&fault);
    if (run.nemesis)
        nemesis_run(&fault, &run.options, &run.passed, &run.failed);
    for (int i = 0; i < run.times && !run.nemesis; i++)
        run_all(&fault, &run);
    world_close(&fault);
    printf("%d passed, %d failed", run.passed, run.failed);
    printf(run.skipped ? ", %d skipped\n" : "\n", run.skipped);
    return run.failed ? 1 : 0;
}
