/* sim_bus.c - the broker as a lane sees it: connections that break at any call of a flush, confirms
 * that come late, with a no, or never. */
#include <stdlib.h>

#include "base/memory.h"
#include "fakes/bus_fake.h"
#include "service/names.h"
#include "sim/sim.h"

#define CONFIRM_US      (30 * US_PER_MS)
#define CONFIRM_LATE_US (8 * US_PER_S)

/* A confirm on its way. */
struct held {
    struct bus_confirm confirm;
    int64_t due_us;
};

struct sim_bus {
    struct bus bus; /* first */
    struct sim_lane *owner;
    struct bus *real;  /* the fake */
    struct held *held; /* own memory */
    size_t held_count, held_capacity;
    uint64_t told; /* groups of which the lane has heard */
};

static struct sim_bus *sim_of(struct bus *bus)
{
    return (struct sim_bus *)(void *)bus;
}

static const struct sim_bus *const_sim_of(const struct bus *bus)
{
    return (const struct sim_bus *)(const void *)bus;
}

static int64_t now_of(const struct sim_bus *self)
{
    return self->owner->sim->schedule.now_us;
}

static bool is_away(const struct sim_bus *self)
{
    return now_of(self) < self->owner->sim->broker_away_until_us;
}

/* --- confirms ----------------------------------------------------------------------------------- */

static void hold(struct sim_bus *self, struct bus_confirm confirm, int64_t due_us)
{
    self->held =
        memory_grow(self->held, self->held_count, &self->held_capacity, sizeof(*self->held));
    self->held[self->held_count++] = (struct held){confirm, due_us};
}

/* What the broker decided is on its way now. */
static void send_confirms(struct sim_bus *self)
{
    struct sim *sim = self->owner->sim;
    struct bus_confirm confirm;
    while (bus_confirmed(self->real, &confirm)) {
        if (sim_strikes(sim, FAULT_CONFIRM_REFUSED))
            confirm = (struct bus_confirm){.group = confirm.group, .refused = true};
        const int64_t most = sim_strikes(sim, FAULT_CONFIRM_LATE) ? CONFIRM_LATE_US : CONFIRM_US;
        hold(self, confirm, now_of(self) + sim_between(sim, 50, most));
    }
}

/* A confirm that has not arrived never will: its group has failed. */
static void fail_confirms(struct sim_bus *self)
{
    for (size_t i = 0; i < self->held_count; i++)
        if (self->held[i].due_us > now_of(self))
            self->held[i] = (struct held){{.group = self->held[i].confirm.group}, now_of(self)};
    struct bus_confirm confirm;
    while (bus_confirmed(self->real, &confirm))
        hold(self, confirm, now_of(self));
}

static int64_t next_confirm_us(const struct sim_bus *self)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < self->held_count; i++)
        if (self->held[i].due_us > now_of(self) && self->held[i].due_us < next)
            next = self->held[i].due_us;
    return next;
}

static bool sim_confirmed(struct bus *bus, struct bus_confirm *out)
{
    struct sim_bus *self = sim_of(bus);
    for (size_t i = 0; i < self->held_count; i++) {
        if (self->held[i].due_us > now_of(self))
            continue;
        *out = self->held[i].confirm;
        self->held[i] = self->held[--self->held_count];
        self->told++;
        return true;
    }
    return false;
}

static bool any_on_its_way(const struct sim_bus *self)
{
    return next_confirm_us(self) < INT64_MAX;
}

static bool sim_wait_confirms(struct bus *bus, int timeout_ms)
{
    struct sim_bus *self = sim_of(bus);
    const int64_t end_us = now_of(self) + timeout_ms * US_PER_MS;
    sim_touch(self->owner, "bus wait for confirms");
    while (any_on_its_way(self) && now_of(self) < end_us) {
        const int64_t due_us = next_confirm_us(self);
        sim_lane_wait(self->owner, due_us < end_us ? due_us : end_us);
    }
    return !any_on_its_way(self) && bus_wait_confirms(self->real, 0);
}

