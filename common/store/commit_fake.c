/* commit_fake.c - commits of the fake store: every write is staged and checked beside the documents
 * as they are; then all take effect, or none. */
#include <stdlib.h>

#include "base/clock.h"
#include "store/fake_parts.h"

#define VERSION_BLOCK 1024

static const void *view(const struct fake_doc *doc)
{
    const struct fake_version *version = doc->staged ? doc->next : doc->current;
    return version ? version->doc : NULL;
}

/* --- unique indexes --------------------------------------------------------------------------- */

static bool take_value(void *context, const struct fake_value *value)
{
    *(struct fake_value *)context = *value;
    return true;
}

/* The path at the start of "a.b:1,c:1" or "a=exists". */
static struct fake_value value_at(const struct doc_type *type, const void *doc, const char *spec)
{
    struct fake_value value = {0};
    char path[128];
    const size_t len = strcspn(spec, ":,=");
    if (len >= sizeof(path))
        panic("an index path of %s is too long", type->collection);
    memcpy(path, spec, len);
    path[len] = '\0';
    fake_values(type->shape, doc, path, take_value, &value);
    return value;
}

/* Whether a partial index holds the document: "x=exists", "flag=true", "status=open". */
static bool is_indexed(const struct doc_type *type, const struct doc_index *index, const void *doc)
{
    if (!index->only_when)
        return true;
    const struct fake_value value = value_at(type, doc, index->only_when);
    const struct str wanted = str_of(strchr(index->only_when, '=') + 1);
    int64_t number = 0;
    if (str_eq(wanted, STR("exists")) || !value.present)
        return value.present;
    if (value.is_text)
        return str_eq(value.text, wanted);
    if (!str_to_int64(wanted, &number))
        number = str_eq(wanted, STR("true"));
    return value.number == number;
}

static bool same_keys(const struct doc_type *type, const struct doc_index *index, const void *a,
                      const void *b)
{
    for (const char *at = index->keys; at; at = strchr(at, ',')) {
        at += *at == ',';
        const struct fake_value left = value_at(type, a, at);
        const struct fake_value right = value_at(type, b, at);
        if (fake_value_cmp(&left, &right) != 0)
            return false;
    }
    return true;
}

static enum outcome check_index(const struct fake_collection *collection,
                                const struct doc_index *index, const struct fake_doc *own,
                                struct err *err)
{
    const struct doc_type *type = collection->type;
    if (!(index->flags & INDEX_UNIQUE) || !is_indexed(type, index, view(own)))
        return OUTCOME_DONE;
    for (size_t i = 0; i < collection->count; i++) {
        const void *other = view(collection->docs[i]);
        if (collection->docs[i] != own && other && is_indexed(type, index, other) &&
            same_keys(type, index, view(own), other))
            return conflict(err, "%s: duplicate key in index %s", type->collection, index->name);
    }
    return OUTCOME_DONE;
}

/* --- writes ----------------------------------------------------------------------------------- */

static enum outcome check_guard(const struct write *write, const struct fake_doc *doc,
                                struct err *err)
{
    const void *now = view(doc);
    if (write->kind == WRITE_INSERT)
        return now ? conflict(err, "%s %.*s exists", write->type->collection, STR_FMT(doc->id))
                   : OUTCOME_DONE;
    if (!now || doc_head(now)->version != write->base_version)
        return conflict(err, "%s %.*s: a version moved on", write->type->collection,
                        STR_FMT(doc->id));
    return OUTCOME_DONE;
}

static enum outcome set_next(struct fake_doc *doc, const struct write *write, struct err *err)
{
    if (doc->staged)
        fake_version_free(doc->next);
    doc->next = NULL;
    doc->staged = true;
    if (write->kind == WRITE_DELETE)
        return OUTCOME_DONE;
    doc->next = calloc(1, sizeof(*doc->next));
    if (!doc->next)
        panic("out of memory for a fake document");
    arena_init(&doc->next->arena, VERSION_BLOCK);
    return fake_copy(&doc->next->arena, write->type, write->doc, &doc->next->doc, err);
}

static enum outcome stage(struct store_fake *fake, const struct write *write, struct err *err)
{
    struct fake_collection *collection = fake_collection(fake, write->type);
    if (!collection)
        return bug(err, "a write names a collection that the store was not opened with");
    struct fake_doc *doc = fake_doc(fake, collection, doc_head(write->doc)->id);
    TRY(check_guard(write, doc, err));
    if (write->kind == WRITE_CHECK)
        return OUTCOME_DONE;
    TRY(set_next(doc, write, err));
    if (write->kind == WRITE_DELETE)
        return OUTCOME_DONE;
    for (size_t i = 0; i < write->type->index_count; i++)
        TRY(check_index(collection, &write->type->indexes[i], doc, err));
    return OUTCOME_DONE;
}

static struct str key_str(const struct journal_key *key)
{
    return (struct str){(const char *)key->bytes, JOURNAL_KEY_BYTES};
}

static enum outcome stage_all(struct store_fake *fake, const struct commit *commit, struct err *err)
{
    for (size_t i = 0; i < commit->write_count; i++)
        TRY(stage(fake, &commit->writes[i], err));
    for (size_t i = 0; i < commit->reply_count; i++)
        if (map_get(&fake->replies_by_key, key_str(&commit->replies[i].key)))
            return conflict(err, "journal: duplicate key in index keys");
    return OUTCOME_DONE;
}

