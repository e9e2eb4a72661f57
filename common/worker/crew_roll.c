/* crew_roll.c - a rolling restart: every lane is replaced, one after the other.
 *
 * The new lane is at work before the old one is told to drain, so somebody consumes at any moment,
 * even where a pool has one lane only; and one drains at a time, so that the shop is never short of
 * more than one. While servers are away the new lane is not ready, and nothing goes on. */
#include "worker/crew.h"

static bool is_outdated(const struct crew *crew, const struct lane_child *lane)
{
    return lane->pid && lane->plan != crew->plan;
}

/* Places that the new plan has and the old one had not, or the other way round. */
static void fit_pool(struct crew *crew, struct crew_pool *pool)
{
    for (int k = 0; pool->wanted && k < pool->settings->lanes; k++)
        if (!crew_holder(crew, pool, k, NULL))
            crew_add(crew, pool, k);
    for (size_t i = crew->count; i-- > 0;)
        if (crew->lanes[i].pool == pool && crew->lanes[i].index >= pool->settings->lanes &&
            crew->lanes[i].pid == 0)
            crew_remove(crew, i);
}

static struct plan *other_plan(struct crew *crew)
{
    return &crew->plans[crew->plan == &crew->plans[0]];
}

static void take_plan(struct crew *crew, const struct plan *plan)
{
    crew->plan = plan;
    for (size_t i = 0; i < crew->pool_count; i++) {
        crew->pools[i].settings = &plan->settings->pools.items[i];
        fit_pool(crew, &crew->pools[i]);
    }
}

void crew_follow(struct crew *crew, const struct plan *plan, int64_t now_ms)
{
    struct plan *other = other_plan(crew);
    *other = *plan;
    crew->roll = ROLL_FORWARD;
    take_plan(crew, other);
    crew_set_limits(crew, now_ms);
}

void crew_roll_back(struct crew *crew)
{
    crew->roll = ROLL_BACK;
    take_plan(crew, other_plan(crew));
}

static void replace(struct crew *crew, struct lane_child *lane)
{
    const struct lane_child *successor = crew_holder(crew, lane->pool, lane->index, lane);
    if (lane->index >= lane->pool->settings->lanes || (successor && successor->slot->ready))
        crew_dismiss(lane);
    else if (!successor)
        crew_add(crew, lane->pool, lane->index);
}

void crew_roll(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].leaving)
            return;
    for (size_t i = 0; i < crew->count; i++)
        if (is_outdated(crew, &crew->lanes[i])) {
            replace(crew, &crew->lanes[i]);
            return;
        }
    crew->roll = ROLL_NONE;
}
