/* sim_lane.c - the lives of lanes: start, crash, stop, drain, and who comes after. */
#include <stdlib.h>

#include "engine/batch.h"
#include "fakes/bus_fake.h"
#include "sim/sim.h"

#define RESTART_MAX_US  (300 * US_PER_MS)
#define LINGER_MAX_US   (8 * US_PER_S) /* two heartbeats, in this world */
#define STOPPED_MAX_US  (8 * US_PER_S) /* longer than leases and heartbeats */
#define HEARTBEAT_US    (2 * US_PER_S) /* a lane that is silent for so long may be cut off */
#define SKEW_MAX_MS     (20 * MS_PER_SECOND)
#define LATENCY_US      400
#define RARE_LATENCY_US (20 * US_PER_MS)
#define SLOW_CALL_US    (1500 * US_PER_MS)
#define EVENTS_MAX      400000 /* a seed takes some 5,000 */

static struct sim_lane *lane_of(void *context)
{
    return context;
}

/* --- touching the world --------------------------------------------------------------------- */

/* A seed that never comes to an end ends here. */
static void check_patience(struct sim_lane *self)
{
    if (self->sim->schedule.acted < EVENTS_MAX)
        return;
    sim_fail(self->sim, "not settled after %d events", EVENTS_MAX);
    self->sim->acting = NULL;
    fiber_leave(&self->fiber);
}

void sim_lane_sleep(struct sim_lane *self, int64_t until_us)
{
    check_patience(self);
    self->sim->acting = NULL;
    fiber_sleep_until(&self->fiber, until_us);
    self->sim->acting = self;
}

void sim_lane_wait(struct sim_lane *self, int64_t until_us)
{
    self->waits = true;
    sim_lane_sleep(self, until_us);
    self->waits = false;
}

static void lose_heartbeat(void *context)
{
    struct sim_lane *self = context;
    if (!self->released && !self->fiber.over)
        sim_bus_lose(self->bus, "no heartbeat");
}

/* SIGSTOP: the process does nothing, the servers go on. */
static void stop_for_a_while(struct sim_lane *self)
{
    struct sim *sim = self->sim;
    const int64_t now_us = sim->schedule.now_us;
    self->stopped_until_us = now_us + sim_between(sim, 50 * US_PER_MS, STOPPED_MAX_US);
    if (self->stopped_until_us > now_us + HEARTBEAT_US)
        schedule_at(&sim->schedule, now_us + HEARTBEAT_US, lose_heartbeat, self);
    sim_lane_sleep(self, self->stopped_until_us);
}

static int64_t latency(struct sim *sim)
{
    if (sim_strikes(sim, FAULT_SLOW_CALL))
        return sim_between(sim, RARE_LATENCY_US, SLOW_CALL_US);
    return chance_one_in(&sim->chance, 32) ? sim_between(sim, LATENCY_US, RARE_LATENCY_US)
                                           : sim_between(sim, 20, LATENCY_US);
}

void sim_touch(struct sim_lane *self, const char *place)
{
    struct sim *sim = self->sim;
    sim_keep_time(sim);
    sim_note(sim, "%s", place);
    if (sim_strikes(sim, FAULT_CRASH))
        sim_lane_crash(self);
    if (sim_strikes(sim, FAULT_STALL))
        stop_for_a_while(self);
    if (sim_strikes(sim, FAULT_CLOCK_STEP))
        self->skew_ms = sim_between(sim, -SKEW_MAX_MS, SKEW_MAX_MS);
    sim_lane_sleep(self, sim->schedule.now_us + latency(sim));
}

void sim_touch_lightly(struct sim_lane *self)
{
    sim_lane_sleep(self, self->sim->schedule.now_us + sim_between(self->sim, 1, 20));
}

int64_t sim_lane_earliest(const struct sim_lane *self, int64_t at_us)
{
    return at_us > self->stopped_until_us ? at_us : self->stopped_until_us;
}

void sim_lane_ring(struct sim_lane *self)
{
    if (self->waits)
        fiber_wake(&self->fiber,
                   sim_lane_earliest(self, self->sim->schedule.now_us +
                                               sim_between(self->sim, 20, LATENCY_US)));
}

/* --- after a life ------------------------------------------------------------------------------ */

/* As the supervisor does before it starts another one: until then the other lanes know nothing. */
static void blame(const struct sim_lane *self)
{
    const struct death death = {self->slot.suspect, 0, "SIGSEGV", "a handler"};
    if (death.digest)
        (void)blame_record(self->sim->blame, &death);
}

