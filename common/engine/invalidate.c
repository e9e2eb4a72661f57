/* invalidate.c - cached pages and copies that a commit made stale.
 *
 * The lane that committed says so, before its reply. If it dies in between, the lane that takes up
 * what was left says so: the lane that answers the repeat from the journal, or the relay that
 * publishes the events of the entry. */
#include "engine/batch.h"

static bool was_emitted(const struct journal_event *events, size_t count, struct str type)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(events[i].routing_key, type))
            return true;
    return false;
}

void lane_note_stale(struct lane *lane, const struct journal_event *events, size_t count)
{
    const struct service *service = lane->service;
    for (size_t i = 0; i < service->invalidation_count; i++)
        if (was_emitted(events, count, str_of(service->invalidations[i].event->name)))
            lane->stale_rows |= 1ull << i;
}

/* When a commit is older than the life of a copy, all copies that were made before it have ended,
 * and nothing need be told. */
void lane_note_left_behind(struct lane *lane, int64_t at, const struct journal_event *events,
                           size_t count)
{
    if (lane->now_ms() - at < lane->service->cache_ms)
        lane_note_stale(lane, events, count);
}

static size_t stale_tags(const struct lane *lane, struct str *tags)
{
    size_t count = 0;
    for (size_t i = 0; i < lane->service->invalidation_count; i++)
        if (lane->stale_rows & 1ull << i)
            tags[count++] = str_of(lane->service->invalidations[i].tag);
    return count;
}

void lane_invalidate(struct lane *lane, struct arena *arena)
{
    if (lane->stale_rows == 0)
        return;
    struct str *tags = arena_array(arena, lane->service->invalidation_count, sizeof(*tags));
    const size_t count = stale_tags(lane, tags);
    struct err ignored = {0};
    if (cache_invalidate(lane->lock, tags, count, &ignored) == OUTCOME_DONE)
        lane->stale_rows = 0;
}
