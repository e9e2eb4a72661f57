/* crew_roll.c - a rolling restart: every lane is replaced, one after the other.
 *
 * The new lane is at work before the old one is told to drain, so there is a consumer at any
 * moment, even where a pool has only one lane. One lane drains at a time, so the shop is never
 * short of more than one. While servers are away no new lane gets ready, and the roll waits. */
#include "supervisor/crew.h"

static struct plan *other_plan(struct crew *crew)
{
    return &crew->plans[crew->plan == &crew->plans[0]];
}

/* Puts the plan in force, and adds a lane for each of its places in which no lane is to stay. */
static void take_plan(struct crew *crew, const struct plan *plan, uint64_t generation,
                      int64_t now_ms)
{
    crew->other_generation = crew->generation;
    crew->generation = generation;
    crew->plan = plan;
    for (size_t i = 0; i < crew->pool_count; i++) {
        struct crew_pool *pool = &crew->pools[i];
        pool->settings = &plan->settings->pools.items[i];
        for (int k = 0; pool->wanted && k < pool->settings->lanes; k++)
            if (!crew_holder(crew, pool, k, NULL))
                crew_add(crew, pool, k);
    }
    crew_prune(crew);
    crew_set_limits(crew, now_ms);
}

/* An operator who reloads wants to know at once whether the new plan helps: no backoff is left. */
static void try_at_once(struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->count; i++) {
        crew->lanes[i].backoff_ms = 0;
        if (crew->lanes[i].pid == 0)
            crew->lanes[i].start_at_ms = now_ms;
    }
}

void crew_follow(struct crew *crew, const struct plan *plan, int64_t now_ms)
{
    struct plan *other = other_plan(crew);
    *other = *plan;
    crew->roll = ROLL_FORWARD;
    take_plan(crew, other, ++crew->last_generation, now_ms);
    try_at_once(crew, now_ms);
}

void crew_roll_back(struct crew *crew, int64_t now_ms)
{
    crew->roll = ROLL_BACK;
    take_plan(crew, other_plan(crew), crew->other_generation, now_ms);
}

static const struct lane_child *successor_of(const struct crew *crew, const struct lane_child *lane)
{
    for (size_t i = 0; i < crew->count; i++) {
        const struct lane_child *other = &crew->lanes[i];
        if (other->pool == lane->pool && other->index == lane->index && !other->leaving &&
            other->generation == crew->generation)
            return other;
    }
    return NULL;
}

/* True when the lane is not at work and another lane of its place is: nobody would miss it. */
static bool is_idle(const struct crew *crew, const struct lane_child *lane)
{
    return !lane->slot->ready && crew_serves(crew, lane->pool, lane->index);
}

static void replace(struct crew *crew, struct lane_child *lane)
{
    const struct lane_child *successor = successor_of(crew, lane);
    if (lane->index >= lane->pool->settings->lanes || is_idle(crew, lane) ||
        (successor && successor->slot->ready))
        crew_dismiss(lane);
    else if (!successor)
        crew_add(crew, lane->pool, lane->index);
}

/* The next lane to be replaced: a lane that nobody would miss comes first. A lane whose place the
 * new plan does not have goes in its turn, behind lanes that have shown that the new plan works. */
static struct lane_child *next_outdated(struct crew *crew)
{
    struct lane_child *next = NULL;
    for (size_t i = 0; i < crew->count; i++) {
        struct lane_child *lane = &crew->lanes[i];
        if (!lane->pid || lane->generation == crew->generation)
            continue;
        if (is_idle(crew, lane))
            return lane;
        next = next ? next : lane;
    }
    return next;
}

void crew_roll(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].leaving)
            return;
    struct lane_child *lane = next_outdated(crew);
    if (lane)
        replace(crew, lane);
    else
        crew->roll = ROLL_NONE;
}
