/* lock_redis.c - lock.h on Redis.
 *
 * Keys: <prefix>:lock:<key>, <prefix>:wait:<key>, <prefix>:stamp:<key>, <prefix>:gen:<tag>,
 * <prefix>:cache:<tag>:<key>, <prefix>:rate:<key>. A cached value begins with the generation that
 * it belongs to, so that one plain MGET fetches generations and values, and an invalidated value is
 * overwritten in place. */
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "lock/lock_redis.h"
#include "lock/lock_redis_tls.h"

#define SCRATCH_BYTES    (128 * 1024)
#define GENERATION_BYTES sizeof(int64_t)
#define STAMP_BYTES      sizeof(uint64_t)
#define SCAN_COUNT       1000 /* keys that Redis examines in one step, well below a millisecond */

struct lock_redis {
    struct lock lock; /* first */
    struct redis redis;
    struct str prefix;
    struct arena home;    /* what lives as long as the lock */
    struct arena scratch; /* for one call */
};

static struct lock_redis *redis_of(struct lock *lock)
{
    return (struct lock_redis *)lock;
}

/* Written by hand instead of with printf, because a batch names hundreds of keys. */
static struct str key_name(struct lock_redis *self, struct str kind, struct str key)
{
    const size_t len = self->prefix.len + kind.len + key.len;
    char *name = arena_bytes(&self->scratch, len);
    memcpy(name, self->prefix.ptr, self->prefix.len);
    memcpy(name + self->prefix.len, kind.ptr, kind.len);
    if (key.len)
        memcpy(name + self->prefix.len + kind.len, key.ptr, key.len);
    return (struct str){name, len};
}

static void add_keys(struct lock_redis *self, struct redis_command *command, struct str kind,
                     const struct str *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        redis_add(command, key_name(self, kind, keys[i]));
}

/* A command whose first two words redis_call_script() fills in. */
static struct redis_command script_command(struct lock_redis *self, size_t keys, size_t others)
{
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 3 + keys + others);
    command.argc = 2;
    redis_add_int(&command, &self->scratch, (int64_t)keys);
    return command;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum outcome ping(struct lock *lock, struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    redis_hurry(&self->redis);
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 1);
    redis_add(&command, STR("PING"));
    AUTO_REPLY reply = NULL;
    return redis_call(&self->redis, &command, REDIS_REPLY_STATUS, &reply, err);
}

/* --- leases ----------------------------------------------------------------------------------- */

static struct str owner_str(const uint8_t owner[LOCK_OWNER_BYTES])
{
    return (struct str){(const char *)owner, LOCK_OWNER_BYTES};
}

/* All leases and stamps that are asked for, or a part that is small enough for one call. */
struct taking {
    const struct str *keys;
    size_t count;
    struct str owner;
    int64_t ttl_ms;
    bool *granted;
    struct lock_stamp *stamps;
    size_t stamp_count;
};

static void add_stamps(struct lock_redis *self, struct redis_command *command,
                       const struct taking *taking)
{
    for (size_t i = 0; i < taking->stamp_count; i++)
        redis_add(command, key_name(self, STR(":stamp:"), taking->stamps[i].key));
}

static struct str fresh_stamps(struct lock_redis *self, size_t count)
{
    const size_t len = count * STAMP_BYTES;
    char *bytes = arena_bytes(&self->scratch, len);
    random_bytes(bytes, len);
    return (struct str){bytes, len};
}

static void read_taken(const redisReply *reply, const struct taking *taking)
{
    for (size_t i = 0; i < taking->count; i++)
        taking->granted[i] = reply->str[i] == '1';
    for (size_t i = 0; i < taking->stamp_count; i++)
        memcpy(&taking->stamps[i].value, reply->str + taking->count + i * STAMP_BYTES, STAMP_BYTES);
}

static enum outcome take_some(struct lock_redis *self, const struct taking *taking, struct err *err)
{
    const size_t count = taking->count;
    struct redis_command command = script_command(self, 2 * count + taking->stamp_count, 6);
    add_keys(self, &command, STR(":lock:"), taking->keys, count);
    add_keys(self, &command, STR(":wait:"), taking->keys, count);
    add_stamps(self, &command, taking);
    redis_add(&command, taking->owner);
    redis_add_int(&command, &self->scratch, taking->ttl_ms);
    redis_add_int(&command, &self->scratch, LOCK_WAITER_TTL_MS);
    redis_add_int(&command, &self->scratch, (int64_t)count);
    redis_add_int(&command, &self->scratch, LOCK_STAMP_TTL_MS);
    redis_add(&command, fresh_stamps(self, taking->stamp_count));
    AUTO_REPLY reply = NULL;
    TRY(redis_call_script(&self->redis, SCRIPT_TAKE, &command, REDIS_REPLY_STRING, &reply, err));
    if (reply->len != count + taking->stamp_count * STAMP_BYTES)
        return redis_give_up(&self->redis, "the lock script answered for other keys", err);
    read_taken(reply, taking);
    return OUTCOME_DONE;
}

