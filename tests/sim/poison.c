/* poison.c - messages that end the lane in their handlers, as by SIGSEGV, whenever they come.
 *
 * What is promised of them: so many deaths and no more, then a dead letter that says so; and for all
 * others it is as if nothing had been. */
#include "engine/batch.h"
#include "fakes/bus_fake.h"
#include "sim/sim.h"
#include "wire/json.h"

/* An operation of the shop with a handler that asks first. */
struct laced {
    struct operation operation; /* first */
    enum outcome (*handle)(struct job *job, const void *request, struct err *err);
};

static struct sim_lane *lane_of(const struct job *job)
{
    return (struct sim_lane *)(void *)((char *)job->batch->lane - offsetof(struct sim_lane, lane));
}

struct poison *poison_find(const struct sim *sim, struct str message_id)
{
    struct poison *poison = sim->poisons;
    while (poison && !str_eq(poison->message_id, message_id))
        poison = poison->next;
    return poison;
}

/* Drawn from its name: what was harmless once is harmless for good. */
static bool is_drawn(const struct sim *sim, struct str message_id)
{
    const int64_t odds = sim->plan.odds[FAULT_POISON];
    return odds > 0 && chance_mix(sim->seed, str_hash(message_id)) % (uint64_t)odds == 0;
}

static struct poison *poison_of(struct sim *sim, const struct delivery *delivery)
{
    struct poison *poison = poison_find(sim, delivery->message_id);
    if (poison || !is_drawn(sim, delivery->message_id))
        return poison;
    poison = ARENA_NEW(&sim->arena, struct poison);
    *poison = (struct poison){
        .message_id = str_dup(&sim->arena, delivery->message_id),
        .has_deadline = delivery_deadline(delivery) >= 0,
        .next = sim->poisons,
    };
    return sim->poisons = poison;
}

static enum outcome handle(struct job *job, const void *request, struct err *err)
{
    const struct laced *laced = (const void *)job->operation;
    struct sim_lane *lane = lane_of(job);
    struct poison *poison = poison_of(lane->sim, job->delivery);
    if (!poison)
        return laced->handle(job, request, err);
    poison->deaths++;
    sim_struck(lane->sim, FAULT_POISON, poison->message_id);
    sim_lane_crash(lane);
}

/* --- tables --------------------------------------------------------------------------------------- */

static const struct operation *const *lace(const struct operation *const *operations,
                                           struct arena *arena)
{
    size_t count = 0;
    while (operations[count])
        count++;
    const struct operation **out = arena_array(arena, count + 1, sizeof(struct operation *));
    for (size_t i = 0; i < count; i++) {
        struct laced *laced = ARENA_NEW(arena, struct laced);
        *laced = (struct laced){*operations[i], operations[i]->handle};
        laced->operation.handle = handle;
        out[i] = &laced->operation;
    }
    return out;
}

const struct domain *const *poison_domains(const struct domain *const *domains, struct arena *arena)
{
    size_t count = 0;
    while (domains[count])
        count++;
    const struct domain **out = arena_array(arena, count + 1, sizeof(struct domain *));
    for (size_t i = 0; i < count; i++) {
        struct domain *domain = ARENA_NEW(arena, struct domain);
        *domain = *domains[i];
        domain->operations = lace(domains[i]->operations, arena);
        out[i] = domain;
    }
    return out;
}

/* --- the verdict ------------------------------------------------------------------------------------ */

static struct str header_of(struct sim *sim, const struct delivery *letter, const char *pointer)
{
    const struct json *headers;
    struct err err = {0};
    if (json_parse(&sim->arena, letter->headers, &headers, &err) != OUTCOME_DONE)
        return STR_ABSENT;
    return json_str(json_at(headers, pointer));
}

static void check_letter(struct sim *sim, const struct delivery *letter)
{
    struct poison *poison = poison_find(sim, letter->message_id);
    if (!poison && !sim->may_bury)
        sim_fail(sim, "%.*s was buried and is innocent: %.*s", STR_FMT(letter->message_id),
                 STR_FMT(header_of(sim, letter, "/x-failure-reason")));
    if (!poison)
        return;
    poison->letters++;
    if (!str_eq(header_of(sim, letter, "/x-failure-signal"), STR("SIGSEGV")))
        sim_fail(sim, "the letter of %.*s does not say how its lane died: %.*s",
                 STR_FMT(letter->message_id), STR_FMT(header_of(sim, letter, "/x-failure-reason")));
}

/* Each copy may end so many lanes, and each lane one more time before the supervisor has told; who asks
 * again after a letter has a new chance. */
static int64_t deaths_max(const struct sim *sim, const struct poison *poison)
{
    const struct call *call = client_call(sim, poison->message_id);
    const int64_t copies = (call ? call->copies : 1) + poison->letters;
    return copies * (DEATHS_MAX + sim->plan.lanes);
}

void check_letters(struct sim *sim)
{
    const struct bus_topology *topology = &sim->premises->topology;
    for (size_t i = 0; i < topology->queue_count; i++) {
        const struct str name = topology->queues[i].name;
        struct delivery *letter;
        while (premises_is_dead_queue(sim->premises, name) &&
               (letter = bus_fake_take(sim->broker, name))) {
            check_letter(sim, letter);
            delivery_free(letter);
        }
    }
    for (const struct poison *poison = sim->poisons; poison; poison = poison->next) {
        if (poison->letters == 0 && !poison->has_deadline)
            sim_fail(sim, "%.*s ended its handler %d times and is not buried",
                     STR_FMT(poison->message_id), poison->deaths);
        if (poison->deaths > deaths_max(sim, poison))
            sim_fail(sim, "%.*s ended its handler %d times, with %d letters",
                     STR_FMT(poison->message_id), poison->deaths, poison->letters);
    }
}
