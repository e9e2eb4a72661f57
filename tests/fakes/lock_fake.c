/* lock_fake.c - lock.h in memory, with exactly the rules of lock_scripts.c. */
#include "fakes/lock_fake.h"

#include <stdlib.h>

#include "base/id.h"
#include "base/map.h"
#include "base/memory.h"
#include "lock/lock_ops.h"

enum entry_kind { LEASE, WAITER, GENERATION, CACHED, BUCKET };

struct entry {
    enum entry_kind kind;
    struct str tag; /* only of CACHED; like key and value, a copy that the entry owns */
    struct str key;
    struct str value; /* LEASE, WAITER: the owner */
    int64_t number;   /* GENERATION, CACHED: the generation; BUCKET: the arrival time */
    int64_t expires_at;
};

struct lock_fake {
    struct lock lock; /* first */
    int64_t now;
    bool down;
    int invalidations_refused; /* how many more will be refused */
    struct entry *entries;
    size_t count;
    size_t capacity;
    struct arena stamp_arena;
    struct map stamps; /* uint64_t by key; they never expire here */
};

static struct lock_fake *fake_of(struct lock *lock)
{
    return (struct lock_fake *)lock;
}

static enum outcome check_up(const struct lock_fake *self, struct err *err)
{
    return self->down ? err_retry(err, "the fake Redis is down") : OUTCOME_DONE;
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct str copy_of(struct str text)
{
    char *copy = malloc(text.len + 1);
    if (!copy)
        panic("out of memory for a lock fake");
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return (struct str){copy, text.len};
}

static void free_entry(struct entry *entry)
{
    free((char *)entry->tag.ptr);
    free((char *)entry->key.ptr);
    free((char *)entry->value.ptr);
}

/* The entry that has not expired, or NULL. */
static struct entry *find_tagged(const struct lock_fake *self, enum entry_kind kind, struct str tag,
                                 struct str key)
{
    for (size_t i = 0; i < self->count; i++) {
        struct entry *entry = &self->entries[i];
        if (entry->kind == kind && entry->expires_at > self->now && str_eq(entry->key, key) &&
            str_eq(entry->tag, tag))
            return entry;
    }
    return NULL;
}

static struct entry *find(const struct lock_fake *self, enum entry_kind kind, struct str key)
{
    return find_tagged(self, kind, STR_ABSENT, key);
}

static void drop_at(struct lock_fake *self, size_t i)
{
    free_entry(&self->entries[i]);
    self->entries[i] = self->entries[--self->count];
}

static void drop(struct lock_fake *self, struct entry *entry)
{
    if (entry)
        drop_at(self, (size_t)(entry - self->entries));
}

static void drop_expired(struct lock_fake *self)
{
    for (size_t i = self->count; i-- > 0;)
        if (self->entries[i].expires_at <= self->now)
            drop_at(self, i);
}

static struct entry *add_entry(struct lock_fake *self)
{
    self->entries =
        memory_grow(self->entries, self->count, &self->capacity, sizeof(*self->entries));
    return &self->entries[self->count++];
}

/* Adds or replaces an entry; the strings of `from` are copied. */
static void set(struct lock_fake *self, struct entry from)
{
    struct entry *entry = find_tagged(self, from.kind, from.tag, from.key);
    if (entry)
        free_entry(entry);
    else
        entry = add_entry(self);
    from.tag = copy_of(from.tag);
    from.key = copy_of(from.key);
    from.value = copy_of(from.value);
    *entry = from;
}

/* --- leases ----------------------------------------------------------------------------------- */

static void set_owner(struct lock_fake *self, enum entry_kind kind, struct str key,
                      struct str owner, int64_t ttl_ms)
{
    set(self,
        (struct entry){.kind = kind, .key = key, .value = owner, .expires_at = self->now + ttl_ms});
}

static bool take_one(struct lock_fake *self, struct str key, struct str owner, int64_t ttl_ms)
{
    const struct entry *lease = find(self, LEASE, key);
    struct entry *waiter = find(self, WAITER, key);
    const bool unclaimed = !waiter || str_eq(waiter->value, owner);
    if (unclaimed && (!lease || str_eq(lease->value, owner))) {
        if (waiter)
            drop(self, waiter);
        set_owner(self, LEASE, key, owner, ttl_ms);
        return true;
    }
    if (unclaimed)
        set_owner(self, WAITER, key, owner, LOCK_WAITER_TTL_MS);
    return false;
}

static struct str owner_str(const uint8_t owner[LOCK_OWNER_BYTES])
{
    return (struct str){(const char *)owner, LOCK_OWNER_BYTES};
}

/* Makes the stamp when it is missing. */
static uint64_t *stamp_of(struct lock_fake *self, struct str key)
{
    uint64_t *stamp = map_get(&self->stamps, key);
    if (stamp)
        return stamp;
    stamp = ARENA_NEW(&self->stamp_arena, uint64_t);
    random_bytes(stamp, sizeof(*stamp));
    map_set(&self->stamps, str_dup(&self->stamp_arena, key), stamp);
    return stamp;
}

static enum outcome take(struct lock *lock, const struct str *keys, size_t count,
                         const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                         struct lock_stamp *stamps, size_t stamp_count, struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++)
        granted[i] = take_one(self, keys[i], owner_str(owner), ttl_ms);
    for (size_t i = 0; i < stamp_count; i++)
        stamps[i].value = *stamp_of(self, stamps[i].key);
    return OUTCOME_DONE;
}

