/* store_fake.c - a database in memory: its documents, and calls that fail on demand. */
#include "fakes/store_parts.h"

#include <stdlib.h>

#define FAKE_BLOCK 4096

struct fake_collection *fake_collection(struct store_fake *fake, const struct doc_type *type)
{
    for (size_t i = 0; i < fake->data->collection_count; i++)
        if (fake->data->collections[i].type == type)
            return &fake->data->collections[i];
    return NULL;
}

static struct fake_collection *known_collection(struct store *store, const struct doc_type *type)
{
    struct fake_collection *collection = fake_collection(fake_of(store), type);
    if (!collection)
        panic("the fake store was not opened with %s", type->collection);
    return collection;
}

struct fake_doc *fake_doc(struct store_fake *fake, struct fake_collection *collection,
                          struct str id)
{
    struct fake_doc *doc = map_get(&collection->by_id, id);
    if (doc)
        return doc;
    doc = ARENA_NEW(&fake->data->arena, struct fake_doc);
    doc->id = str_dup(&fake->data->arena, id);
    map_set(&collection->by_id, doc->id, doc);
    collection->docs = arena_grow(&fake->data->arena, collection->docs, collection->count,
                                  sizeof(*collection->docs), &collection->capacity);
    collection->docs[collection->count++] = doc;
    return doc;
}

/* Texts of *out point into a copy of `stored`. */
static bool decode(struct arena *arena, const struct doc_type *type, struct str stored,
                   const void **out, struct codec_fault *fault)
{
    void *doc = arena_alloc(arena, type->shape->size);
    *out = doc;
    return codec_get_doc(arena, type, arena_copy(arena, stored.ptr, stored.len), stored.len, doc,
                         fault);
}

enum outcome fake_write(struct fake_version *version, const struct doc_type *type, const void *doc,
                        struct err *err)
{
    AUTO_BSON bson = BSON_INITIALIZER;
    struct codec_fault fault = {0};
    bool ok = codec_put_doc(&bson, type, doc, &fault);
    version->stored =
        (struct str){arena_copy(&version->arena, bson_get_data(&bson), bson.len), bson.len};
    ok = ok && decode(&version->arena, type, version->stored, &version->doc, &fault);
    return ok ? OUTCOME_DONE
              : err_bug(err, "%s %.*s: field %s of %s %s", type->collection,
                        STR_FMT(doc_head(doc)->id), fault.field, fault.shape, fault.what);
}

const void *fake_read(struct arena *arena, const struct doc_type *type,
                      const struct fake_version *version)
{
    struct codec_fault fault = {0};
    const void *doc;
    if (!decode(arena, type, version->stored, &doc, &fault))
        panic("%s: what could be read cannot be read again", type->collection);
    return doc;
}

void fake_version_free(struct fake_version *version)
{
    if (!version)
        return;
    arena_release(&version->arena);
    free(version);
}

enum outcome fake_call(struct store_fake *fake, enum store_fake_call call, bool *applied,
                       struct err *err)
{
    enum outcome outcome = OUTCOME_DONE;
    *applied = false;
    for (size_t i = 0; i < FAKE_FAULTS_MAX; i++) {
        struct fake_fault *fault = &fake->faults[call][i];
        if (fault->calls_left == 0 || --fault->calls_left > 0)
            continue;
        outcome = err_set(err, fault->outcome, fault->outcome == OUTCOME_BUG ? E_INTERNAL : E_BUSY,
                          __FILE__, __LINE__, "a fault was asked for");
        *applied = fault->applied;
    }
    return outcome;
}

static void close_data(struct store_fake *fake)
{
    for (size_t i = 0; i < fake->data->collection_count; i++)
        for (size_t j = 0; j < fake->data->collections[i].count; j++)
            fake_version_free(fake->data->collections[i].docs[j]->current);
    arena_release(&fake->data->arena);
    free(fake->data);
}

static void close_fake(struct store *store)
{
    struct store_fake *fake = fake_of(store);
    struct store_fake **at = &fake->data->handles;
    while (*at != fake)
        at = &(*at)->next;
    *at = fake->next;
    if (!fake->data->handles)
        close_data(fake);
    free(fake);
}

static enum outcome always_done(struct store *store, struct err *err)
{
    (void)store;
    (void)err;
    return OUTCOME_DONE;
}

static enum outcome fake_ping(struct store *store, struct err *err)
{
    bool applied;
    return fake_call(fake_of(store), STORE_FAKE_PING, &applied, err);
}

static enum outcome no_indexes(struct store *store, void (*report)(const char *line),
                               struct err *err)
{
    (void)report;
    return always_done(store, err);
}

static void session_of(struct store *store, uint8_t out[STORE_SESSION_BYTES])
{
    memset(out, 0, STORE_SESSION_BYTES);
    memcpy(out, &fake_of(store)->session, sizeof(fake_of(store)->session));
}

static int no_fd(const struct store *store)
{
    (void)store;
    return -1;
}

/* The transactions of the fake have no age: all that are open count. */
static enum outcome open_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                      struct err *err)
{
    (void)age_ms;
    *out = 0;
    for (const struct store_fake *fake = fake_of(store)->data->handles; fake; fake = fake->next)
        *out += fake->phase == COMMIT_OPEN;
    return always_done(store, err);
}

