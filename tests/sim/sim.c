/* sim.c - one seed from opening to verdict. */
#include "sim/sim.h"
#include "support/seen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "service/names.h"

#define ARENA_BLOCK (64 * 1024)
#define BEGIN_MS    1714979289000   /* 2024-05-06T07:08:09Z: a day without any meaning */
#define FAULTS_US   (30 * US_PER_S) /* then everything heals, whatever the clients are at */
#define PATIENCE_US (120 * US_PER_S)
#define LOOK_US     (50 * US_PER_MS)
#define QUIET_US    (300 * US_PER_MS)

/* The clock and the generator are functions without a context. One seed is played at a time. */
static struct sim *playing;

/* --- time and chance ---------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    const int64_t skew_ms = playing->acting ? playing->acting->skew_ms : 0;
    return BEGIN_MS + playing->schedule.now_us / US_PER_MS + skew_ms;
}

static int64_t monotonic_us(void)
{
    return playing->schedule.now_us;
}

static void pause_ms(int64_t ms)
{
    sim_touch(playing->acting, "pauses");
    sim_lane_sleep(playing->acting, playing->schedule.now_us + ms * US_PER_MS);
}

static const struct clock_source simulated = {now_ms, monotonic_us, pause_ms};

static void fill_bytes(void *out, size_t len)
{
    chance_fill(&playing->bytes, out, len);
}

void sim_struck(struct sim *sim, enum fault_kind kind, struct str what)
{
    sim->struck[kind]++;
    sim->struck_us[kind] = sim->schedule.now_us;
    sim_note(sim, "*** %s%s%.*s", fault_texts[kind], what.len ? ": " : "", STR_FMT(what));
}

bool sim_strikes(struct sim *sim, enum fault_kind kind)
{
    if (!chance_one_in(&sim->chance, sim->plan.odds[kind]))
        return false;
    sim_struck(sim, kind, STR(""));
    return true;
}

int64_t sim_between(struct sim *sim, int64_t low, int64_t high)
{
    return chance_between(&sim->chance, low, high);
}

/* --- what happened ------------------------------------------------------------------------------- */

static void print_origin(const struct sim *sim)
{
    fprintf(sim->trace, "%10.3f ", (double)sim->schedule.now_us / (double)US_PER_MS);
    if (sim->acting)
        fprintf(sim->trace, "lane %d.%-2d ", sim->acting->index + 1, sim->acting->incarnation);
    else
        fprintf(sim->trace, "%9s ", "-");
}

void sim_note(struct sim *sim, const char *format, ...)
{
    char text[512]; /* what is cut off is the end of a reply */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim->digest = chance_mix(sim->digest, str_hash(str_of(text)));
    sim->digest = chance_mix(sim->digest, (uint64_t)sim->schedule.now_us);
    if (!sim->trace)
        return;
    print_origin(sim);
    fprintf(sim->trace, "%s\n", text);
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim_note(sim, "FAILED: %s", text);
    if (str_is_absent(sim->failure))
        sim->failure = str_dup(&sim->arena, str_of(text));
}

void sim_keep_time(struct sim *sim)
{
    const int64_t passed_ms = sim->schedule.now_us / US_PER_MS - sim->kept_ms;
    if (passed_ms == 0)
        return;
    sim->kept_ms += passed_ms;
    lock_fake_advance(sim->redis, passed_ms);
    bus_fake_advance(sim->broker, passed_ms);
}

void sim_ring_all(struct sim *sim)
{
    for (int i = 0; i < sim->plan.lanes; i++)
        if (sim->lanes[i] && sim->lanes[i] != sim->acting)
            sim_lane_ring(sim->lanes[i]);
    clients_ring(sim);
}

/* --- opening --------------------------------------------------------------------------------------- */

static void declare(struct sim *sim)
{
    const struct premises *premises = sim->premises;
    const struct str prefix = premises->settings.engine.prefix;
    const struct bus_binding everything[] = {
        {name_events(&sim->arena, prefix), STR("#")},
        {name_notifications(&sim->arena, prefix), STR("#")},
    };
    const struct bus_queue ear = {
        .name = premises->spy, .bindings = everything, .binding_count = 2};
    const struct bus_topology ears = {.queues = &ear, .queue_count = 1};
    struct err err = {0};
    if (bus_declare(sim->broker, &premises->topology, &err) != OUTCOME_DONE ||
        bus_declare(sim->broker, &ears, &err) != OUTCOME_DONE)
        panic("the topology: %s", err.text);
}