/* The part that begins at index `from`; the pointers of an empty part are NULL. */
static struct taking part_of(const struct taking *whole, size_t from)
{
    struct taking part = {.owner = whole->owner, .ttl_ms = whole->ttl_ms};
    if (from < whole->count) {
        part.keys = whole->keys + from;
        part.granted = whole->granted + from;
        part.count = smaller(whole->count - from, SCRIPT_KEYS_MAX);
    }
    if (from < whole->stamp_count) {
        part.stamps = whole->stamps + from;
        part.stamp_count = smaller(whole->stamp_count - from, SCRIPT_KEYS_MAX);
    }
    return part;
}

static enum outcome take(struct lock *lock, const struct str *keys, size_t count,
                         const uint8_t owner[LOCK_OWNER_BYTES], int64_t ttl_ms, bool *granted,
                         struct lock_stamp *stamps, size_t stamp_count, struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    const struct taking whole = {keys,    count,  owner_str(owner), ttl_ms,
                                 granted, stamps, stamp_count};
    arena_clear(&self->scratch);
    for (size_t from = 0; from < count || from < stamp_count; from += SCRIPT_KEYS_MAX) {
        const struct taking part = part_of(&whole, from);
        TRY(take_some(self, &part, err));
    }
    return OUTCOME_DONE;
}

static enum outcome unstamp(struct lock *lock, const struct str *keys, size_t count,
                            struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 1 + count);
    redis_add(&command, STR("DEL"));
    add_keys(self, &command, STR(":stamp:"), keys, count);
    AUTO_REPLY reply = NULL;
    return redis_call(&self->redis, &command, REDIS_REPLY_INTEGER, &reply, err);
}

static enum outcome release_some(struct lock_redis *self, const struct str *keys, size_t count,
                                 struct str owner, struct err *err)
{
    struct redis_command command = script_command(self, count, 1);
    add_keys(self, &command, STR(":lock:"), keys, count);
    redis_add(&command, owner);
    AUTO_REPLY reply = NULL;
    return redis_call_script(&self->redis, SCRIPT_RELEASE, &command, REDIS_REPLY_INTEGER, &reply,
                             err);
}

static enum outcome release(struct lock *lock, const struct str *keys, size_t count,
                            const uint8_t owner[LOCK_OWNER_BYTES], struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    for (size_t i = 0; i < count; i += SCRIPT_KEYS_MAX)
        TRY(release_some(self, keys + i, smaller(count - i, SCRIPT_KEYS_MAX), owner_str(owner),
                         err));
    return OUTCOME_DONE;
}

struct lease_search {
    struct arena *arena;
    struct str prefix; /* of the names in Redis */
    struct held_lock *found;
    size_t count, capacity, max;
};

/* Asks for the remaining time of each name on a page of SCAN. */
static enum outcome take_leases(struct lock_redis *self, const redisReply *names,
                                struct lease_search *search, struct err *err)
{
    if (names->elements == 0)
        return OUTCOME_DONE;
    struct redis_command *commands =
        arena_array(&self->scratch, names->elements, sizeof(*commands));
    redisReply **replies = arena_array(&self->scratch, names->elements, sizeof(*replies));
    for (size_t i = 0; i < names->elements; i++) {
        redis_command_init(&commands[i], &self->scratch, 2);
        redis_add(&commands[i], STR("PTTL"));
        redis_add(&commands[i], (struct str){names->element[i]->str, names->element[i]->len});
    }
    TRY(redis_call_all(&self->redis, commands, names->elements, REDIS_REPLY_INTEGER, replies, err));
    for (size_t i = 0; i < names->elements; i++) {
        const struct str key = {names->element[i]->str + search->prefix.len,
                                names->element[i]->len - search->prefix.len};
        const struct held_lock lease = {str_dup(search->arena, key), replies[i]->integer};
        freeReplyObject(replies[i]);
        if (lease.ttl_ms == -2 || search->count == search->max)
            continue; /* -2: the lease ended meanwhile */
        search->found = arena_grow(search->arena, search->found, search->count,
                                   sizeof(*search->found), &search->capacity);
        search->found[search->count++] = lease;
    }
    return OUTCOME_DONE;
}