static const struct store_ops fake_ops = {
    .close = close_fake,
    .ping = fake_ping,
    .find = fake_find,
    .query = fake_query,
    .scan = fake_scan,
    .journal_find = fake_journal_find,
    .commit_begin = fake_commit_begin,
    .commit_end = fake_commit_end,
    .commit_has_ended = fake_commit_has_ended,
    .commit_fd = no_fd,
    .rehearse = fake_rehearse,
    .resolve = fake_resolve,
    .outbox = fake_outbox,
    .journal_scan = fake_journal_scan,
    .mark_published = fake_mark_published,
    .put_off = fake_put_off,
    .apply_indexes = no_indexes,
    .check_indexes = always_done,
    .session = session_of,
    .kill_session = fake_kill_session,
    .open_transactions = open_transactions,
};

static struct store *open_handle(struct fake_data *data)
{
    struct store_fake *fake = calloc(1, sizeof(*fake));
    if (!fake)
        panic("out of memory for a fake store");
    fake->base.ops = &fake_ops;
    fake->data = data;
    fake->session = ++data->sessions;
    fake->next = data->handles;
    data->handles = fake;
    return &fake->base;
}

struct store *store_fake_open(const struct doc_type *const *types, size_t type_count)
{
    struct fake_data *data = calloc(1, sizeof(*data));
    if (!data)
        panic("out of memory for a fake store");
    arena_init(&data->arena, FAKE_BLOCK);
    data->collections = arena_array(&data->arena, type_count, sizeof(*data->collections));
    data->collection_count = type_count;
    for (size_t i = 0; i < type_count; i++) {
        data->collections[i].type = types[i];
        map_init(&data->collections[i].by_id, &data->arena);
    }
    map_init(&data->entries_by_id, &data->arena);
    map_init(&data->replies_by_key, &data->arena);
    return open_handle(data);
}

struct store *store_fake_join(struct store *store)
{
    return open_handle(fake_of(store)->data);
}

void store_fake_fail(struct store *store, enum store_fake_call call, int nth, enum outcome outcome,
                     bool applied)
{
    struct fake_fault *faults = fake_of(store)->faults[call];
    for (size_t i = 0; i < FAKE_FAULTS_MAX; i++)
        if (faults[i].calls_left == 0) {
            faults[i] = (struct fake_fault){nth, outcome, applied};
            return;
        }
    panic("more than %d faults wait in the fake store", FAKE_FAULTS_MAX);
}

const void *store_fake_get(struct store *store, const struct doc_type *type, struct str id)
{
    const struct fake_doc *doc = map_get(&known_collection(store, type)->by_id, id);
    return doc && doc->current ? doc->current->doc : NULL;
}

size_t store_fake_count(struct store *store, const struct doc_type *type)
{
    const struct fake_collection *collection = known_collection(store, type);
    size_t count = 0;
    for (size_t i = 0; i < collection->count; i++)
        count += collection->docs[i]->current != NULL;
    return count;
}

static struct fake_version *new_version(void)
{
    struct fake_version *version = calloc(1, sizeof(*version));
    if (!version)
        panic("out of memory for a fake document");
    arena_init(&version->arena, FAKE_BLOCK);
    return version;
}

static void put_version(struct store *store, const struct doc_type *type,
                        struct fake_version *version)
{
    struct fake_doc *slot =
        fake_doc(fake_of(store), known_collection(store, type), doc_head(version->doc)->id);
    fake_version_free(slot->current);
    slot->current = version;
}

void store_fake_put(struct store *store, const struct doc_type *type, const void *doc)
{
    struct err err = {0};
    struct fake_version *version = new_version();
    if (fake_write(version, type, doc, &err) != OUTCOME_DONE)
        panic("%s", err.text);
    put_version(store, type, version);
}

static void put_misfit(struct store *store, const struct doc_type *type,
                       struct fake_version *version, struct str id, struct str why)
{
    struct doc_head *head = arena_alloc(&version->arena, type->shape->size);
    head->id = str_dup(&version->arena, id);
    version->doc = head;
    version->misfit = str_dup(&version->arena, why);
    put_version(store, type, version);
}

void store_fake_put_misfit(struct store *store, const struct doc_type *type, struct str id,
                           struct str why)
{
    put_misfit(store, type, new_version(), id, why);
}

void store_fake_put_stored(struct store *store, const struct doc_type *type, struct str id,
                           struct str bson)
{
    struct fake_version *version = new_version();
    struct codec_fault fault = {0};
    version->stored = str_dup(&version->arena, bson);
    if (decode(&version->arena, type, version->stored, &version->doc, &fault))
        put_version(store, type, version);
    else
        put_misfit(
            store, type, version, id,
            str_printf(&version->arena, "field %s of %s %s", fault.field, fault.shape, fault.what));
}

struct str store_fake_stored(struct store *store, const struct doc_type *type, struct str id)
{
    const struct fake_doc *doc = map_get(&known_collection(store, type)->by_id, id);
    return doc && doc->current ? doc->current->stored : STR_ABSENT;
}

size_t store_fake_commits(const struct store *store)
{
    return ((const struct store_fake *)(const void *)store)->data->commits;
}

void store_fake_collate(struct store *store, int (*compare)(struct str a, struct str b))
{
    fake_of(store)->data->collate = compare;
}

void store_fake_set_now(struct store *store, int64_t now_ms)
{
    fake_of(store)->data->now = now_ms;
}

void store_fake_set_slow(struct store *store, bool slow)
{
    fake_of(store)->slow = slow;
}
