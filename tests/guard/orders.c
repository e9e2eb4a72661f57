/* orders.c - a fixed number of orders through one lane on fakes, for tests/guard/guard.sh to count
 * the instructions of. Prints how many orders were placed. */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "base/clock.h"
#include "engine/lane.h"
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "service/names.h"
#include "service/topology.h"
#include "shop.h"
#include "supervisor/process.h"
#include "support/fixtures.h"
#include "wire/json.h"

#define USERS     512
#define GOODS     100
#define BATCH     128
#define STEPS_MAX 64
#define REPLIES   "cartwright.reply.guard"

static const volatile sig_atomic_t never_stopping;

struct guard {
    struct arena arena;
    struct app_settings settings;
    struct service service;
    struct pool_settings pool;
    struct lane_slot slot;
    struct bus *bus;
    struct store *store;
    struct lock *lock;
    struct lane lane;
    struct str tokens[USERS];
};

/* Stands still: under callgrind an order takes longer than what a lane remembers of an account. */
static int64_t standing_now(void)
{
    static int64_t now_ms;
    if (now_ms == 0)
        now_ms = clock_now_ms();
    return now_ms;
}

static void must(enum outcome outcome, const struct err *err)
{
    if (outcome == OUTCOME_DONE)
        return;
    fprintf(stderr, "guard: %s\n", err->text);
    exit(1);
}

static void load_settings(struct guard *guard)
{
    struct config config;
    struct err err = {0};
    setenv("CARTWRIGHT_AMQP_URI", "fake", 1);
    setenv("CARTWRIGHT_MONGODB_URI", "fake", 1);
    setenv("CARTWRIGHT_REDIS_URI", "fake", 1);
    setenv("CARTWRIGHT_AUTH_MASTER_KEY",
           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
    setenv("CARTWRIGHT_AUTH_TOKEN_KEY",
           "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100", 1);
    must(config_load(&app_config, NULL, &guard->arena, &config, &err), &err);
    guard->settings = *(const struct app_settings *)config.settings;
    guard->service = shop_service(&guard->settings);
    must(service_prepare(&guard->service, &err), &err);
}

/* Servers of memory, and the lane that serves the shop on them. */
static void open_lane(struct guard *guard)
{
    static struct str domains[] = {{"order", 5}, {"cart", 4}};
    struct err err = {0};
    struct bus_topology topology;
    struct str *queues;
    size_t count = 0;
    while (guard->service.types[count])
        count++;
    guard->bus = bus_fake_open();
    guard->store = store_fake_open(guard->service.types, count);
    guard->lock = lock_fake_open();
    guard->pool = (struct pool_settings){.name = STR("guard"),
                                         .domains = {domains, 2},
                                         .lanes = 1,
                                         .batch_max = BATCH,
                                         .prefetch = USERS};
    const struct lane_parts parts = {
        .service = &guard->service,
        .settings = &guard->settings.engine,
        .pool = &guard->pool,
        .bus = guard->bus,
        .store = guard->store,
        .lock = guard->lock,
        .slot = &guard->slot,
        .stopping = &never_stopping,
        .now_ms = standing_now,
    };
    must(lane_init(&guard->lane, &parts, &err), &err);
    must(topology_of(&guard->service, &guard->settings.engine, &guard->arena, &topology, &err),
         &err);
    must(bus_declare(guard->bus, &topology, &err), &err);
    lane_queues(&guard->lane, &guard->arena, &queues, &count);
    must(bus_consume(guard->bus, queues, count, USERS, &err), &err);
}

/* Every customer has two goods in the cart, always the same ones. */
static void fill_shop(struct guard *guard)
{
    struct fixtures fixtures;
    struct good goods[GOODS];
    fixtures_init(&fixtures, &guard->arena, guard->store, &guard->settings.engine);
    for (int64_t i = 0; i < GOODS; i++)
        goods[i] = fixtures_good(&fixtures, (struct money){499 + i, "GBP"}, USERS);
    for (size_t i = 0; i < USERS; i++) {
        const struct shopper shopper = fixtures_shopper(&fixtures, CUSTOMER);
        const struct good both[] = {goods[i * 7 % GOODS], goods[(i * 7 + 31) % GOODS]};
        guard->tokens[i] = shopper.token;
        fixtures_cart(&fixtures, shopper.id, both, 2, 1);
    }
    fixtures_write(&fixtures);
}

/* One request of every customer. */
static void send_all(struct guard *guard, const char *operation)
{
    const struct str exchange = name_requests(&guard->arena, guard->settings.engine.prefix);
    for (size_t i = 0; i < USERS; i++) {
        const struct bus_message request = {
            .exchange = exchange,
            .routing_key = str_of(operation),
            .message_id = str_printf(&guard->arena, "%s-%zu", operation, i),
            .reply_to = STR(REPLIES),
            .authorization = str_printf(&guard->arena, "Bearer %.*s", STR_FMT(guard->tokens[i])),
            .body = STR("{}"),
        };
        if (!bus_fake_send(guard->bus, &request)) {
            fprintf(stderr, "guard: no queue takes %s\n", operation);
            exit(1);
        }
    }
}

/* How many were answered with this status. */
static size_t serve(struct guard *guard, int64_t status)
{
    struct err err = {0};
    size_t answered = 0;
    struct delivery *reply;
    for (int i = 0; i < STEPS_MAX; i++)
        must(lane_step(&guard->lane, 0, &err), &err);
    while ((reply = bus_fake_take(guard->bus, STR(REPLIES)))) {
        answered += reply->status == status;
        delivery_free(reply);
    }
    return answered;
}

int main(void)
{
    static struct guard guard;
    struct err err = {0};
    const struct bus_queue replies = {.name = STR(REPLIES)};
    const struct bus_topology ears = {.queues = &replies, .queue_count = 1};
    arena_init(&guard.arena, 64 * 1024);
    json_init();
    must(auth_init(&err), &err);
    load_settings(&guard);
    open_lane(&guard);
    must(bus_declare(guard.bus, &ears, &err), &err);
    fill_shop(&guard);
    /* Afterwards the lane knows every token: verifying one costs more than placing an order. */
    send_all(&guard, "cart.get");
    if (serve(&guard, 200) != USERS)
        return 1;
    CALLGRIND_ZERO_STATS;
    send_all(&guard, "order.place");
    const size_t placed = serve(&guard, 201);
    printf("%zu\n", placed);
    return placed == USERS ? 0 : 1;
}
