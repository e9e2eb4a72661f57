/* relay.c - the outbox: from the journal to the broker. */
#include "worker/relay.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/signature.h"

#define RELAY_BATCH      100
#define CONFIRM_TIMEOUTS 2 /* of amqp.timeout: a busy broker may be late once */

/* --- confirms --------------------------------------------------------------------------------------- */

static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 32;
    array = realloc(array, *capacity * size);
    if (!array)
        panic("out of memory for %zu outbox entries", *capacity);
    return array;
}

uint64_t lane_open_group(struct lane *lane, struct str journal_id)
{
    lane->groups =
        grown(lane->groups, lane->group_count, &lane->group_capacity, sizeof(*lane->groups));
    struct open_group *open = &lane->groups[lane->group_count++];
    open->group = ++lane->last_group;
    memcpy(open->journal_id, journal_id.ptr, ID_TEXT);
    open->journal_id[ID_TEXT] = '\0';
    open->opened_us = clock_monotonic_us();
    return open->group;
}

void lane_publish_event(struct lane *lane, struct arena *arena, const struct journal_event *event,
                        uint64_t group)
{
    const struct signed_event said = {event->exchange, event->routing_key, event->id, event->body};
    const struct bus_header signature = {"x-signature", event_sign(arena, &lane->keys, &said)};
    bus_publish(lane->bus,
                &(struct bus_message){
                    .exchange = event->exchange,
                    .routing_key = event->routing_key,
                    .body = event->body,
                    .message_id = event->id,
                    .type = event->routing_key,
                    .traceparent = event->traceparent,
                    .headers = &signature,
                    .header_count = 1,
                },
                group);
}

static void to_be_marked(struct lane *lane, const struct open_group *open)
{
    lane->published.items = grown(lane->published.items, lane->published.count,
                                  &lane->published_capacity, sizeof(struct str));
    char *id = strdup(open->journal_id);
    if (!id)
        panic("out of memory for an outbox entry");
    lane->published.items[lane->published.count++] = str_of(id);
}

static void close_group(struct lane *lane, const struct bus_confirm *confirm)
{
    for (size_t i = 0; i < lane->group_count; i++) {
        if (lane->groups[i].group != confirm->group)
            continue;
        if (confirm->ok)
            to_be_marked(lane, &lane->groups[i]);
        lane->groups[i] = lane->groups[--lane->group_count];
        return;
    }
    /* A single message (a copy for the delays or dead letters), not an outbox entry. */
    if (!confirm->ok)
        lane->failed_group = confirm->group;
}

void relay_take_confirms(struct lane *lane)
{
    struct bus_confirm confirm;
    while (bus_confirmed(lane->bus, &confirm))
        close_group(lane, &confirm);
}

bool relay_is_stuck(struct lane *lane, int64_t now_us)
{
    relay_take_confirms(lane);
    if (bus_is_blocked(lane->bus))
        return false;
    const int64_t patience_us = CONFIRM_TIMEOUTS * lane->settings->amqp_timeout_ms * 1000;
    for (size_t i = 0; i < lane->group_count; i++)
        if (now_us - lane->groups[i].opened_us > patience_us)
            return true;
    return false;
}

bool lane_group_failed(struct lane *lane, uint64_t group)
{
    relay_take_confirms(lane);
    return lane->failed_group == group;
}

enum outcome relay_mark_published(struct lane *lane, struct err *err)
{
    if (lane->published.count == 0)
        return OUTCOME_DONE;
    TRY(store_mark_published(lane->store, lane->published.items, lane->published.count, err));
    for (size_t i = 0; i < lane->published.count; i++)
        free((void *)(uintptr_t)lane->published.items[i].ptr);
    lane->published.count = 0;
    return OUTCOME_DONE;
}

void relay_release(struct lane *lane)
{
    for (size_t i = 0; i < lane->published.count; i++)
        free((void *)(uintptr_t)lane->published.items[i].ptr);
    free(lane->published.items);
    free(lane->groups);
}

/* --- what a crash left ---------------------------------------------------------------------------------- */

/* Entries whose confirms this lane still awaits are not old enough to be lost. */
static bool is_open_here(const struct lane *lane, struct str id)
{
    for (size_t i = 0; i < lane->group_count; i++)
        if (str_eq(str_of(lane->groups[i].journal_id), id))
            return true;
    for (size_t i = 0; i < lane->published.count; i++)
        if (str_eq(lane->published.items[i], id))
            return true;
    return false;
}

static void republish(struct lane *lane, const struct journal_entry *entry)
{
    if (is_open_here(lane, entry->id))
        return;
    lane_note_left_behind(lane, entry->at, entry->events, entry->event_count);
    const uint64_t group = lane_open_group(lane, entry->id);
    for (size_t i = 0; i < entry->event_count; i++)
        lane_publish_event(lane, &lane->arena, &entry->events[i], group);
    struct log_line line;
    log_begin(&line, LOG_WARN, "events published again");
    log_str(&line, "journal", entry->id);
    log_int(&line, "events", (int64_t)entry->event_count);
    log_end(&line);
}

/* One lane at a time: two would only publish everything twice. The lease is taken again after half
 * of it; when its lane dies, the next one begins as late as entries become old. */
static bool holds_relay(struct lane *lane)
{
    const struct str key = RELAY_LEASE;
    struct err err = {0};
    bool granted = false;
    const enum outcome outcome =
        lock_take(lane->lock, &key, 1, lane->owner, lane->settings->relay_age_ms, &granted, &err);
    return outcome != OUTCOME_DONE || granted;
}

enum outcome relay_run_if_due(struct lane *lane, int64_t now_us, struct err *err)
{
    if (now_us < lane->next_relay_us || bus_is_blocked(lane->bus))
        return OUTCOME_DONE;
    const int64_t period_us = lane->settings->relay_age_ms * 1000 / 2;
    lane->next_relay_us = now_us + period_us;
    if (!holds_relay(lane))
        return OUTCOME_DONE;
    struct journal_entry *entries;
    size_t count;
    TRY(store_outbox(lane->store, &lane->arena, lane->settings->relay_age_ms, RELAY_BATCH, &entries,
                     &count, err));
    for (size_t i = 0; i < count; i++)
        republish(lane, &entries[i]);
    lane_invalidate(lane, &lane->arena);
    arena_clear(&lane->arena);
    if (count == RELAY_BATCH)
        lane->next_relay_us = now_us;
    if (count == 0)
        return OUTCOME_DONE;
    const enum outcome outcome = bus_flush(lane->bus, err);
    lane->bus_lost = outcome != OUTCOME_DONE;
    return outcome;
}