static void furnish(struct sim *sim)
{
    struct fixtures fixtures;
    fixtures_init(&fixtures, &sim->arena, sim->store, &sim->premises->settings.engine);
    sim->admin = fixtures_shopper(&fixtures, ADMIN);
    for (int i = 0; i < sim->plan.users; i++)
        sim->users[i] = fixtures_shopper(&fixtures, CUSTOMER);
    for (int i = 0; i < sim->plan.goods; i++)
        sim->goods[i] =
            fixtures_good(&fixtures, (struct money){100 * (i + 1), "GBP"}, sim->plan.stock);
    fixtures_write(&fixtures);
}

static void open_world(struct sim *sim)
{
    size_t types = 0;
    while (sim->premises->service.types[types])
        types++;
    sim->broker = bus_fake_open();
    sim->store = store_fake_open(sim->premises->service.types, types);
    sim->redis = lock_fake_open();
    if (sim->plan.odds[FAULT_POISON] > 0)
        bus_fake_keep_headers(sim->broker); /* letters tell how their lanes died */
    declare(sim);
    furnish(sim);
}

static void start_everybody(struct sim *sim)
{
    for (int i = 0; i < sim->plan.lanes; i++)
        sim_lane_start(sim, i);
    sim->client_count = sim->plan.clients + sim->plan.tabs;
    visitor_open(sim);
    for (int i = 0; i < sim->client_count; i++) {
        const bool is_tab = i >= sim->plan.clients;
        sim->clients[i] = (struct sim_client){
            .sim = sim,
            .index = i,
            .user = is_tab   ? VISITOR
                    : i == 0 ? -1
                             : (i - 1) % sim->plan.users,
            .visitor = is_tab ? &sim->visitor : NULL,
            .queue = str_printf(&sim->arena, "%.*s.reply.%d",
                                STR_FMT(sim->premises->settings.engine.prefix), i),
            .calls_left = sim->plan.calls,
            .chance = chance_of(sim->seed, 'c' + (uint64_t)i),
        };
        client_start(&sim->clients[i]);
    }
    weather_begin(sim);
}

struct doc_list sim_load(struct sim *sim, const struct doc_type *type)
{
    struct query query = query_of(type);
    struct query_page page = {0};
    struct err err = {0};
    query.limit = 100000;
    if (store_query(sim->store, &sim->arena, &query, &page, &err) != OUTCOME_DONE)
        panic("reading %s: %s", type->collection, err.text);
    return page.docs;
}

/* --- running --------------------------------------------------------------------------------------- */

/* Lets everybody act for a moment. */
static void run_a_while(struct sim *sim)
{
    const int64_t until_us = sim->schedule.now_us + LOOK_US;
    sim->schedule.horizon_us = until_us;
    while (sim->schedule.now_us < until_us && schedule_step(&sim->schedule))
        continue;
    if (sim->schedule.now_us < until_us)
        sim->schedule.now_us = until_us;
    sim_keep_time(sim);
}

static void heal(struct sim *sim)
{
    sim_note(sim, "=== all faults are over");
    sim->healed = true;
    sim->healed_us = sim->busy_us = sim->schedule.now_us;
    plan_heal(&sim->plan);
    sim->broker_away_until_us = sim->broker_blocked_until_us = sim->store_away_until_us = 0;
    lock_fake_set_down(sim->redis, false);
    for (int i = 0; i < sim->plan.lanes; i++)
        if (sim->lanes[i])
            sim->lanes[i]->skew_ms = sim->lanes[i]->slot.aside = 0;
}

static bool queues_are_empty(const struct sim *sim)
{
    const struct bus_topology *topology = &sim->premises->topology;
    if (bus_fake_unacked(sim->broker) > 0)
        return false;
    for (size_t i = 0; i < topology->queue_count; i++)
        if (!premises_is_dead_queue(sim->premises, topology->queues[i].name) &&
            bus_fake_depth(sim->broker, topology->queues[i].name) > 0)
            return false;
    return true;
}

static bool outbox_is_empty(const struct sim *sim)
{
    struct journal_entry *entries;
    size_t count = 0;
    struct err err = {0};
    struct arena arena;
    arena_init(&arena, 4096);
    /* A clock that was set back may have dated entries later than now. */
    const bool asked = store_outbox(sim->store, &arena, OUTBOX_ALL, -MS_PER_HOUR, 1, &entries,
                                    &count, &err) == OUTCOME_DONE;
    arena_release(&arena);
    return asked && count == 0;
}