static void settle_doc(struct fake_doc *doc, bool keep)
{
    if (!doc->staged)
        return;
    fake_version_free(keep ? doc->current : doc->next);
    if (keep)
        doc->current = doc->next;
    doc->next = NULL;
    doc->staged = false;
}

/* Makes what is staged the truth, or forgets it. */
static void settle_all(struct store_fake *fake, bool keep)
{
    for (size_t i = 0; i < fake->collection_count; i++)
        for (size_t j = 0; j < fake->collections[i].count; j++)
            settle_doc(fake->collections[i].docs[j], keep);
}

/* --- the journal ------------------------------------------------------------------------------ */

static void keep_replies(struct store_fake *fake, const struct commit *commit)
{
    for (size_t i = 0; i < commit->reply_count; i++) {
        struct journal_reply *reply = ARENA_NEW(&fake->arena, struct journal_reply);
        *reply = commit->replies[i];
        reply->body = str_dup(&fake->arena, reply->body);
        map_set(&fake->replies_by_key, key_str(&reply->key), reply);
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

static void keep_journal(struct store_fake *fake, const struct commit *commit)
{
    struct fake_entry *entry = ARENA_NEW(&fake->arena, struct fake_entry);
    *entry = (struct fake_entry){
        .outbox = {.id = str_dup(&fake->arena, commit->id),
                   .at = commit->now,
                   .events = copy_events(&fake->arena, commit->events, commit->event_count),
                   .event_count = commit->event_count,
                   .keys = copy_keys(&fake->arena, commit),
                   .key_count = commit->reply_count},
        .published = commit->event_count == 0,
    };
    keep_replies(fake, commit);
    map_set(&fake->entries_by_id, entry->outbox.id, entry);
    fake->entries = arena_grow(&fake->arena, fake->entries, fake->entry_count,
                               sizeof(*fake->entries), &fake->entry_capacity);
    fake->entries[fake->entry_count++] = entry;
}

void store_fake_put_entry(struct store *store, const struct commit *commit)
{
    keep_journal(fake_of(store), commit);
}

static enum outcome carry_out(struct store_fake *fake, const struct commit *commit, struct err *err)
{
    const enum outcome outcome = stage_all(fake, commit, err);
    settle_all(fake, outcome == OUTCOME_DONE);
    if (outcome != OUTCOME_DONE)
        return outcome;
    keep_journal(fake, commit);
    fake->commits++;
    return OUTCOME_DONE;
}

void fake_commit_begin(struct store *store, const struct commit *commit)
{
    struct store_fake *fake = fake_of(store);
    if (fake->under_way)
        panic("a commit was begun before the last one was ended");
    fake->under_way = commit;
}

bool fake_commit_has_ended(const struct store *store)
{
    const struct store_fake *fake = (const struct store_fake *)(const void *)store;
    return fake->under_way && !fake->slow;
}

/* Only now do the others see it, as with a commit that takes its time. */
enum outcome fake_commit_end(struct store *store, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    const struct commit *commit = fake->under_way;
    fake->under_way = NULL;
    struct err hidden = {0};
    bool applied = false;
    const enum outcome fault = fake_call(fake, STORE_FAKE_COMMIT, &applied, err);
    if (fault == OUTCOME_DONE)
        return carry_out(fake, commit, err);
    /* What became of it is exactly what the caller must not learn now. */
    if (applied && carry_out(fake, commit, &hidden) != OUTCOME_DONE)
        err_clear(&hidden);
    return fault;
}

enum outcome fake_resolve(struct store *store, const struct commit *commit, struct err *err)
{
    bool applied = false;
    TRY(fake_call(fake_of(store), STORE_FAKE_RESOLVE, &applied, err));
    return map_get(&fake_of(store)->entries_by_id, commit->id)
               ? OUTCOME_DONE
               : conflict(err, "journal entry %.*s was not committed", STR_FMT(commit->id));
}

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
            map_get(&fake_of(store)->replies_by_key, key_str(&keys[i]));
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

enum outcome fake_outbox(struct store *store, struct arena *arena, int64_t age_ms, size_t max,
                         struct journal_entry **out, size_t *out_count, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    bool applied = false;
    TRY(fake_call(fake, STORE_FAKE_OUTBOX, &applied, err));
    const int64_t before = (fake->now ? fake->now : clock_now_ms()) - age_ms;
    struct journal_entry *found = arena_array(arena, fake->entry_count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < fake->entry_count; i++) {
        const struct fake_entry *entry = fake->entries[i];
        if (!entry->published && entry->outbox.at <= before)
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
    struct journal_entry *found = arena_array(arena, fake->entry_count, sizeof(*found));
    size_t count = 0;
    (void)err;
    for (size_t i = 0; i < fake->entry_count; i++) {
        const struct fake_entry *entry = fake->entries[i];
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
        struct fake_entry *entry = map_get(&fake_of(store)->entries_by_id, ids[i]);
        if (entry)
            entry->published = true;
    }
    return OUTCOME_DONE;
}