static enum outcome unstamp(struct lock *lock, const struct str *keys, size_t count,
                            struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++)
        random_bytes(stamp_of(self, keys[i]), sizeof(uint64_t));
    return OUTCOME_DONE;
}

static enum outcome release(struct lock *lock, const struct str *keys, size_t count,
                            const uint8_t owner[LOCK_OWNER_BYTES], struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++) {
        struct entry *lease = find(self, LEASE, keys[i]);
        if (lease && str_eq(lease->value, owner_str(owner)))
            drop(self, lease);
    }
    return OUTCOME_DONE;
}

static int64_t ttl_of(const struct lock_fake *self, const struct entry *entry)
{
    return entry->expires_at == INT64_MAX ? -1 : entry->expires_at - self->now;
}

static enum outcome leases(struct lock *lock, struct arena *arena, size_t max,
                           struct held_lock **out, size_t *out_count, struct err *err)
{
    const struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    struct held_lock *found = arena_array(arena, self->count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < self->count && count < max; i++) {
        const struct entry *entry = &self->entries[i];
        if (entry->kind == LEASE && entry->expires_at > self->now)
            found[count++] = (struct held_lock){str_dup(arena, entry->key), ttl_of(self, entry)};
    }
    *out = found;
    *out_count = count;
    return OUTCOME_DONE;
}

/* --- cache ------------------------------------------------------------------------------------ */

static int64_t new_generation(struct lock_fake *self, struct str tag)
{
    const int64_t generation = lock_new_generation();
    set(self, (struct entry){
                  .kind = GENERATION, .key = tag, .number = generation, .expires_at = INT64_MAX});
    return generation;
}

static enum outcome get(struct lock *lock, struct arena *arena, struct cache_item *items,
                        size_t count, struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++) {
        struct cache_item *item = &items[i];
        const struct entry *generation = find(self, GENERATION, item->tag);
        const struct entry *entry = find_tagged(self, CACHED, item->tag, item->key);
        item->generation = generation ? generation->number : new_generation(self, item->tag);
        const bool hit = entry && entry->number == item->generation;
        item->value = hit ? str_dup(arena, entry->value) : STR_ABSENT;
    }
    return OUTCOME_DONE;
}

static enum outcome put(struct lock *lock, const struct cache_item *items, size_t count,
                        int64_t ttl_ms, struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++)
        if (items[i].generation != 0 && items[i].value.ptr)
            set(self, (struct entry){.kind = CACHED,
                                     .tag = items[i].tag,
                                     .key = items[i].key,
                                     .value = items[i].value,
                                     .number = items[i].generation,
                                     .expires_at = self->now + ttl_ms});
    return OUTCOME_DONE;
}

