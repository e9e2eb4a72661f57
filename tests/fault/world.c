/* world.c - the shop that the tests do bad things to, from empty to drained. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "service/connections.h"
#include "service/names.h"
#include "wire/json.h"

#define ARENA_BLOCK ((size_t)1024 * 1024)
#define PRICE_FIRST 499
/* What a quorum queue says of its length is a moment old. */
#define COUNTS_SETTLE_US 3000000

void fault_sleep_ms(int64_t ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL); /* cut short by a signal: whoever waits looks again */
}

_Noreturn void fault_die(const char *what, const struct err *err)
{
    fprintf(stderr, "fault: %s: %s\n", what, err->text);
    exit(1);
}

/* --- opening ------------------------------------------------------------------------------------ */

/* "mongodb://host:port/cartwright?replicaSet=rs0" with our own database. */
static const char *own_database(struct arena *arena, const char *uri)
{
    const char *host = strstr(uri, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    const char *options = strchr(uri, '?');
    const size_t end = path      ? (size_t)(path - uri)
                       : options ? (size_t)(options - uri)
                                 : strlen(uri);
    return str_printf(arena, "%.*s/" FAULT_PREFIX "%s", (int)end, uri, options ? options : "").ptr;
}

/* The workers inherit it. Locks and the relay are quicker, so that faults heal while one watches. */
static void set_environment(struct fault *fault)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    if (!uri)
        fault_die("the environment", &(struct err){.text = "CARTWRIGHT_MONGODB_URI is not set"});
    fault->mongodb_uri = own_database(&fault->home, uri);
    setenv("CARTWRIGHT_MONGODB_URI", fault->mongodb_uri, 1);
    setenv("CARTWRIGHT_PREFIX", FAULT_PREFIX, 1);
    setenv("CARTWRIGHT_LOCK_LEASE", "1s", 1);
    setenv("CARTWRIGHT_RELAY_AGE", "1s", 1);
}

static void open_store(struct fault *fault)
{
    struct err err = {0};
    const struct store_options options =
        store_options_of(&fault->service, &fault->settings->engine);
    if (store_open(&options, &fault->store, &err) != OUTCOME_DONE ||
        store_ping(fault->store, &err) != OUTCOME_DONE)
        fault_die("the database", &err);
}

void world_open(struct fault *fault)
{
    struct err err = {0};
    struct config *config;
    *fault = (struct fault){0};
    arena_init(&fault->home, ARENA_BLOCK);
    arena_init(&fault->arena, ARENA_BLOCK);
    set_environment(fault);
    json_init();
    config = ARENA_NEW(&fault->home, struct config);
    if (auth_init(&err) != OUTCOME_DONE ||
        config_load(&app_config, getenv("CONFIG"), &fault->home, config, &err) != OUTCOME_DONE)
        fault_die("the configuration", &err);
    fault->settings = config->settings;
    fault->service = shop_service(fault->settings);
    fault->exchange = name_requests(&fault->home, fault->settings->engine.prefix);
    fault->log_path = str_printf(&fault->home, "%s/log/fault-workers.log", servers_dir()).ptr;
    if (!workers_command("topology") || !workers_command("index"))
        fault_die("cartwright topology, cartwright index", &(struct err){.text = "failed"});
    open_store(fault);
    spy_declare(fault);
}

void world_renew(struct fault *fault)
{
    if (!servers_mongodb(fault, FAULT_PREFIX, "{\"dropDatabase\":1}") || !workers_command("index"))
        fault_die("a new shop", &(struct err){.text = "failed"});
}

void world_close(struct fault *fault)
{
    store_close(fault->store);
    arena_release(&fault->arena);
    arena_release(&fault->home);
}

/* --- one test ----------------------------------------------------------------------------------- */

void world_begin(struct fault *fault)
{
    arena_clear(&fault->arena);
    fault->history = (struct calls){0};
    fault->goods = NULL;
    fault->good_count = fault->good_capacity = 0;
    fault->expected_dead = 0;
    fault->events_lost = false;
    fault->failed = false;
    fault->kills = fault->failures = 0;
    fault->reloads = fault->reloads_done = 0;
    spy_empty(fault, false); /* what a test that failed has left */
    spy_clear(fault);
    fault->began_ms = clock_now_ms();
    fixtures_init(&fault->fixtures, &fault->arena, fault->store, &fault->settings->engine);
}

struct good *world_good(struct fault *fault, int64_t stock)
{
    const struct money price = {PRICE_FIRST + (int64_t)fault->good_count, "GBP"};
    fault->goods = arena_grow(&fault->arena, fault->goods, fault->good_count, sizeof(struct good),
                              &fault->good_capacity);
    struct good *good = &fault->goods[fault->good_count++];
    *good = fixtures_good(&fault->fixtures, price, stock);
    return arena_copy(&fault->arena, good, sizeof(*good));
}

/* Nothing waits, nothing is unpublished. */
static bool is_quiet(struct fault *fault)
{
    struct journal_entry *entries;
    size_t unpublished = 0;
    int64_t dead, others;
    struct err err = {0};
    if (store_outbox(fault->store, &fault->arena, OUTBOX_ALL, 0, 1, &entries, &unpublished, &err) !=
        OUTCOME_DONE)
        return false;
    spy_depths(fault, &dead, &others);
    return unpublished == 0 && others == 0;
}

void world_await_quiet(struct fault *fault)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    while (!is_quiet(fault)) {
        if (clock_monotonic_us() > end_us) {
            fault_fail(fault, "it does not become quiet in %d s", COMES_BACK_S);
            return;
        }
        fault_sleep_ms(100);
    }
}

/* The workers are gone: what they held unacknowledged would be back in its queue. */
static void check_queues(struct fault *fault)
{
    int64_t dead = 0;
    int64_t others = 0;
    const int64_t end_us = clock_monotonic_us() + COUNTS_SETTLE_US;
    do {
        spy_depths(fault, &dead, &others);
    } while ((others != 0 || dead != fault->expected_dead) && clock_monotonic_us() < end_us);
    if (others != 0)
        fault_fail(fault, "%" PRId64 " messages came back when the workers stopped", others);
    if (dead != fault->expected_dead)
        fault_fail(fault, "%" PRId64 " dead letters instead of %" PRId64, dead,
                   fault->expected_dead);
}

void world_end(struct fault *fault)
{
    world_await_quiet(fault);
    workers_stop(fault);
    check_queues(fault);
    spy_empty(fault, true);
    check_invariants(fault);
}
