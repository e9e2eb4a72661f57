/* weather.c - what happens to whole servers: now and then one goes away for a while. */
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "sim/sim.h"

#define PERIOD_MIN_US (20 * US_PER_MS)
#define PERIOD_MAX_US (200 * US_PER_MS)
#define AWAY_MAX_US   (4 * US_PER_S)

static int64_t until(struct sim *sim)
{
    return sim->schedule.now_us + sim_between(sim, US_PER_MS, AWAY_MAX_US);
}

/* Connections end, what is in queues stays; but replies are not kept. */
static void restart_broker(struct sim *sim)
{
    sim->broker_away_until_us = until(sim);
    for (int i = 0; i < sim->plan.lanes; i++)
        if (sim->lanes[i])
            sim_bus_lose(sim->lanes[i]->bus, "the broker restarts");
    for (int i = 0; i < sim->client_count; i++)
        for (struct delivery *lost; (lost = bus_fake_take(sim->broker, sim->clients[i].queue));)
            delivery_free(lost);
}

static void block_broker(struct sim *sim)
{
    sim->broker_blocked_until_us = until(sim);
}

static void take_store_away(struct sim *sim)
{
    sim->store_away_until_us = until(sim);
}

static void bring_redis_back(void *context)
{
    const struct sim *sim = context;
    lock_fake_set_down(sim->redis, false);
}

static void take_redis_away(struct sim *sim)
{
    lock_fake_set_down(sim->redis, true);
    schedule_at(&sim->schedule, until(sim), bring_redis_back, sim);
}

static void wipe_redis(struct sim *sim)
{
    lock_fake_wipe(sim->redis);
}

static void drain_lane(struct sim *sim)
{
    struct sim_lane *lane = sim->lanes[sim_between(sim, 0, sim->plan.lanes - 1)];
    if (lane)
        sim_lane_drain(lane);
}

/* As the supervisor does it: never the first, and none of a pool with partitions. */
static void turn_aside(struct sim *sim)
{
    struct sim_lane *lane = sim->lanes[sim_between(sim, 0, sim->plan.lanes - 1)];
    if (lane && lane != sim->lanes[0] && !sim->plan.partitioned)
        lane->slot.aside = !lane->slot.aside;
}

static const struct {
    enum fault_kind kind;
    void (*bring)(struct sim *sim);
} turns[] = {
    {FAULT_BROKER_RESTART, restart_broker},
    {FAULT_BROKER_BLOCKS, block_broker},
    {FAULT_STORE_AWAY, take_store_away},
    {FAULT_LOCK_AWAY, take_redis_away},
    {FAULT_LOCK_WIPED, wipe_redis},
    {FAULT_DRAIN, drain_lane},
    {FAULT_ASIDE, turn_aside},
};

static void change(void *context)
{
    struct sim *sim = context;
    if (sim->healed)
        return;
    for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
        if (sim_strikes(sim, turns[i].kind))
            turns[i].bring(sim);
    weather_begin(sim);
}

void weather_begin(struct sim *sim)
{
    schedule_at(&sim->schedule,
                sim->schedule.now_us + sim_between(sim, PERIOD_MIN_US, PERIOD_MAX_US), change, sim);
}
