/* relay.c - the outbox: events go from the journal to the broker. */
#include "engine/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/names.h"
#include "service/signature.h"

#define RELAY_BATCH     100
#define PUT_OFF_MAX_MS  (10LL * MS_PER_MINUTE)
#define CONFIRM_WAIT_MS 1000
/* So many times amqp.timeout may pass without any confirm: a busy broker may be late once. */
#define CONFIRM_TIMEOUTS 2

/* --- confirms --------------------------------------------------------------------------------------- */

static struct open_group *open_group(struct lane *lane, struct str journal_id)
{
    lane->groups =
        memory_grow(lane->groups, lane->group_count, &lane->group_capacity, sizeof(*lane->groups));
    struct open_group *open = &lane->groups[lane->group_count++];
    *open = (struct open_group){.group = ++lane->last_group, .opened_us = clock_monotonic_us()};
    memcpy(open->journal_id, journal_id.ptr, ID_TEXT);
    return open;
}

uint64_t lane_open_group(struct lane *lane, struct str journal_id)
{
    return open_group(lane, journal_id)->group;
}

/* The AMQP binding of CloudEvents recognises an event in structured form by its content type. A
 * notification is plain JSON. */
#define CLOUDEVENT STR("application/cloudevents+json; charset=utf-8")

void lane_publish_event(struct lane *lane, struct arena *arena, const struct journal_event *event,
                        uint64_t group)
{
    const struct signed_event said = {event->exchange, event->routing_key, event->id, event->body};
    const bool is_event = name_is_events(event->exchange, lane->settings->prefix);
    /* A notification that is shown in the shop is there whether or not somebody
     * hears of it; a mail is not. */
    const bool is_mail = !is_event && str_starts_with(event->routing_key, STR("email."));
    const struct bus_header signature = {"x-signature", event_sign(arena, &lane->keys, &said)};
    bus_publish(lane->bus,
                &(struct bus_message){
                    .exchange = event->exchange,
                    .routing_key = event->routing_key,
                    .body = event->body,
                    .message_id = event->id,
                    .type = event->routing_key,
                    .content_type = is_event ? CLOUDEVENT : STR_ABSENT,
                    .traceparent = event->traceparent,
                    .headers = &signature,
                    .header_count = 1,
                    .mandatory = is_mail,
                    .may_be_unroutable = is_mail,
                },
                group);
}

static void add_id(struct lane_ids *ids, const char *journal_id)
{
    ids->items = memory_grow(ids->items, ids->count, &ids->capacity, sizeof(struct str));
    char *id = strdup(journal_id);
    if (!id)
        panic("out of memory for an outbox entry");
    ids->items[ids->count++] = str_of(id);
}

static void clear_ids(struct lane_ids *ids)
{
    for (size_t i = 0; i < ids->count; i++)
        free((void *)(uintptr_t)ids->items[i].ptr);
    ids->count = 0;
}

static void log_refusal(const struct open_group *open)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, "a subscriber does not take an event");
    log_str(&line, "journal", str_of(open->journal_id));
    log_str(&line, "exchange", str_of(open->route));
    log_str(&line, "routingKey", str_of(open->route + strlen(open->route) + 1));
    log_end(&line);
}

/* Returns another group of the same entry, at index `from` or later: an entry has one
 * group for each of its routes. */
static struct open_group *sibling_of(const struct lane *lane, const struct open_group *open,
                                     size_t from)
{
    for (size_t i = from; i < lane->group_count; i++)
        if (strcmp(lane->groups[i].journal_id, open->journal_id) == 0)
            return &lane->groups[i];
    return NULL;
}

static void spoil_siblings(struct lane *lane, const struct open_group *open)
{
    for (struct open_group *other = sibling_of(lane, open, 0); other;
         other = sibling_of(lane, open, (size_t)(other - lane->groups) + 1))
        other->spoiled = true;
}

/* `open` is no longer among the lane's groups. */
static void close_entry(struct lane *lane, const struct open_group *open,
                        const struct bus_confirm *confirm)
{
    if (confirm->refused && open->route)
        log_refusal(open);
    if (confirm->refused && !open->spoiled)
        add_id(&lane->refused, open->journal_id);
    if (!confirm->ok)
        spoil_siblings(lane, open);
    else if (!open->spoiled && !sibling_of(lane, open, 0))
        add_id(&lane->published, open->journal_id);
}

static void close_group(struct lane *lane, const struct bus_confirm *confirm)
{
    for (size_t i = 0; i < lane->group_count; i++) {
        if (lane->groups[i].group != confirm->group)
            continue;
        const struct open_group open = lane->groups[i];
        lane->groups[i] = lane->groups[--lane->group_count];
        lane->groups[lane->group_count].route = NULL; /* it is at index i now, or in `open` */
        close_entry(lane, &open, confirm);
        free(open.route);
        return;
    }
    /* These are copies for the delays or dead letters, not an outbox entry. */
    if (!confirm->ok)
        lane->failed_group = confirm->group;
}

void relay_take_confirms(struct lane *lane)
{
    struct bus_confirm confirm;
    while (bus_confirmed(lane->bus, &confirm))
        close_group(lane, &confirm);
}

static bool is_any_open_since(const struct lane *lane, int64_t time_us)
{
    for (size_t i = 0; i < lane->group_count; i++)
        if (lane->groups[i].opened_us < time_us)
            return true;
    return false;
}

