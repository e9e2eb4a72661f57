/* crew_watch.c - cuts lanes that hang: by SIGABRT, for a backtrace, and then by SIGKILL. */
#include "supervisor/crew.h"

#include "base/log.h"

/* The time from SIGABRT to SIGKILL. SIGABRT leaves a backtrace, unless the process is stopped or
 * stuck in the kernel. */
#define LAST_WORDS_MS 2000
/* Between two signs of life a lane makes at most three calls to one server (the driver repeats a
 * read once, and looks for the primary before that), or opens its connections. While a lane waits
 * for a commit, which is many calls, the thread of commits gives the signs (slot.h). */
#define CALLS_MAX 4

struct stall_limits crew_limits(const struct crew *crew, const struct crew_pool *pool)
{
    const struct engine_settings *settings = crew->plan->settings;
    const int64_t handler_ms = pool->settings->handler_ms;
    const int64_t call_ms =
        settings->amqp_timeout_ms + settings->mongodb_timeout_ms + settings->redis_timeout_ms;
    return (struct stall_limits){handler_ms, handler_ms + CALLS_MAX * call_ms};
}

static enum stall_kind look_at(struct lane_child *lane, int64_t now_ms, int64_t *since_ms)
{
    const struct lane_slot *slot = lane->slot;
    const struct stall_sight sight = {slot->suspect != 0, slot->run, slot_alive_ms(slot)};
    return stall_look(&lane->stall, &sight, &lane->limits, now_ms, since_ms);
}

static void cut(struct lane_child *lane, enum stall_kind kind, int64_t hung_ms, int64_t now_ms)
{
    struct log_line line;
    log_begin(&line, LOG_ERROR, kind == STALL_HANDLER ? "handler hangs" : "lane hangs");
    log_str(&line, "pool", lane->pool->settings->name);
    log_int(&line, "index", lane->index + 1);
    log_int(&line, "lanePid", lane->pid);
    log_int(&line, "hungMs", hung_ms);
    log_end(&line);
    lane->cut_at_ms = now_ms;
    lane->hung_ms = hung_ms;
    kill(lane->pid, SIGABRT);
}

static void watch(struct lane_child *lane, int64_t now_ms)
{
    int64_t since_ms = 0;
    if (lane->cut_at_ms) {
        if (now_ms - lane->cut_at_ms > LAST_WORDS_MS)
            kill(lane->pid, SIGKILL);
        return;
    }
    const enum stall_kind kind = look_at(lane, now_ms, &since_ms);
    if (kind != STALL_NONE)
        cut(lane, kind, now_ms - since_ms, now_ms);
}

void crew_cut_hanging(struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pid)
            watch(&crew->lanes[i], now_ms);
}

static bool pool_makes_progress(const struct crew *crew, const struct crew_pool *pool,
                                int64_t now_ms)
{
    for (size_t i = 0; i < crew->count; i++) {
        const struct lane_child *lane = &crew->lanes[i];
        if (lane->pool == pool && lane->pid && !lane->cut_at_ms &&
            now_ms - slot_alive_ms(lane->slot) < lane->limits.lane_ms)
            return true;
    }
    return false;
}

bool crew_makes_progress(const struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->pool_count; i++)
        if (crew->pools[i].wanted && !pool_makes_progress(crew, &crew->pools[i], now_ms))
            return false;
    return true;
}
