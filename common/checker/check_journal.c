/* check_journal.c - the invariants of the engine, whatever the shop sells: one effect per message,
 * events that are complete, an outbox that empties, no lease and no transaction left behind. */
#include "base/id.h"
#include "checker/check_parts.h"
#include "service/names.h"

/* Limits for a shop at work. A relay that works has published an entry long before its limit. */
#define OUTBOX_AGE_MS      60000
#define TRANSACTION_AGE_MS 60000 /* six times the lifetime that MongoDB should be set to allow */
#define LISTED_MAX         1000
#define NAMES_MIN          (1u << 20) /* bytes for naming duplicates, even with a tiny budget */

/* --- going through the journal -------------------------------------------------------------------------- */

typedef void visit_entry(struct check *check, void *context, const struct journal_entry *entry);

static enum outcome visit_journal(struct check *check, visit_entry *visit, void *context,
                                  struct err *err)
{
    struct str after = STR_ABSENT;
    check->page_max = 1;
    for (;;) {
        struct journal_entry *entries;
        const size_t max = check->page_max;
        size_t count;
        arena_clear(&check->page);
        TRY(store_journal_scan(check->options->store, &check->page, 0, after, max, &entries, &count,
                               err));
        for (size_t i = 0; i < count; i++)
            visit(check, context, &entries[i]);
        check_took_page(check, count);
        if (count < max)
            return OUTCOME_DONE;
        arena_clear(&check->place);
        after = str_dup(&check->place, entries[count - 1].id);
    }
}

/* Visits a text that must be unique among all entries: the key of a message, the id of an event. */
typedef void visit_unique(void *context, const struct journal_entry *entry, const char *what,
                          struct str text);

static void each_unique(const struct journal_entry *entry, visit_unique *visit, void *context)
{
    for (size_t i = 0; i < entry->key_count; i++)
        visit(context, entry, "message key",
              (struct str){(const char *)entry->keys[i].bytes, JOURNAL_KEY_BYTES});
    for (size_t i = 0; i < entry->event_count; i++)
        visit(context, entry, "event", entry->events[i].id);
}

/* --- journal: one effect per message, no event twice ---------------------------------------------------- */

/* The search for texts that stand in the journal twice. The first passes keep only digests, a few
 * bytes each; a last pass compares the texts themselves of what seems to be there twice. */
struct twice {
    struct check *check;
    struct check_digests seen;
    struct check_table suspects; /* the digests that were seen twice */
    struct check_table named;    /* by text: the id of the entry in which it stood first */
    struct arena arena;
    bool first_part;
};

static void note_digest(void *context, const struct journal_entry *entry, const char *what,
                        struct str text)
{
    struct twice *twice = context;
    const uint64_t digest = digest_str(digest_str(0, str_of(what)), text);
    const struct str key = {(const char *)&digest, sizeof(digest)};
    (void)entry;
    if (check_digests_add(&twice->seen, digest) && !check_table_get(&twice->suspects, key))
        check_table_add(&twice->suspects, key);
}

