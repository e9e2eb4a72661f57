/* crew_status.c - what the supervisor tells of its lanes. */
#include "worker/crew.h"

#include <unistd.h>

#include "base/clock.h"

static struct str state_of(const struct lane_child *lane)
{
    const struct lane_slot *slot = lane->slot;
    if (lane->pid == 0)
        return STR("restarting");
    if (slot->stage != DRAIN_NOT)
        return STR("draining");
    if (slot->waiting_since_ms)
        return STR("waiting");
    if (!slot->ready)
        return STR("starting");
    return slot->aside ? STR("aside") : STR("ready");
}

static struct status_lane lane_status(const struct lane_child *lane, struct arena *arena,
                                      int64_t now_ms)
{
    const struct lane_slot *slot = lane->slot;
    const bool waits = lane->pid && slot->waiting_since_ms;
    struct status_lane status = {
        .lane = lane->index + 1,
        .state = state_of(lane),
        .pid = lane->pid,
        .waiting_for = waits ? str_dup(arena, str_of(slot->waiting_for)) : STR_ABSENT,
        .since = waits ? slot->waiting_since_ms : 0,
        .stage = slot->stage ? str_of(drain_stage_names[slot->stage]) : STR_ABSENT,
        .progress_ms = now_ms - slot->alive_us / 1000,
        .settled = slot->settled,
        .deferred = slot->deferred,
        .deaths = lane->deaths,
    };
    if (lane->pid == 0)
        status.restart_ms =
            (struct opt_int){true, lane->start_at_ms > now_ms ? lane->start_at_ms - now_ms : 0};
    return status;
}

static struct status_pool pool_status(const struct crew *crew, const struct crew_pool *pool,
                                      struct arena *arena, int64_t now_ms)
{
    struct status_pool status = {.name = pool->settings->name, .working = pool->limit.limit};
    status.lanes.items = arena_array(arena, crew->count, sizeof(struct status_lane));
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pool == pool)
            status.lanes.items[status.lanes.count++] = lane_status(&crew->lanes[i], arena, now_ms);
    return status;
}

/* Why nobody works in a pool: what its first lane says. */
static struct str reason_of(const struct status_pool *pool, struct arena *arena)
{
    const struct status_lane *lane = pool->lanes.items;
    return str_printf(arena, "no lane of pool %.*s is at work: %.*s/%d is %.*s%s%.*s",
                      STR_FMT(pool->name), STR_FMT(pool->name), (int)lane->lane,
                      STR_FMT(lane->state), str_is_absent(lane->waiting_for) ? "" : ", ",
                      STR_FMT(lane->waiting_for));
}

static bool has_worker(const struct crew *crew, const struct crew_pool *pool)
{
    for (int index = 0; index < pool->settings->lanes; index++)
        if (crew_serves(crew, pool, index))
            return true;
    return false;
}

void crew_status(const struct crew *crew, struct arena *arena, int64_t now_ms, struct status *out)
{
    *out = (struct status){.ready = true, .reason = STR_ABSENT};
    out->pools.items = arena_array(arena, crew->pool_count, sizeof(struct status_pool));
    for (size_t i = 0; i < crew->pool_count; i++) {
        const struct crew_pool *pool = &crew->pools[i];
        if (!pool->wanted)
            continue;
        struct status_pool *status = &out->pools.items[out->pools.count++];
        *status = pool_status(crew, pool, arena, now_ms);
        if (!out->ready || has_worker(crew, pool))
            continue;
        out->ready = false;
        out->reason = reason_of(status, arena);
    }
}

uint64_t crew_signature(const struct crew *crew)
{
    uint64_t signature = crew->count;
    for (size_t i = 0; i < crew->count; i++) {
        const struct lane_child *lane = &crew->lanes[i];
        signature = signature * 31 + str_hash(state_of(lane)) + (uint64_t)lane->pid * 7 +
                    (uint64_t)lane->slot->stage;
    }
    return signature;
}

size_t crew_ready(const struct crew *crew, size_t *places)
{
    size_t ready = 0;
    *places = 0;
    for (size_t i = 0; i < crew->pool_count; i++)
        for (int k = 0; crew->pools[i].wanted && k < crew->pools[i].settings->lanes; k++) {
            ready += crew_serves(crew, &crew->pools[i], k);
            ++*places;
        }
    return ready;
}
