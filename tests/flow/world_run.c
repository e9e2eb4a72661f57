/* world_run.c - the client's side of a world, and letting its lane work. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "fakes/bus_fake.h"
#include "flow/world.h"
#include "support/seen.h"

#define STEPS_MAX   300 /* of a fake world until it must be idle; a deferred message needs some 10 */
#define PATIENCE_US 10000000
#define QUIET_US    100000 /* nothing came for so long: nothing will */
#define STEP_MS     5

/* --- the client -------------------------------------------------------------------------------------- */

static void keep_mail(struct world *world, struct str queue, struct delivery *delivery)
{
    world->mail =
        memory_grow(world->mail, world->mail_count, &world->mail_capacity, sizeof(*world->mail));
    world->mail[world->mail_count++] = (struct mail){.delivery = delivery, .queue = queue};
    if (str_eq(queue, world->replies))
        seen_reply(delivery);
    else
        seen_published(delivery);
}

static void take_all(struct world *world, struct str queue)
{
    for (struct delivery *delivery; (delivery = bus_fake_take(world->client, queue));)
        keep_mail(world, queue, delivery);
}

static bool collect_fake(struct world *world)
{
    const size_t before = world->mail_count;
    take_all(world, world->replies);
    take_all(world, world->spy);
    for (size_t i = 0; i < world->dead_count; i++)
        take_all(world, world->dead[i]);
    return world->mail_count > before;
}

static bool collect_real(struct world *world)
{
    struct err err = {0};
    const size_t before = world->mail_count;
    struct delivery *last = NULL;
    for (struct delivery *delivery; bus_next(world->client, 1, &delivery) == BUS_MESSAGE;) {
        keep_mail(world, delivery->queue, delivery);
        last = delivery;
    }
    if (last)
        bus_ack(world->client, last, true);
    if (last && bus_flush(world->client, &err) != OUTCOME_DONE)
        fprintf(stderr, "flow: the client: %s\n", err.text);
    return world->mail_count > before;
}

static bool send_real(struct world *world, const struct bus_message *message)
{
    struct err err = {0};
    struct bus_confirm confirm = {0};
    const uint64_t group = ++world->last_group;
    bus_publish(world->client, message, group);
    if (bus_flush(world->client, &err) != OUTCOME_DONE || !bus_wait_confirms(world->client, 5000)) {
        fprintf(stderr, "flow: the client: %s\n", err.text);
        return false;
    }
    while (bus_confirmed(world->client, &confirm) && confirm.group != group)
        continue;
    return confirm.ok;
}

bool world_send(struct world *world, const struct bus_message *message)
{
    seen_sent(message->correlation_id, message->routing_key);
    seen_sent(message->message_id, message->routing_key);
    if (world->real)
        return send_real(world, message);
    world_advance(world, WORLD_TICK_MS);
    return bus_fake_send(world->client, message);
}

/* --- running ------------------------------------------------------------------------------------------ */

/* One step; what a lost server or the planned crash leaves is set right. */
static bool step(struct world *world, int timeout_ms)
{
    struct err err = {0};
    const enum outcome outcome = lane_step(&world->lane, timeout_ms, &err);
    if (outcome == OUTCOME_DONE)
        return true;
    if (world->crash == CRASH_WAITING)
        return world_crash(world, &err) == OUTCOME_DONE;
    if (outcome != OUTCOME_RETRY) {
        fprintf(stderr, "flow: the lane: %s\n", err.text);
        return false;
    }
    lane_recover(&world->lane);
    return true;
}

static bool is_idle(const struct world *world)
{
    size_t ready = world->lane.waiting.count;
    for (size_t i = 0; i < world->queue_count; i++)
        ready += bus_fake_depth(world->bus, world->queues[i]);
    return ready == 0;
}

static bool run_fake(struct world *world)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        if (!step(world, 0))
            return false;
        collect_fake(world);
        if (!is_idle(world))
            continue;
        /* A last look at the outbox, then all must be settled. */
        if (!step(world, 0))
            return false;
        collect_fake(world);
        if (is_idle(world))
            return bus_fake_unacked(world->bus) == 0;
    }
    return false;
}

/* True when something came. */
static bool run_real(struct world *world, bool *alive)
{
    *alive = step(world, STEP_MS) && bus_wait_confirms(world->bus, 5000);
    return collect_real(world);
}

bool world_run(struct world *world)
{
    bool alive = true;
    if (world->real)
        (void)!run_real(world, &alive); /* whether something came is the caller's to look at */
    else
        alive = run_fake(world);
    if (!world->real)
        world->lane.next_relay_us = INT64_MAX; /* its turn is over */
    return alive;
}

bool world_settle(struct world *world)
{
    if (!world->real)
        return world_run(world);
    bool alive = true;
    for (int64_t quiet_since = clock_monotonic_us();
         alive && clock_monotonic_us() - quiet_since < QUIET_US;)
        if (run_real(world, &alive) || world->lane.waiting.count || world->lane.under_way)
            quiet_since = clock_monotonic_us();
    return alive;
}

bool world_wait(struct world *world, bool (*is_done)(void *context), void *context)
{
    const int64_t end_us = clock_monotonic_us() + (world->real ? PATIENCE_US : 0);
    bool done = is_done(context);
    do {
        if (done || !world_run(world))
            return done;
        done = is_done(context);
    } while (!done && clock_monotonic_us() < end_us);
    return done;
}