/* --- the connection ------------------------------------------------------------------------------ */

void sim_bus_lose(struct bus *bus, const char *reason)
{
    struct sim_bus *self = sim_of(bus);
    sim_note(self->owner->sim, "connection of lane %d.%d lost: %s", self->owner->index + 1,
             self->owner->incarnation, reason);
    bus_fake_lose(self->real, reason);
    fail_confirms(self);
    sim_ring_all(self->owner->sim); /* what it held is there for others */
}

static void sim_close(struct bus *bus)
{
    struct sim_bus *self = sim_of(bus);
    bus_close(self->real);
    free(self->held);
    free(self);
}

static void sim_disconnect(struct bus *bus)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus disconnect");
    bus_disconnect(self->real);
    fail_confirms(self);
    sim_ring_all(self->owner->sim);
}

static enum outcome sim_reconnect(struct bus *bus, struct err *err)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus reconnect");
    if (is_away(self))
        return err_retry(err, "the broker is away");
    TRY(bus_reconnect(self->real, err));
    fail_confirms(self);
    sim_ring_all(self->owner->sim);
    sim_touch(self->owner, "bus is connected again");
    return OUTCOME_DONE;
}

static const char *sim_lost_reason(const struct bus *bus)
{
    return bus_lost_reason(const_sim_of(bus)->real);
}

static enum outcome sim_declare(struct bus *bus, const struct bus_topology *topology,
                                struct err *err)
{
    return bus_declare(sim_of(bus)->real, topology, err);
}

static enum outcome sim_consume(struct bus *bus, const struct str *queues, size_t count,
                                int prefetch, struct err *err)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus consume");
    if (is_away(self))
        return err_retry(err, "the broker is away");
    return bus_consume(self->real, queues, count, prefetch, err);
}

static enum outcome sim_cancel(struct bus *bus, struct err *err)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus cancel");
    return bus_cancel(self->real, err);
}

static enum outcome sim_renew(struct bus *bus, struct err *err)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus renew");
    return bus_renew(self->real, err);
}

static void sim_beat(struct bus *bus)
{
    bus_beat(sim_of(bus)->real);
}

/* --- receiving ------------------------------------------------------------------------------------ */

static void maybe_lose(struct sim_bus *self)
{
    if (sim_strikes(self->owner->sim, FAULT_CONNECTION_LOST))
        sim_bus_lose(&self->bus, "cut");
}

static void note_delivery(const struct sim_bus *self, const struct delivery *delivery)
{
    sim_note(self->owner->sim, "gets %.*s %.*s%s", STR_FMT(delivery->routing_key),
             STR_FMT(delivery->message_id), delivery->redelivered ? " (again)" : "");
}

/* Sleeps until the time is over, something was published, or a confirm arrives. */
static void wait_for_news(struct sim_bus *self, int timeout_ms)
{
    const int64_t end_us = now_of(self) + timeout_ms * US_PER_MS;
    const int64_t due_us = next_confirm_us(self);
    sim_lane_wait(self->owner, due_us < end_us ? due_us : end_us);
}

static enum bus_event sim_next(struct bus *bus, int timeout_ms, struct delivery **out)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch_lightly(self->owner);
    enum bus_event event = bus_next(self->real, 0, out);
    if (event == BUS_IDLE && timeout_ms > 0) {
        maybe_lose(self);
        wait_for_news(self, timeout_ms);
        event = bus_next(self->real, 0, out);
    }
    if (event == BUS_MESSAGE)
        note_delivery(self, *out);
    return event;
}

static void sim_watch(struct bus *bus, int fd)
{
    (void)bus;
    (void)fd; /* the end of a commit rings the lane */
}

/* --- sending --------------------------------------------------------------------------------------- */

static void sim_ack(struct bus *bus, const struct delivery *delivery, bool multiple)
{
    struct sim_bus *self = sim_of(bus);
    sim_note(self->owner->sim, "ack %.*s%s", STR_FMT(delivery->message_id),
             multiple ? " and all before" : "");
    bus_ack(self->real, delivery, multiple);
}

