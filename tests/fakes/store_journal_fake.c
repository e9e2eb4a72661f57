/* store_journal_fake.c - the journal of the fake store: replies by their keys, and the outbox. */
#include <stdlib.h>

#include "base/clock.h"
#include "fakes/store_parts.h"

/* --- what is kept ---------------------------------------------------------------------------- */

static void keep_replies(struct store_fake *fake, const struct commit *commit,
                         const struct journal_entry *entry)
{
    for (size_t i = 0; i < commit->reply_count; i++) {
        struct journal_reply *reply = ARENA_NEW(&fake->data->arena, struct journal_reply);
        *reply = commit->replies[i];
        reply->body = str_dup(&fake->data->arena, reply->body);
        reply->at = entry->at;
        reply->events = entry->events;
        reply->event_count = entry->event_count;
        map_set(&fake->data->replies_by_key, fake_key(&reply->key), reply);
    }
}

static const struct journal_event *copy_events(struct arena *arena,
                                               const struct journal_event *events, size_t count)
{
    struct journal_event *copy = arena_array(arena, count, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct journal_event){
            str_dup(arena, events[i].id), str_dup(arena, events[i].exchange),
            str_dup(arena, events[i].routing_key), str_dup(arena, events[i].body),
            str_dup(arena, events[i].traceparent)};
    return copy;
}

static const struct journal_key *copy_keys(struct arena *arena, const struct commit *commit)
{
    struct journal_key *keys = arena_array(arena, commit->reply_count, sizeof(*keys));
    for (size_t i = 0; i < commit->reply_count; i++)
        keys[i] = commit->replies[i].key;
    return keys;
}

void fake_keep_journal(struct store_fake *fake, const struct commit *commit)
{
    struct fake_entry *entry = ARENA_NEW(&fake->data->arena, struct fake_entry);
    *entry = (struct fake_entry){
        .outbox = {.id = str_dup(&fake->data->arena, commit->id),
                   .at = commit->now,
                   .events = copy_events(&fake->data->arena, commit->events, commit->event_count),
                   .event_count = commit->event_count,
                   .keys = copy_keys(&fake->data->arena, commit),
                   .key_count = commit->reply_count},
        .published = commit->event_count == 0,
    };
    keep_replies(fake, commit, &entry->outbox);
    map_set(&fake->data->entries_by_id, entry->outbox.id, entry);
    fake->data->entries =
        arena_grow(&fake->data->arena, fake->data->entries, fake->data->entry_count,
                   sizeof(*fake->data->entries), &fake->data->entry_capacity);
    fake->data->entries[fake->data->entry_count++] = entry;
}

void store_fake_put_entry(struct store *store, const struct commit *commit)
{
    fake_keep_journal(fake_of(store), commit);
}

/* --- replies ---------------------------------------------------------------------------------- */

enum outcome fake_journal_find(struct store *store, struct arena *arena,
                               const struct journal_key *keys, size_t count,
                               struct journal_reply **out, size_t *out_count, struct err *err)
{
    bool applied = false;
    TRY(fake_call(fake_of(store), STORE_FAKE_JOURNAL_FIND, &applied, err));
    struct journal_reply *found = arena_array(arena, count, sizeof(*found));
    size_t found_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct journal_reply *known =
            map_get(&fake_of(store)->data->replies_by_key, fake_key(&keys[i]));
        if (!known)
            continue;
        found[found_count] = *known;
        found[found_count++].body = str_dup(arena, known->body);
    }
    *out = found;
    *out_count = found_count;
    return OUTCOME_DONE;
}

/* --- the outbox ------------------------------------------------------------------------------- */

static int by_age(const void *a, const void *b)
{
    const struct journal_entry *left = a, *right = b;
    return left->at < right->at ? -1 : left->at > right->at;
}

static int64_t now_of(const struct store_fake *fake)
{
    return fake->data->now ? fake->data->now : clock_now_ms();
}

enum outcome fake_outbox(struct store *store, struct arena *arena, enum outbox part, int64_t age_ms,
                         size_t max, struct journal_entry **out, size_t *out_count, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    bool applied = false;
    TRY(fake_call(fake, STORE_FAKE_OUTBOX, &applied, err));
    const int64_t now = now_of(fake);
    struct journal_entry *found = arena_array(arena, fake->data->entry_count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < fake->data->entry_count; i++) {
        const struct fake_entry *entry = fake->data->entries[i];
        if (!entry->published && entry->outbox.at <= now - age_ms &&
            (part == OUTBOX_ALL || entry->retry_at <= now))
            found[count++] = entry->outbox;
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), by_age);
    *out = found;
    *out_count = count < max ? count : max;
    return OUTCOME_DONE;
}

static int by_id(const void *a, const void *b)
{
    const struct journal_entry *left = a, *right = b;
    return str_cmp(left->id, right->id);
}

enum outcome fake_journal_scan(struct store *store, struct arena *arena, int64_t since_ms,
                               struct str after, size_t max, struct journal_entry **out,
                               size_t *out_count, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    struct journal_entry *found = arena_array(arena, fake->data->entry_count, sizeof(*found));
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < fake->data->entry_count; i++) {
        const struct fake_entry *entry = fake->data->entries[i];
        if (entry->outbox.at < since_ms ||
            (!str_is_absent(after) && str_cmp(entry->outbox.id, after) <= 0))
            continue;
        found[count] = entry->outbox;
        found[count++].published = entry->published;
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), by_id);
    *out = found;
    *out_count = count < max ? count : max;
    return OUTCOME_DONE;
}

enum outcome fake_mark_published(struct store *store, const struct str *ids, size_t count,
                                 struct err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct fake_entry *entry = map_get(&fake_of(store)->data->entries_by_id, ids[i]);
        if (entry)
            entry->published = true;
    }
    return OUTCOME_DONE;
}

enum outcome fake_put_off(struct store *store, const struct str *ids, size_t count,
                          int64_t first_ms, int64_t max_ms, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        struct fake_entry *entry = map_get(&fake_of(store)->data->entries_by_id, ids[i]);
        if (!entry)
            continue;
        int64_t pause_ms = first_ms;
        for (int k = 0; k < entry->times_put_off && pause_ms < max_ms; k++)
            pause_ms *= 2;
        entry->times_put_off++;
        entry->retry_at = now_of(fake_of(store)) + (pause_ms < max_ms ? pause_ms : max_ms);
    }
    return OUTCOME_DONE;
}
