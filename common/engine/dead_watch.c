/* dead_watch.c - whether the dead letters are filling up. */
#include "engine/dead_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "service/broker_needs.h"
#include "service/names.h"

#define PERIOD_US (60 * 1000000LL)

static enum outcome fullest(struct lane *lane, struct arena *arena, struct str *queue,
                            int64_t *depth, struct err *err)
{
    *depth = 0;
    for (size_t i = 0; i < lane->pool->domains.count; i++) {
        const struct str name =
            name_dead(arena, lane->settings->prefix, lane->pool->domains.items[i]);
        int64_t count = 0;
        const enum outcome outcome = bus_queue_depth(lane->bus, name, &count, err);
        if (outcome != OUTCOME_DONE && outcome != OUTCOME_REFUSED)
            return outcome;
        if (outcome == OUTCOME_DONE && count >= *depth) {
            *queue = name;
            *depth = count;
        }
    }
    return OUTCOME_DONE;
}

static enum outcome look(struct lane *lane, struct arena *arena, struct err *err)
{
    struct str queue = STR("");
    int64_t depth = 0;
    char text[ERR_TEXT_MAX] = "";
    TRY(fullest(lane, arena, &queue, &depth, err));
    if (depth >= DEAD_LETTERS_MAX / 2)
        snprintf(text, sizeof(text),
                 "%.*s holds %" PRId64 " of the %d letters that it takes: cartwright dead-letter "
                 "list, then replay, edit or discard",
                 STR_FMT(queue), depth, DEAD_LETTERS_MAX);
    slot_warn(lane->slot, SLOT_WARN_LETTERS, text);
    return OUTCOME_DONE;
}

enum outcome dead_watch_if_due(struct lane *lane, int64_t now_us, struct err *err)
{
    if (lane->index != 0 || now_us < lane->next_letters_us)
        return OUTCOME_DONE;
    const bool first = lane->next_letters_us == 0;
    lane->next_letters_us = now_us + PERIOD_US;
    if (first)
        return OUTCOME_DONE;
    struct arena arena;
    arena_init(&arena, 1024);
    const enum outcome outcome = look(lane, &arena, err);
    arena_release(&arena);
    lane->bus_lost = lane->bus_lost || outcome != OUTCOME_DONE;
    return outcome;
}