bool relay_is_stuck(struct lane *lane, int64_t now_us)
{
    relay_take_confirms(lane);
    const int64_t patience_us = CONFIRM_TIMEOUTS * lane->settings->amqp_timeout_ms * 1000;
    const uint64_t confirmed = bus_settled(lane->bus);
    if (confirmed != lane->confirmed || bus_is_blocked(lane->bus)) {
        lane->confirmed = confirmed;
        lane->confirms_moved_us = now_us;
    }
    return now_us - lane->confirms_moved_us > patience_us &&
           is_any_open_since(lane, now_us - patience_us);
}

bool lane_group_failed(struct lane *lane, uint64_t group)
{
    relay_take_confirms(lane);
    return lane->failed_group == group;
}

enum outcome relay_write_down(struct lane *lane, struct err *err)
{
    const int64_t first_ms = lane->settings->relay_age_ms;
    if (lane->published.count)
        TRY(store_mark_published(lane->store, lane->published.items, lane->published.count, err));
    clear_ids(&lane->published);
    if (lane->refused.count)
        TRY(store_put_off(lane->store, lane->refused.items, lane->refused.count, first_ms,
                          PUT_OFF_MAX_MS, err));
    clear_ids(&lane->refused);
    return OUTCOME_DONE;
}

void relay_release(struct lane *lane)
{
    clear_ids(&lane->published);
    free(lane->published.items);
    clear_ids(&lane->refused);
    free(lane->refused.items);
    for (size_t i = 0; i < lane->group_count; i++)
        free(lane->groups[i].route);
    free(lane->groups);
}

/* --- what a crash left ---------------------------------------------------------------------------------- */

static bool holds_id(const struct lane_ids *ids, struct str id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (str_eq(ids->items[i], id))
            return true;
    return false;
}

/* An entry that this lane still awaits confirms for, or has to write down, is not lost. */
static bool is_open_here(const struct lane *lane, struct str id)
{
    for (size_t i = 0; i < lane->group_count; i++)
        if (str_eq(str_of(lane->groups[i].journal_id), id))
            return true;
    return holds_id(&lane->published, id) || holds_id(&lane->refused, id);
}

static bool is_route(const struct open_group *open, const struct journal_event *event)
{
    const char *key = open->route + strlen(open->route) + 1;
    return str_eq(str_of(open->route), event->exchange) && str_eq(str_of(key), event->routing_key);
}

/* Returns the group of this route ("exchange\0key") of an entry. Each route has a group of its own,
 * so that a refusal tells whose it is. */
static uint64_t group_of_route(struct lane *lane, size_t first, struct str journal_id,
                               const struct journal_event *event)
{
    for (size_t i = first; i < lane->group_count; i++)
        if (is_route(&lane->groups[i], event))
            return lane->groups[i].group;
    struct open_group *open = open_group(lane, journal_id);
    if (asprintf(&open->route, "%.*s%c%.*s", STR_FMT(event->exchange), '\0',
                 STR_FMT(event->routing_key)) < 0)
        panic("out of memory for a route");
    return open->group;
}

static void republish(struct lane *lane, const struct journal_entry *entry)
{
    if (is_open_here(lane, entry->id))
        return;
    const size_t first = lane->group_count;
    lane_note_left_behind(lane, entry->at, entry->events, entry->event_count);
    for (size_t i = 0; i < entry->event_count; i++)
        lane_publish_event(lane, &lane->arena, &entry->events[i],
                           group_of_route(lane, first, entry->id, &entry->events[i]));
    struct log_line line;
    log_begin(&line, LOG_WARN, "events published again");
    log_str(&line, "journal", entry->id);
    log_int(&line, "events", (int64_t)entry->event_count);
    log_end(&line);
}

/* True when this lane may relay. One lane does so at a time, because two would only publish
 * everything twice; without Redis all of them do. The lease is renewed after half of its life; when
 * its lane dies, the next lane begins as late as entries become old. */
static bool holds_relay(struct lane *lane)
{
    const struct str key = RELAY_LEASE;
    struct err err = {0};
    bool granted = false;
    const enum outcome outcome =
        lock_take(lane->lock, &key, 1, lane->owner, lane->settings->relay_age_ms, &granted, &err);
    return outcome != OUTCOME_DONE || granted;
}

/* This is done before anything else is handled, because an event may end the lane that handles it,
 * and that may be this lane. It would die before the confirm is written down, bury the event, and
 * publish it again, for ever. */
static enum outcome see_through(struct lane *lane, struct err *err)
{
    const enum outcome flushed = bus_flush(lane->bus, err);
    lane->bus_lost = flushed != OUTCOME_DONE;
    TRY(flushed);
    slot_alive(lane->slot);
    (void)!bus_wait_confirms(lane->bus, CONFIRM_WAIT_MS); /* late confirms are written down later */
    relay_take_confirms(lane);
    return relay_write_down(lane, err);
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
    TRY(store_outbox(lane->store, &lane->arena, OUTBOX_DUE, lane->settings->relay_age_ms,
                     RELAY_BATCH, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        republish(lane, &entries[i]);
    lane_invalidate(lane, &lane->arena);
    arena_clear(&lane->arena);
    if (count == RELAY_BATCH)
        lane->next_relay_us = now_us;
    return count == 0 ? OUTCOME_DONE : see_through(lane, err);
}
