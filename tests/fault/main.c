/* main.c - fault [--only NAME] [--times N] [--long]: races, kills, restarts and bad input, on real servers and
 * the real workers.
 *
 * --only runs the tests whose name begins with NAME, --long those that take minutes, too. A test whose
 * server was not started by the rig is skipped: it may not be stopped. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "fault/fault.h"

#define FAILURES_SHOWN 12

static const struct fault_test *const tables[] = {race_tests, kill_tests, restart_tests,
                                                  outage_tests, bad_input_tests};

struct run {
    const char *only;
    int times;
    bool is_long;
    int passed, failed, skipped;
};

void fault_fail(struct fault *fault, const char *format, ...)
{
    va_list args;
    if (!fault->failed)
        fprintf(stderr, "%s:\n", fault->test);
    fault->failed = true;
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
    workers_start(fault, test->crashpoint);
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

static bool read_options(int argc, char **argv, struct run *run)
{
    *run = (struct run){.times = 1};
    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--long") == 0)
            run->is_long = true;
        else if (strcmp(argv[i], "--only") == 0 && has_value)
            run->only = argv[++i];
        else if (strcmp(argv[i], "--times") == 0 && has_value)
            run->times = (int)strtol(argv[++i], NULL, 10);
        else
            return false;
    }
    return run->times > 0;
}

int main(int argc, char **argv)
{
    static struct fault fault;
    struct run run;
    if (!read_options(argc, argv, &run)) {
        fprintf(stderr, "usage: fault [--only NAME] [--times N] [--long]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    world_open(&fault);
    for (int i = 0; i < run.times; i++)
        run_all(&fault, &run);
    world_close(&fault);
    printf("%d passed, %d failed", run.passed, run.failed);
    printf(run.skipped ? ", %d skipped\n" : "\n", run.skipped);
    return run.failed ? 1 : 0;
}
