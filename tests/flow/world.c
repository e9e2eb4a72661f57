/* world.c - opening a world and the lane in it; the beginning and the end of a script. */
#include "flow/world.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/relay.h"
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "flow/raw.h"
#include "flow/seed.h"
#include "service/connections.h"
#include "service/names.h"
#include "service/topology.h"
#include "support/collation.h"
#include "wire/json.h"

#define ARENA_BLOCK   (64 * 1024)
#define CLIENT_BODY   (1024 * 1024)
#define FAKE_START_MS 1714979289000 /* 2024-05-06T07:08:09Z: a day without any meaning */

/* The lane's clock is a function without an argument, so its state must be here. */
static struct {
    bool fake;
    int64_t ms; /* fake: the time; real: added to the time */
} now = {0};

/* Nobody tells these lanes to stop; a lane only wants to look. */
static const volatile sig_atomic_t never_stopping;

int64_t world_now(void)
{
    return now.fake ? now.ms : clock_now_ms() + now.ms;
}

void world_advance(struct world *world, int64_t ms)
{
    now.ms += ms;
    if (world->real)
        return;
    lock_fake_advance(world->lock, ms);
    bus_fake_advance(world->client, ms);
    if (ms > WORLD_TICK_MS)
        world->lane.next_relay_us = 0;
}

/* --- settings and names ------------------------------------------------------------------------- */

/* On fakes the addresses mean nothing, but the settings ask for them. */
static void offer_settings(bool real)
{
    static const char *const addresses[] = {"CARTWRIGHT_AMQP_URI", "CARTWRIGHT_MONGODB_URI",
                                            "CARTWRIGHT_REDIS_URI"};
    for (size_t i = 0; !real && i < sizeof(addresses) / sizeof(addresses[0]); i++)
        setenv(addresses[i], "fake", 1);
    setenv("CARTWRIGHT_AUTH_MASTER_KEY",
           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 0);
    setenv("CARTWRIGHT_AUTH_TOKEN_KEY",
           "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100", 0);
}

static enum outcome load_settings(struct world *world, struct err *err)
{
    struct config config;
    offer_settings(world->real);
    TRY(config_load(&app_config, NULL, &world->arena, &config, err));
    world->settings = *(const struct app_settings *)config.settings;
    struct engine_settings *engine = &world->settings.engine;
    uint8_t unique[4];
    random_bytes(unique, sizeof(unique));
    const struct str suffix = hex_of(&world->arena, unique, sizeof(unique));
    engine->prefix =
        world->real ? str_printf(&world->arena, "flow-%.*s", STR_FMT(suffix)) : STR("flow");
    engine->password_opslimit = 2;
    engine->password_memlimit = 19 * 1024 * 1024;
    if (!world->real)
        engine->relay_age_ms = 0; /* what is not marked is published at the relay's next turn */
    world->defaults = world->settings;
    world->service = shop_service(&world->settings);
    return OUTCOME_DONE;
}

/* All domains in one pool, and the queue of what nobody serves. */
static void fill_pool(struct world *world)
{
    size_t count = 0;
    while (world->service.domains[count])
        count++;
    world->pool =
        (struct pool_settings){.name = STR("flow"), .lanes = 1, .batch_max = 128, .prefetch = 256};
    world->pool.domains.items = arena_array(&world->arena, count + 1, sizeof(struct str));
    world->dead = arena_array(&world->arena, count + 1, sizeof(struct str));
    for (size_t i = 0; i <= count; i++) {
        const struct str name =
            i < count ? str_of(world->service.domains[i]->name) : STR("unknown");
        world->pool.domains.items[world->pool.domains.count++] = name;
        world->dead[world->dead_count++] =
            name_dead(&world->arena, world->settings.engine.prefix, name);
    }
    const struct str prefix = world->settings.engine.prefix;
    world->replies = str_printf(&world->arena, "%.*s.reply.flow", STR_FMT(prefix));
    world->spy = str_printf(&world->arena, "%.*s.subscriber.spy", STR_FMT(prefix));
    const struct lane lane = {
        .service = &world->service, .settings = &world->settings.engine, .pool = &world->pool};
    lane_queues(&lane, &world->arena, &world->queues, &world->queue_count);
}

/* --- opening ------------------------------------------------------------------------------------- */

static enum outcome declare(struct world *world, struct bus *bus, struct err *err)
{
    struct bus_topology topology;
    const struct str prefix = world->settings.engine.prefix;
    TRY(topology_of(&world->service, &world->settings.engine, &world->arena, &topology, err));
    TRY(bus_declare(bus, &topology, err));
    const struct bus_binding everything[] = {
        {name_events(&world->arena, prefix), STR("#")},
        {name_notifications(&world->arena, prefix), STR("#")},
    };
    const struct bus_queue queues[] = {
        {.name = world->replies},
        {.name = world->spy, .bindings = everything, .binding_count = 2},
    };
    const struct bus_topology ears = {.queues = queues, .queue_count = 2};
    return bus_declare(bus, &ears, err);
}

