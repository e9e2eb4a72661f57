/* crew_pools.c - how many lanes of a pool work at a time. */
#include "base/log.h"
#include "service/partitions.h"
#include "supervisor/crew.h"

void crew_set_limits(struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->pool_count; i++) {
        struct crew_pool *pool = &crew->pools[i];
        if (pool->limit.lanes != pool->settings->lanes)
            concurrency_init(&pool->limit, pool->settings->lanes, now_ms);
    }
}

static struct pool_work work_of(const struct crew *crew, const struct crew_pool *pool)
{
    struct pool_work work = pool->gone;
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->lanes[i].pool != pool)
            continue;
        work.settled += crew->lanes[i].slot->settled;
        work.deferred += crew->lanes[i].slot->deferred;
    }
    return work;
}

/* Lanes from index `limit` on stand aside, but only while all lanes before them are at work. */
static void set_aside(struct crew *crew, const struct crew_pool *pool)
{
    bool all_served = true;
    for (int index = 0; index < pool->limit.limit; index++)
        all_served = all_served && crew_serves(crew, pool, index);
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pool == pool)
            crew->lanes[i].slot->aside = all_served && crew->lanes[i].index >= pool->limit.limit;
}

void crew_adapt(struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->pool_count; i++) {
        struct crew_pool *pool = &crew->pools[i];
        /* Nobody would take the partitions of a lane that stands aside. */
        if (!pool->wanted || pool_is_partitioned(crew->plan->settings, pool->settings))
            continue;
        if (concurrency_adapt(&pool->limit, work_of(crew, pool), now_ms))
            log_info("pool %.*s: %d of %d lanes work", STR_FMT(pool->settings->name),
                     (int)pool->limit.limit, (int)pool->limit.lanes);
        set_aside(crew, pool);
    }
}