static void sim_publish(struct bus *bus, const struct bus_message *message, uint64_t group)
{
    struct sim_bus *self = sim_of(bus);
    sim_note(self->owner->sim, "publish %.*s %.*s", STR_FMT(message->routing_key),
             STR_FMT(message->exchange.len ? message->message_id : message->correlation_id));
    if (name_is_delay(message->exchange, self->owner->sim->premises->settings.engine.prefix))
        client_lost_place(self->owner->sim, message->message_id);
    bus_publish(self->real, message, group);
}

/* An alarm: nothing is taken from us until the patience of the flush is over. */
static bool is_blocked(const struct sim_bus *self)
{
    return now_of(self) < self->owner->sim->broker_blocked_until_us;
}

static void suffer(struct sim_bus *self)
{
    struct sim *sim = self->owner->sim;
    const int64_t patience_us = sim->premises->settings.engine.amqp_timeout_ms * US_PER_MS;
    const size_t calls = bus_fake_calls(self->real);
    if (is_away(self))
        sim_bus_lose(&self->bus, "the broker is away");
    if (calls && is_blocked(self)) {
        sim_lane_sleep(self->owner, now_of(self) + patience_us);
        sim_bus_lose(&self->bus, "blocked for too long");
    }
    if (sim_strikes(sim, FAULT_FLUSH_CUT))
        bus_fake_cut(self->real, (size_t)sim_between(sim, 0, (int64_t)calls));
}

static enum outcome sim_flush(struct bus *bus, struct err *err)
{
    struct sim_bus *self = sim_of(bus);
    sim_touch(self->owner, "bus flush");
    suffer(self);
    const enum outcome outcome = bus_flush(self->real, err);
    send_confirms(self);
    if (outcome != OUTCOME_DONE)
        fail_confirms(self);
    sim_ring_all(self->owner->sim);
    sim_touch(self->owner, outcome == OUTCOME_DONE ? "bus flushed" : "bus flush failed");
    return outcome;
}

static uint64_t sim_settled(const struct bus *bus)
{
    return const_sim_of(bus)->told;
}

static bool sim_is_blocked(const struct bus *bus)
{
    return is_blocked(const_sim_of(bus));
}

static bool sim_unroutable(struct bus *bus, char out[BUS_ROUTE_MAX])
{
    return bus_unroutable(sim_of(bus)->real, out);
}

static uint64_t sim_returned(const struct bus *bus)
{
    return bus_returned(const_sim_of(bus)->real);
}

static enum outcome sim_queue_depth(struct bus *bus, struct str queue, int64_t *out,
                                    struct err *err)
{
    return bus_queue_depth(sim_of(bus)->real, queue, out, err);
}

static const struct bus_ops sim_ops = {
    .close = sim_close,
    .disconnect = sim_disconnect,
    .reconnect = sim_reconnect,
    .lost_reason = sim_lost_reason,
    .declare = sim_declare,
    .consume = sim_consume,
    .cancel = sim_cancel,
    .next = sim_next,
    .beat = sim_beat,
    .renew = sim_renew,
    .watch = sim_watch,
    .ack = sim_ack,
    .publish = sim_publish,
    .flush = sim_flush,
    .confirmed = sim_confirmed,
    .wait_confirms = sim_wait_confirms,
    .settled = sim_settled,
    .is_blocked = sim_is_blocked,
    .returned = sim_returned,
    .unroutable = sim_unroutable,
    .queue_depth = sim_queue_depth,
};

struct bus *sim_bus_open(struct sim_lane *owner)
{
    struct sim_bus *self = calloc(1, sizeof(*self));
    if (!self)
        panic("out of memory for a bus");
    self->bus.ops = &sim_ops;
    self->owner = owner;
    self->real = bus_fake_join(owner->sim->broker);
    return &self->bus;
}