static bool everybody_is_there(const struct sim *sim)
{
    for (int i = 0; i < sim->plan.lanes; i++)
        if (!sim->lanes[i] || sim->lanes[i]->stopping)
            return false;
    return true;
}

/* Leases of the dead end by themselves. */
static bool leases_are_over(const struct sim *sim)
{
    const int64_t lease_us = sim->premises->settings.engine.lease_ms * US_PER_MS;
    return sim->schedule.now_us > sim->healed_us + lease_us;
}

static bool is_idle(const struct sim *sim)
{
    return clients_are_done(sim) && everybody_is_there(sim) && leases_are_over(sim) &&
           queues_are_empty(sim) && outbox_is_empty(sim);
}

/* A relay that read the outbox a moment ago may still publish something again. */
static bool is_settled(const struct sim *sim)
{
    return sim->schedule.now_us > sim->busy_us + QUIET_US;
}

/* False when it did not come about within the time. */
static bool run_until(struct sim *sim, bool (*is_reached)(const struct sim *sim), int64_t most_us)
{
    const int64_t end_us = sim->schedule.now_us + most_us;
    while (!is_reached(sim) && sim->schedule.now_us < end_us && str_is_absent(sim->failure)) {
        run_a_while(sim);
        if (sim->healed && !is_idle(sim))
            sim->busy_us = sim->schedule.now_us;
    }
    return is_reached(sim);
}

static bool all_lanes_are_gone(const struct sim *sim)
{
    for (int i = 0; i < sim->plan.lanes; i++)
        if (sim->lanes[i])
            return false;
    return true;
}

static void settle(struct sim *sim, const char *what)
{
    if (!run_until(sim, is_settled, PATIENCE_US))
        sim_fail(sim, "%s never settles: clients %s, lanes %s, queues %s, outbox %s", what,
                 clients_are_done(sim) ? "done" : "waiting",
                 everybody_is_there(sim) ? "there" : "missing",
                 queues_are_empty(sim) ? "empty" : "not empty",
                 outbox_is_empty(sim) ? "empty" : "not empty");
}

static void close_shop(struct sim *sim)
{
    sim->closed = true;
    for (int i = 0; i < sim->plan.lanes; i++)
        if (sim->lanes[i])
            sim_lane_drain(sim->lanes[i]);
    if (!run_until(sim, all_lanes_are_gone, PATIENCE_US))
        sim_fail(sim, "a lane does not end");
}

static void listen(struct sim *sim)
{
    const size_t room = sizeof(sim->heard) / sizeof(sim->heard[0]);
    struct delivery *heard;
    while ((heard = bus_fake_take(sim->broker, sim->premises->spy))) {
        if (sim->heard_count == room)
            panic("more than %zu events in one seed", room);
        sim->heard[sim->heard_count++] = heard;
        seen_published(heard);
    }
}

static void tell_verdict(struct sim *sim)
{
    check_letters(sim);
    check_quiet(sim);
    check_documents(sim);
    check_history(sim);
    check_events(sim);
    check_sessions(sim);
}

static void play(struct sim *sim)
{
    open_world(sim);
    start_everybody(sim);
    (void)!run_until(sim, clients_are_done, FAULTS_US);
    heal(sim);
    settle(sim, "the shop");
    clients_encore(sim);
    sim->busy_us = sim->schedule.now_us;
    settle(sim, "the encore");
    close_shop(sim);
    listen(sim);
    if (str_is_absent(sim->failure))
        tell_verdict(sim);
}

bool sim_play(const struct premises *premises, uint64_t seed, FILE *trace, struct sim *out)
{
    *out = (struct sim){
        .premises = &premises[plan_of(seed).partitioned],
        .seed = seed,
        .trace = trace,
        .plan = plan_of(seed),
        .chance = chance_of(seed, 'f'),
        .bytes = chance_of(seed, 'b'),
    };
    arena_init(&out->arena, ARENA_BLOCK);
    out->blame = ARENA_NEW(&out->arena, struct blame_table);
    playing = out;
    clock_set_source(&simulated);
    random_set_source(fill_bytes);
    play(out);
    random_set_source(NULL);
    clock_set_source(NULL);
    return str_is_absent(out->failure);
}

void sim_release(struct sim *sim)
{
    for (struct sim_lane *life = sim->lives, *next; life; life = next) {
        next = life->next;
        sim_lane_free(life);
    }
    for (size_t i = 0; i < sim->heard_count; i++)
        delivery_free(sim->heard[i]);
    bus_close(sim->broker);
    store_close(sim->store);
    lock_close(sim->redis);
    schedule_release(&sim->schedule);
    arena_release(&sim->arena);
}