/* Makes one step of SCAN; *cursor is "0" after the last step. */
static enum outcome scan_leases(struct lock_redis *self, struct str *cursor,
                                struct lease_search *search, struct err *err)
{
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 6);
    redis_add(&command, STR("SCAN"));
    redis_add(&command, *cursor);
    redis_add(&command, STR("MATCH"));
    redis_add(&command, str_printf(&self->scratch, "%.*s*", STR_FMT(search->prefix)));
    redis_add(&command, STR("COUNT"));
    redis_add_int(&command, &self->scratch, SCAN_COUNT);
    AUTO_REPLY reply = NULL;
    TRY(redis_call(&self->redis, &command, REDIS_REPLY_ARRAY, &reply, err));
    if (reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY)
        return redis_give_up(&self->redis, "SCAN answered something else", err);
    *cursor = str_dup(&self->scratch, (struct str){reply->element[0]->str, reply->element[0]->len});
    return take_leases(self, reply->element[1], search, err);
}

static enum outcome leases(struct lock *lock, struct arena *arena, size_t max,
                           struct held_lock **out, size_t *out_count, struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    struct lease_search search = {
        .arena = arena, .prefix = key_name(self, STR(":lock:"), STR("")), .max = max};
    struct str cursor = STR("0");
    do
        TRY(scan_leases(self, &cursor, &search, err));
    while (!str_eq(cursor, STR("0")) && search.count < max);
    *out = search.found;
    *out_count = search.count;
    return OUTCOME_DONE;
}

/* --- cache ------------------------------------------------------------------------------------ */

static struct str generation_name(struct lock_redis *self, struct str tag)
{
    return key_name(self, STR(":gen:"), tag);
}

static struct str cache_name(struct lock_redis *self, const struct cache_item *item)
{
    return key_name(self, str_printf(&self->scratch, ":cache:%.*s:", STR_FMT(item->tag)),
                    item->key);
}

static struct str generation_str(struct lock_redis *self, int64_t generation)
{
    return (struct str){arena_copy(&self->scratch, &generation, GENERATION_BYTES),
                        GENERATION_BYTES};
}

/* 0 when the reply has no generation. */
static int64_t generation_in(const redisReply *reply)
{
    int64_t generation = 0;
    if (reply->type == REDIS_REPLY_STRING && reply->len >= GENERATION_BYTES)
        memcpy(&generation, reply->str, GENERATION_BYTES);
    return generation;
}

static void fill_item(struct arena *arena, const redisReply *generation, const redisReply *value,
                      struct cache_item *item)
{
    item->generation = generation_in(generation);
    item->value = STR_ABSENT;
    if (item->generation != 0 && generation_in(value) == item->generation)
        item->value = str_dup(
            arena, (struct str){value->str + GENERATION_BYTES, value->len - GENERATION_BYTES});
}

/* Gives a generation to tags that have none yet (on a new or wiped server). Several lanes may do so
 * at once: the next cache_get sees which of them won, and nothing is stored until then. */
static enum outcome found_generations(struct lock_redis *self, const struct cache_item *items,
                                      size_t count, struct err *err)
{
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 1 + 2 * count);
    redis_add(&command, STR("MSETNX"));
    for (size_t i = 0; i < count; i++) {
        if (items[i].generation != 0)
            continue;
        redis_add(&command, generation_name(self, items[i].tag));
        redis_add(&command, generation_str(self, lock_new_generation()));
    }
    if (command.argc == 1)
        return OUTCOME_DONE;
    AUTO_REPLY reply = NULL;
    return redis_call(&self->redis, &command, REDIS_REPLY_INTEGER, &reply, err);
}

static enum outcome get(struct lock *lock, struct arena *arena, struct cache_item *items,
                        size_t count, struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 1 + 2 * count);
    redis_add(&command, STR("MGET"));
    for (size_t i = 0; i < count; i++) {
        redis_add(&command, generation_name(self, items[i].tag));
        redis_add(&command, cache_name(self, &items[i]));
    }
    AUTO_REPLY reply = NULL;
    TRY(redis_call(&self->redis, &command, REDIS_REPLY_ARRAY, &reply, err));
    if (reply->elements != 2 * count)
        return redis_give_up(&self->redis, "MGET answered for other keys", err);
    for (size_t i = 0; i < count; i++)
        fill_item(arena, reply->element[2 * i], reply->element[2 * i + 1], &items[i]);
    return found_generations(self, items, count, err);
}

static void add_put(struct lock_redis *self, const struct cache_item *item, int64_t ttl_ms,
                    struct redis_command *command)
{
    const size_t len = GENERATION_BYTES + item->value.len;
    char *value = arena_bytes(&self->scratch, len);
    memcpy(value, &item->generation, GENERATION_BYTES);
    if (item->value.len)
        memcpy(value + GENERATION_BYTES, item->value.ptr, item->value.len);
    redis_command_init(command, &self->scratch, 5);
    redis_add(command, STR("SET"));
    redis_add(command, cache_name(self, item));
    redis_add(command, (struct str){value, len});
    redis_add(command, STR("PX"));
    redis_add_int(command, &self->scratch, ttl_ms);
}

