/* main.c - life [--only NAME] [--rolls N] [--stirs N]: messages that kill, stages of a drain, reloads, health, and connections
 * that must hold; with real servers and a real supervisor over a kitchen. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/auth.h"
#include "life/life.h"
#include "shop.h"
#include "wire/json.h"

/* Each restart takes about a second; a hundred are for a run by hand. */
#define ROLLS 3
/* Of each of 40 pots. */
#define STIRS 400

static const struct life_test *const tables[] = {crash_tests, cycle_tests, bus_tests,
                                                 roll_tests,  order_tests, reload_tests,
                                                 stuck_tests, slow_tests};

void life_fail(struct life *life, const char *format, ...)
{
    va_list args;
    if (!life->failed)
        fprintf(stderr, "%s:\n", life->test);
    life->failed = true;
    fputs("  ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

_Noreturn void life_die(const char *what, const char *why)
{
    fprintf(stderr, "life: %s: %s\n", what, why);
    exit(1);
}

void life_sleep_ms(int64_t ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL); /* cut short by a signal: whoever waits looks again */
}

/* "mongodb://host:port/cartwright?replicaSet=rs0" with our own database. */
static void use_own_database(struct arena *arena)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    if (!uri)
        life_die("the environment", "CARTWRIGHT_MONGODB_URI is not set");
    const char *host = strstr(uri, "://");
    const size_t end = host ? (size_t)(host + 3 - uri) + strcspn(host + 3, "/?") : 0;
    const char *options = strchr(uri, '?');
    setenv("CARTWRIGHT_MONGODB_URI",
           str_printf(arena, "%.*s/" LIFE_PREFIX "%s", (int)end, uri, options ? options : "").ptr,
           1);
}

static void open_world(struct life *life)
{
    static struct str domains[] = {{"kitchen", 7}};
    const char *dir = getenv("RIG_DIR");
    struct config config;
    struct err err = {0};
    arena_init(&life->home, 1 << 16);
    arena_init(&life->arena, 1 << 16);
    use_own_database(&life->home);
    json_init();
    if (auth_init(&err) != OUTCOME_DONE ||
        config_load(&app_config, getenv("CONFIG"), &life->home, &config, &err) != OUTCOME_DONE)
        life_die("the configuration", err.text);
    dir = dir ? dir : "build/test-run";
    life->log_path = str_printf(&life->home, "%s/log/life-workers.log", dir).ptr;
    life->status_path = str_printf(&life->home, "%s/life-status.json", dir).ptr;
    life->service = kitchen_service();
    life->engine = ((const struct app_settings *)config.settings)->engine;
    life->engine.prefix = STR(LIFE_PREFIX);
    life->engine.status_file = str_of(life->status_path);
    life->pool = (struct pool_settings){.name = STR("kitchen"), .domains = {domains, 1}};
    guest_open(life);
    host_prepare(life);
}

void life_begin(struct life *life)
{
    arena_clear(&life->arena);
    life->reload = (struct reload){0};
    life->reply_count = 0;
    life->repeats = 0;
    life->latency = (struct latency){0};
    memset(life->requests, 0, sizeof(life->requests));
    life->engine.amqp_heartbeat_ms = 10000;
    life->engine.mongodb_timeout_ms = 20000;
    life->engine.amqp_timeout_ms = 5000;
    life->engine.redis_timeout_ms = 300;
    life->engine.drain_ms = 25000;
    life->engine.partitions.count = 0;
    life->engine.lease_ms = 5000;
    life->pool.lanes = 1;
    life->pool.batch_max = 200;
    life->pool.prefetch = 400;
    life->pool.pipeline_min = 32;
    life->pool.handler_ms = 20000;
    life->pool.memory_max = 0;
    guest_clear(life);
}

static bool run_test(struct life *life, const struct life_test *test)
{
    const int64_t begin_us = clock_monotonic_us();
    life->test = test->name;
    life->failed = false;
    life_begin(life);
    test->run(life);
    host_kill(life);
    printf("  %-40s %s (%.1f s)\n", test->name, life->failed ? "FAILED" : "ok",
           (double)(clock_monotonic_us() - begin_us) / 1e6);
    fflush(stdout);
    return !life->failed;
}

static bool read_options(int argc, char **argv, const char **only, struct life *life)
{
    life->rolls = ROLLS;
    life->stirs = STIRS;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--only") == 0)
            *only = argv[i + 1];
        else if (strcmp(argv[i], "--rolls") == 0)
            life->rolls = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--stirs") == 0)
            life->stirs = (int)strtol(argv[i + 1], NULL, 10);
        else
            return false;
    }
    return argc % 2 == 1 && life->rolls > 0 && life->stirs > 0;
}

int main(int argc, char **argv)
{
    static struct life life;
    const char *only = "";
    int passed = 0;
    int failed = 0;
    if (!read_options(argc, argv, &only, &life)) {
        fprintf(stderr, "usage: life [--only NAME] [--rolls N] [--stirs N]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    open_world(&life);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        for (const struct life_test *test = tables[i]; test->name; test++) {
            if (strncmp(test->name, only, strlen(only)) != 0)
                continue;
            if (run_test(&life, test))
                passed++;
            else
                failed++;
        }
    bus_close(life.bus);
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