static enum outcome invalidate(struct lock *lock, const struct str *tags, size_t count,
                               struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    if (self->invalidations_refused > 0) {
        self->invalidations_refused--;
        return err_retry(err, "the fake Redis refuses invalidations");
    }
    for (size_t i = 0; i < count; i++)
        new_generation(self, tags[i]);
    return OUTCOME_DONE;
}

/* --- rate limits ------------------------------------------------------------------------------ */

static void rate_one(struct lock_fake *self, struct rate_limit *limit)
{
    const struct entry *bucket = find(self, BUCKET, limit->key);
    int64_t at = bucket ? bucket->number : self->now;
    rate_apply(limit, &at, self->now);
    if (limit->use != RATE_PEEK)
        set(self,
            (struct entry){.kind = BUCKET, .key = limit->key, .number = at, .expires_at = at});
}

static enum outcome rate(struct lock *lock, struct rate_limit *limits, size_t count,
                         struct err *err)
{
    struct lock_fake *self = fake_of(lock);
    TRY(check_up(self, err));
    for (size_t i = 0; i < count; i++)
        rate_one(self, &limits[i]);
    return OUTCOME_DONE;
}

/* --- life, and what tests do ------------------------------------------------------------------ */

static enum outcome ping(struct lock *lock, struct err *err)
{
    return check_up(fake_of(lock), err);
}

static void close_fake(struct lock *lock)
{
    struct lock_fake *self = fake_of(lock);
    lock_fake_wipe(lock);
    arena_release(&self->stamp_arena);
    free(self->entries);
    free(self);
}

static int64_t now_ms(const struct lock *lock)
{
    return ((const struct lock_fake *)lock)->now;
}

static const struct lock_ops fake_ops = {
    .close = close_fake,
    .ping = ping,
    .take = take,
    .unstamp = unstamp,
    .release = release,
    .leases = leases,
    .cache_get = get,
    .cache_put = put,
    .cache_invalidate = invalidate,
    .rate_take = rate,
    .now_ms = now_ms,
};

struct lock *lock_fake_open(void)
{
    struct lock_fake *self = calloc(1, sizeof(*self));
    if (!self)
        panic("out of memory for a lock fake");
    self->lock.ops = &fake_ops;
    arena_init(&self->stamp_arena, 4096);
    map_init(&self->stamps, &self->stamp_arena);
    return &self->lock;
}

void lock_fake_advance(struct lock *lock, int64_t ms)
{
    fake_of(lock)->now += ms;
    drop_expired(fake_of(lock));
}

void lock_fake_set_down(struct lock *lock, bool down)
{
    fake_of(lock)->down = down;
}

void lock_fake_refuse_invalidations(struct lock *lock, int count)
{
    fake_of(lock)->invalidations_refused = count;
}

void lock_fake_wipe(struct lock *lock)
{
    struct lock_fake *self = fake_of(lock);
    while (self->count > 0)
        drop_at(self, self->count - 1);
    arena_clear(&self->stamp_arena);
    map_init(&self->stamps, &self->stamp_arena);
}

void lock_fake_hold(struct lock *lock, struct str key, int64_t ttl_ms)
{
    const int64_t until = ttl_ms < 0 ? INT64_MAX : fake_of(lock)->now + ttl_ms;
    set(fake_of(lock),
        (struct entry){
            .kind = LEASE, .key = key, .value = STR("somebody else..."), .expires_at = until});
}

size_t lock_fake_held(const struct lock *lock)
{
    const struct lock_fake *self = (const struct lock_fake *)lock;
    size_t held = 0;
    for (size_t i = 0; i < self->count; i++)
        held += self->entries[i].kind == LEASE && self->entries[i].expires_at > self->now;
    return held;
}

bool lock_fake_is_held(const struct lock *lock, struct str key)
{
    return find((const struct lock_fake *)lock, LEASE, key) != NULL;
}