static enum outcome put(struct lock *lock, const struct cache_item *items, size_t count,
                        int64_t ttl_ms, struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    struct redis_command *commands = arena_array(&self->scratch, count, sizeof(*commands));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].generation != 0 && items[i].value.ptr)
            add_put(self, &items[i], ttl_ms, &commands[kept++]);
    if (kept == 0)
        return OUTCOME_DONE;
    redisReply **replies = arena_array(&self->scratch, kept, sizeof(*replies));
    TRY(redis_call_all(&self->redis, commands, kept, REDIS_REPLY_STATUS, replies, err));
    for (size_t i = 0; i < kept; i++)
        freeReplyObject(replies[i]);
    return OUTCOME_DONE;
}

static enum outcome invalidate(struct lock *lock, const struct str *tags, size_t count,
                               struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    struct redis_command command;
    redis_command_init(&command, &self->scratch, 1 + 2 * count);
    redis_add(&command, STR("MSET"));
    for (size_t i = 0; i < count; i++) {
        redis_add(&command, generation_name(self, tags[i]));
        redis_add(&command, generation_str(self, lock_new_generation()));
    }
    AUTO_REPLY reply = NULL;
    return redis_call(&self->redis, &command, REDIS_REPLY_STATUS, &reply, err);
}

/* --- rate limits ------------------------------------------------------------------------------ */

static void add_limit(struct lock_redis *self, struct redis_command *command,
                      const struct rate_limit *limit)
{
    redis_add_int(command, &self->scratch, limit->burst);
    redis_add_int(command, &self->scratch, limit->period_ms);
    redis_add_int(command, &self->scratch, limit->use);
}

static enum outcome rate_some(struct lock_redis *self, struct rate_limit *limits, size_t count,
                              struct err *err)
{
    struct redis_command command = script_command(self, count, 3 * count);
    for (size_t i = 0; i < count; i++)
        redis_add(&command, key_name(self, STR(":rate:"), limits[i].key));
    for (size_t i = 0; i < count; i++)
        add_limit(self, &command, &limits[i]);
    AUTO_REPLY reply = NULL;
    TRY(redis_call_script(&self->redis, SCRIPT_RATE, &command, REDIS_REPLY_ARRAY, &reply, err));
    if (reply->elements != 2 * count)
        return redis_give_up(&self->redis, "the rate script answered for other keys", err);
    for (size_t i = 0; i < count; i++) {
        limits[i].allowed = reply->element[2 * i]->integer == 1;
        limits[i].wait_ms = reply->element[2 * i + 1]->integer;
    }
    return OUTCOME_DONE;
}

static enum outcome rate(struct lock *lock, struct rate_limit *limits, size_t count,
                         struct err *err)
{
    struct lock_redis *self = redis_of(lock);
    arena_clear(&self->scratch);
    for (size_t i = 0; i < count; i += SCRIPT_KEYS_MAX)
        TRY(rate_some(self, limits + i, smaller(count - i, SCRIPT_KEYS_MAX), err));
    return OUTCOME_DONE;
}

/* --- life ------------------------------------------------------------------------------------- */

static void close_redis(struct lock *lock)
{
    struct lock_redis *self = redis_of(lock);
    redis_disconnect(&self->redis);
    arena_release(&self->scratch);
    arena_release(&self->home);
    free(self);
}

static int64_t now_ms(const struct lock *lock)
{
    (void)lock;
    return clock_monotonic_us() / 1000;
}

static const struct lock_ops redis_ops = {
    .close = close_redis,
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

static struct lock_redis *new_redis(void)
{
    struct lock_redis *self = calloc(1, sizeof(*self));
    if (!self)
        panic("out of memory for a lock");
    self->lock.ops = &redis_ops;
    arena_init(&self->home, 1024);
    arena_init(&self->scratch, SCRATCH_BYTES);
    return self;
}

enum outcome lock_open(const struct lock_options *options, struct lock **out, struct err *err)
{
    if (options->timeout_ms <= 0)
        return err_invalid(err, E_MALFORMED, "the timeout of Redis must be at least 1 ms");
    struct lock_redis *self = new_redis();
    struct redis_address *address = &self->redis.address;
    enum outcome outcome = redis_address_parse(&self->home, options->uri, address, err);
    if (outcome == OUTCOME_DONE)
        outcome = redis_tls_check(address, err);
    if (outcome != OUTCOME_DONE) {
        close_redis(&self->lock);
        return outcome;
    }
    self->redis.timeout_ms = options->timeout_ms;
    self->prefix = str_dup(&self->home, options->prefix);
    signal(SIGPIPE, SIG_IGN);
    *out = &self->lock;
    return OUTCOME_DONE;
}
