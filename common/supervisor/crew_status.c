/* crew_status.c - what the supervisor reports of its lanes. */
#include "supervisor/crew.h"

#include "service/partitions.h"

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
        .progress_ms = now_ms - slot_alive_ms(slot),
        .settled = slot->settled,
        .deferred = slot->deferred,
        .local_limits = slot->local_limits,
        .deaths = lane->deaths,
        .why = lane->why[0] && !slot->has_worked ? str_of(lane->why) : STR_ABSENT,
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

/* Why no lane of a pool is at work, in the words of its first lane. */
static struct str reason_of(const struct status_pool *pool, struct arena *arena)
{
    const struct status_lane *lane = pool->lanes.items;
    const struct str why = str_is_absent(lane->why) ? lane->waiting_for : lane->why;
    return str_printf(arena, "no lane of pool %.*s is at work: %.*s/%d is %.*s%s%.*s",
                      STR_FMT(pool->name), STR_FMT(pool->name), (int)lane->lane,
                      STR_FMT(lane->state), str_is_absent(why) ? "" : ", ", STR_FMT(why));
}

/* --- what the shop is short of -------------------------------------------------------------------- */

/* Adds each text only once: all lanes give the same warnings of their servers. */
static void warn(struct status *status, struct str text)
{
    for (size_t i = 0; i < status->warnings.count; i++)
        if (str_eq(status->warnings.items[i], text))
            return;
    status->warnings.items[status->warnings.count++] = text;
}

static bool is_missed(const struct crew *crew, const struct lane_child *lane)
{
    return crew_is_stuck(lane) && !lane->leaving && !crew_serves(crew, lane->pool, lane->index);
}

static struct str missing(const struct crew *crew, const struct lane_child *lane,
                          struct arena *arena)
{
    return str_printf(arena, "lane %.*s/%d cannot start: %s%s", STR_FMT(lane->pool->settings->name),
                      lane->index + 1, lane->why,
                      pool_is_partitioned(crew->plan->settings, lane->pool->settings)
                          ? "; its partitions wait for it"
                          : "");
}

static void add_warnings(const struct crew *crew, struct arena *arena, struct status *status)
{
    const struct plan *plan = crew->plan;
    status->warnings.items = arena_array(
        arena, plan->warnings.count + (1 + SLOT_WARNINGS) * crew->count, sizeof(struct str));
    for (size_t i = 0; i < crew->count; i++)
        if (is_missed(crew, &crew->lanes[i]))
            warn(status, missing(crew, &crew->lanes[i], arena));
    for (size_t i = 0; i < crew->count; i++)
        for (int k = 0; k < SLOT_WARNINGS; k++)
            if (crew->lanes[i].slot->warnings[k][0])
                warn(status, str_dup(arena, str_of(crew->lanes[i].slot->warnings[k])));
    for (size_t i = 0; i < plan->warnings.count; i++)
        warn(status, plan->warnings.items[i]);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static void add_pool(const struct crew *crew, const struct crew_pool *pool, struct arena *arena,
                     int64_t now_ms, struct status *out)
{
    struct status_pool *status = &out->pools.items[out->pools.count++];
    *status = pool_status(crew, pool, arena, now_ms);
    if (!out->ready || crew_pool_serves(crew, pool))
        return;
    out->ready = false;
    out->reason = reason_of(status, arena);
}

void crew_status(const struct crew *crew, struct arena *arena, int64_t now_ms, struct status *out)
{
    *out = (struct status){.ready = true, .reason = STR_ABSENT};
    out->pools.items = arena_array(arena, crew->pool_count, sizeof(struct status_pool));
    for (size_t i = 0; i < crew->pool_count; i++)
        if (crew->pools[i].wanted)
            add_pool(crew, &crew->pools[i], arena, now_ms, out);
    add_warnings(crew, arena, out);
    out->degraded = out->warnings.count > 0;
    if (out->ready && out->degraded)
        out->reason = out->warnings.items[0];
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

static bool place_is_stuck(const struct crew *crew, const struct crew_pool *pool, int index)
{
    for (size_t i = 0; i < crew->count; i++) {
        const struct lane_child *lane = &crew->lanes[i];
        if (lane->pool == pool && lane->index == index && is_missed(crew, lane))
            return true;
    }
    return false;
}

struct crew_count crew_count(const struct crew *crew)
{
    struct crew_count count = {0};
    for (size_t i = 0; i < crew->pool_count; i++)
        for (int k = 0; crew->pools[i].wanted && k < crew->pools[i].settings->lanes; k++) {
            count.ready += crew_serves(crew, &crew->pools[i], k);
            count.stuck += place_is_stuck(crew, &crew->pools[i], k);
            count.places++;
        }
    return count;
}