static void start_next(void *context)
{
    struct sim_lane *self = context;
    struct sim *sim = self->sim;
    uint8_t session[STORE_SESSION_BYTES];
    struct err err = {0};
    blame(self);
    store_session(self->store, session);
    /* The supervisor's errand; when it fails, MongoDB ends the transaction itself some time. */
    if (!sim_strikes(sim, FAULT_TRANSACTION_LEFT) &&
        store_kill_session(sim->store, session, &err) != OUTCOME_DONE)
        sim_fail(sim, "a session cannot be killed: %s", err.text);
    if (!sim->closed)
        sim_lane_start(sim, self->index);
}

static void drop_connection(void *context)
{
    sim_bus_lose(lane_of(context)->bus, "the peer is gone");
}

void sim_lane_crash(struct sim_lane *self)
{
    struct sim *sim = self->sim;
    const int64_t now_us = sim->schedule.now_us;
    const bool lingers = sim_strikes(sim, FAULT_CONNECTION_LINGERS);
    sim->lanes[self->index] = NULL;
    sim->acting = NULL;
    self->waits = false;
    sim_store_abandon(self->store);
    schedule_at(&sim->schedule, now_us + (lingers ? sim_between(sim, US_PER_MS, LINGER_MAX_US) : 0),
                drop_connection, self);
    schedule_at(&sim->schedule, now_us + sim_between(sim, US_PER_MS, RESTART_MAX_US), start_next,
                self);
    fiber_leave(&self->fiber);
}

/* What a crash leaves in the rooms belongs to no queue of the lane. */
static void free_rooms(struct lane *lane)
{
    for (size_t i = 0; i < LANE_ROOMS; i++) {
        const struct batch *batch = lane->rooms[i].batch;
        for (size_t k = 0; batch && k < batch->count; k++)
            delivery_free(batch->jobs[k].delivery);
    }
}

void sim_lane_free(struct sim_lane *self)
{
    if (!self->released) {
        free_rooms(&self->lane);
        lane_release(&self->lane);
        bus_close(self->bus);
    }
    lock_close(self->lock);
    store_close(self->store);
    fiber_release(&self->fiber);
    free(self->stack);
    free(self);
}

/* --- a life ------------------------------------------------------------------------------------ */

static bool consume(struct sim_lane *self)
{
    struct err err = {0};
    while (!self->stopping) {
        if (lane_consume(&self->lane, &err) == OUTCOME_DONE)
            return true;
        lane_pause(100);
        if (bus_reconnect(self->bus, &err) != OUTCOME_DONE)
            err_clear(&err); /* the next try will tell */
    }
    return false;
}

static void live(void *context)
{
    struct sim_lane *self = context;
    struct sim *sim = self->sim;
    sim->acting = self;
    if (consume(self))
        lane_run(&self->lane);
    sim_note(sim, "ends in peace");
    lane_release(&self->lane);
    bus_close(self->bus);
    self->released = true;
    sim->lanes[self->index] = NULL;
    sim->acting = NULL;
    schedule_at(&sim->schedule, sim->schedule.now_us + sim_between(sim, US_PER_MS, RESTART_MAX_US),
                start_next, self);
}

static void open_lane(struct sim_lane *self)
{
    const struct premises *premises = self->sim->premises;
    struct err err = {0};
    const struct lane_parts parts = {
        .service = &premises->service,
        .settings = &premises->settings.engine,
        .pool = &self->pool,
        .index = self->index,
        .bus = self->bus,
        .store = self->store,
        .lock = self->lock,
        .slot = &self->slot,
        .blame = self->sim->blame,
        .stopping = &self->stopping,
        .now_ms = clock_now_ms,
    };
    if (lane_init(&self->lane, &parts, &err) != OUTCOME_DONE)
        panic("a lane cannot start: %s", err.text);
}

void sim_lane_start(struct sim *sim, int index)
{
    struct sim_lane *self = calloc(1, sizeof(*self));
    if (!self || !(self->stack = malloc(FIBER_STACK)))
        panic("out of memory for a lane");
    self->sim = sim;
    self->index = index;
    self->incarnation = ++sim->incarnations[index];
    self->pool = (struct pool_settings){
        .name = STR("sim"),
        .lanes = sim->plan.lanes,
        .batch_max = sim->plan.batch_max,
        .prefetch = sim->plan.prefetch,
        .domains = {(struct str *)(uintptr_t)sim->premises->domain_names,
                    sim->premises->domain_count},
    };
    self->bus = sim_bus_open(self);
    self->store = sim_store_open(self);
    self->lock = sim_lock_open(self);
    self->next = sim->lives;
    sim->lives = sim->lanes[index] = self;
    open_lane(self);
    fiber_start(&self->fiber, &sim->schedule, self->stack, live, self);
}

void sim_lane_drain(struct sim_lane *self)
{
    sim_note(self->sim, "lane %d is told to drain", self->index + 1);
    self->stopping = 1;
    sim_lane_ring(self);
}