static void check_event(struct check *check, const struct journal_entry *entry,
                        const struct journal_event *event)
{
    const struct {
        const char *what;
        struct str text;
    } parts[] = {{"an id", event->id},
                 {"an exchange", event->exchange},
                 {"a routing key", event->routing_key},
                 {"a body", event->body}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (parts[i].text.len == 0)
            check_found(check, "journal", entry->id, "the event '%.*s' (%.*s) is without %s",
                        STR_FMT(event->id), STR_FMT(event->routing_key), parts[i].what);
}

static struct str first_kind(const struct journal_entry *entry)
{
    return entry->event_count ? entry->events[0].routing_key : STR("none");
}

static void note_entry(struct check *check, void *context, const struct journal_entry *entry)
{
    struct twice *twice = context;
    each_unique(entry, note_digest, twice);
    if (!twice->first_part)
        return;
    for (size_t i = 0; i < entry->event_count; i++)
        check_event(check, entry, &entry->events[i]);
    if (check_is_quiesced(check) && !entry->published)
        check_found(check, "journal", entry->id, "events that are not published: %zu, first %.*s",
                    entry->event_count, STR_FMT(first_kind(entry)));
}

static bool is_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

static void name_one(void *context, const struct journal_entry *entry, const char *what,
                     struct str text)
{
    struct twice *twice = context;
    const uint64_t digest = digest_str(digest_str(0, str_of(what)), text);
    if (!check_table_get(&twice->suspects, (struct str){(const char *)&digest, sizeof(digest)}))
        return;
    const struct str key = str_join(&twice->arena, str_of(what), ' ', text);
    struct check_row *row = check_table_get(&twice->named, key);
    if (!row) {
        row = check_table_add(&twice->named, key);
        if (row)
            memcpy(row->data, entry->id.ptr, entry->id.len);
        return;
    }
    const struct str shown = is_text(text) ? text : hex_of(&twice->arena, text.ptr, text.len);
    check_found(twice->check, "journal", entry->id, "the %s %.*s stands in the entry %.*s as well",
                what, STR_FMT(shown), ID_TEXT, (const char *)row->data);
}

static void name_entry(struct check *check, void *context, const struct journal_entry *entry)
{
    (void)check;
    each_unique(entry, name_one, context);
}

static enum outcome find_twice(struct twice *twice, struct err *err)
{
    do {
        TRY(visit_journal(twice->check, note_entry, twice, err));
        twice->first_part = false;
    } while (check_digests_next_part(&twice->seen));
    return twice->suspects.count ? visit_journal(twice->check, name_entry, twice, err)
                                 : OUTCOME_DONE;
}

static enum outcome verify_journal(struct check *check, struct err *err)
{
    struct twice twice = {.check = check, .first_part = true};
    const size_t for_names = check->memory_max > NAMES_MIN ? check->memory_max : NAMES_MIN;
    check_digests_init(&twice.seen, check->memory_max);
    check_table_init(&twice.suspects, 0, for_names);
    check_table_init(&twice.named, ID_TEXT, for_names);
    arena_init(&twice.arena, 1024);
    const enum outcome outcome = find_twice(&twice, err);
    check_digests_release(&twice.seen);
    check_table_release(&twice.suspects);
    check_table_release(&twice.named);
    arena_release(&twice.arena);
    return outcome;
}

static const struct invariant journal_invariant = {
    .name = "journal",
    .summary = "one effect per message key, no event twice, events whole, published when quiet",
    .verify = verify_journal,
};

/* --- outbox ----------------------------------------------------------------------------------------------- */

static enum outcome verify_outbox(struct check *check, struct err *err)
{
    struct journal_entry *entries;
    size_t count;
    if (check_is_quiesced(check))
        return OUTCOME_DONE; /* then verify_journal() reports every unpublished entry */
    arena_clear(&check->page);
    TRY(store_outbox(check->options->store, &check->page, OUTBOX_ALL, OUTBOX_AGE_MS, LISTED_MAX,
                     &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        check_found(check, "journal", entries[i].id,
                    "events that are not published, %d s after the commit or more: %zu, first %.*s",
                    OUTBOX_AGE_MS / 1000, entries[i].event_count, STR_FMT(first_kind(&entries[i])));
    return OUTCOME_DONE;
}

static const struct invariant outbox_invariant = {
    .name = "outbox",
    .summary = "events are published soon after their commit",
    .verify = verify_outbox,
};

/* --- leases and transactions ------------------------------------------------------------------------------- */

static enum outcome verify_leases(struct check *check, struct err *err)
{
    struct held_lock *leases;
    size_t count;
    if (!check->options->lock)
        return OUTCOME_DONE;
    arena_clear(&check->page);
    TRY(lock_leases(check->options->lock, &check->page, LISTED_MAX, &leases, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (leases[i].ttl_ms < 0)
            check_found(check, "lease", leases[i].key, "it would never end");
        else if (check_is_quiesced(check) && !str_eq(leases[i].key, RELAY_LEASE))
            check_found(check, "lease", leases[i].key,
                        "it is held, for another %" PRId64 " ms, though nothing is under way",
                        leases[i].ttl_ms);
    }
    return OUTCOME_DONE;
}

static const struct invariant leases_invariant = {
    .name = "leases",
    .summary = "leases end; none but the relay's is held when nothing is under way",
    .verify = verify_leases,
};

static enum outcome verify_transactions(struct check *check, struct err *err)
{
    const int64_t age_ms = check_is_quiesced(check) ? 0 : TRANSACTION_AGE_MS;
    int64_t count;
    TRY(store_open_transactions(check->options->store, age_ms, &count, err));
    if (count > 0)
        check_found(check, "transactions", STR_ABSENT,
                    "%" PRId64 " are open and wait for a client, for %" PRId64 " ms or longer",
                    count, age_ms);
    return OUTCOME_DONE;
}

static const struct invariant transactions_invariant = {
    .name = "transactions",
    .summary = "no transaction is left open by a lane that is gone",
    .verify = verify_transactions,
};

const struct invariant *const engine_invariants[] = {
    &journal_invariant,      &outbox_invariant,   &leases_invariant,
    &transactions_invariant, &readable_invariant, NULL,
};