static enum outcome open_real_bus(struct world *world, struct err *err)
{
    const struct bus_options options = bus_options_of(&world->settings.engine, "flow lane");
    TRY(bus_open(&options, &world->bus, err));
    struct bus_options client = operator_options_of(&world->settings.engine, "flow client");
    client.body_max = CLIENT_BODY;
    TRY(bus_open(&client, &world->client, err));
    TRY(declare(world, world->client, err));
    TRY(bus_consume(world->bus, world->queues, world->queue_count, (int)world->pool.prefetch, err));
    struct str ears[32] = {world->replies, world->spy};
    if (world->dead_count + 2 > sizeof(ears) / sizeof(ears[0]))
        return err_bug(err, "too many workers for the client's list of queues");
    memcpy(ears + 2, world->dead, world->dead_count * sizeof(*ears));
    return bus_consume(world->client, ears, world->dead_count + 2, 1000, err);
}

static void ignore_line(const char *line)
{
    (void)line;
}

static enum outcome open_real(struct world *world, struct err *err)
{
    struct store_options options = store_options_of(&world->service, &world->settings.engine);
    options.database = world->settings.engine.prefix;
    TRY(store_open(&options, &world->store, err));
    TRY(store_apply_indexes(world->store, ignore_line, err));
    TRY(store_check_indexes(world->store, err));
    return open_real_bus(world, err);
}

enum outcome world_open(struct world *world, bool real, struct err *err)
{
    *world = (struct world){.real = real};
    now.fake = !real;
    arena_init(&world->arena, ARENA_BLOCK);
    json_init();
    TRY(auth_init(err));
    TRY(load_settings(world, err));
    TRY(service_prepare(&world->service, err));
    fill_pool(world);
    return real ? open_real(world, err) : OUTCOME_DONE;
}

static void close_servers(struct world *world)
{
    if (world->client && world->client != world->bus)
        bus_close(world->client);
    if (world->bus)
        bus_close(world->bus);
    if (world->lock)
        lock_close(world->lock);
    if (world->store)
        store_close(world->store);
    world->client = world->bus = NULL;
    world->lock = NULL;
    world->store = NULL;
}

void world_close(struct world *world)
{
    close_servers(world);
    free(world->mail);
    arena_release(&world->arena);
}

/* --- the lane ------------------------------------------------------------------------------------- */

static enum outcome start_lane(struct world *world, struct err *err)
{
    TRY(lane_init(&world->lane,
                  &(struct lane_parts){
                      .service = &world->service,
                      .settings = &world->settings.engine,
                      .pool = &world->pool,
                      .bus = world->bus,
                      .store = world->store,
                      .lock = world->lock,
                      .slot = &world->slot,
                      .stopping = &never_stopping,
                      .now_ms = world_now,
                  },
                  err));
    /* Marking is left for later, as under load, so that a crash always finds something unmarked; the
     * relay's turn comes with world_advance(). */
    if (!world->real)
        world->lane.next_mark_us = world->lane.next_relay_us = INT64_MAX;
    return OUTCOME_DONE;
}

enum outcome world_crash(struct world *world, struct err *err)
{
    world->crash = CRASH_DONE;
    lane_release(&world->lane);
    TRY(bus_reconnect(world->bus, err));
    return start_lane(world, err);
}

/* Nobody points to an idle lane, so it can be put elsewhere. */
enum outcome world_switch(struct world *world, int number, struct err *err)
{
    if (number == world->lane_number)
        return OUTCOME_DONE;
    const struct lane idle = world->idle;
    world->idle = world->lane;
    world->lane = idle;
    world->lane_number = number;
    return world->lane.service ? OUTCOME_DONE : start_lane(world, err);
}

/* --- begin and end of a script --------------------------------------------------------------------- */

static void open_fakes(struct world *world)
{
    size_t types = 0;
    while (world->service.types[types])
        types++;
    world->bus = world->client = bus_fake_open();
    world->store = store_fake_open(world->service.types, types);
    store_fake_collate(world->store, collation_compare);
    world->lock = lock_fake_open();
    now.ms = FAKE_START_MS;
}

static enum outcome begin_fakes(struct world *world, struct err *err)
{
    open_fakes(world);
    TRY(declare(world, world->bus, err));
    return bus_consume(world->bus, world->queues, world->queue_count, (int)world->pool.prefetch,
                       err);
}

static enum outcome begin_real(struct world *world, struct err *err)
{
    struct lock_options options = lock_options_of(&world->settings.engine);
    options.prefix = str_printf(&world->arena, "%.*s-%d", STR_FMT(world->settings.engine.prefix),
                                world->scripts);
    TRY(lock_open(&options, &world->lock, err));
    TRY(lock_ping(world->lock, err));
    now.ms = 0;
    return raw_wipe(world, err);
}

enum outcome world_begin(struct world *world, struct err *err)
{
    world->scripts++;
    world->crash = CRASH_NONE;
    world->lane_number = 1;
    world->settings = world->defaults;
    TRY(world->real ? begin_real(world, err) : begin_fakes(world, err));
    return start_lane(world, err);
}

void world_end(struct world *world)
{
    struct err err = {0};
    if (world->real && world->lane.tokens) {
        /* Late events must not reach the next script. A failure here shows there. */
        const bool settled = world_settle(world);
        if (settled && relay_write_down(&world->lane, &err) != OUTCOME_DONE)
            fprintf(stderr, "flow: %s\n", err.text);
    }
    if (world->idle.service)
        lane_release(&world->idle);
    lane_release(&world->lane);
    world->lane = world->idle = (struct lane){0};
    for (size_t i = 0; i < world->mail_count; i++)
        delivery_free(world->mail[i].delivery);
    world->mail_count = 0;
    if (!world->real) {
        close_servers(world);
        return;
    }
    if (world->lock)
        lock_close(world->lock);
    world->lock = NULL;
}
