/* doc_cache.c - a lane's own copies of documents that everybody reads and few change. */
#include "engine/doc_cache.h"

#include "engine/lane.h"

#define ARENA_BLOCK (64 * 1024)

/* Forgotten copies stay valid until the next call, because the batch whose commit is under way
 * may still point to them. */
static void forget(struct doc_cache *cache)
{
    const struct arena forgotten = cache->arena;
    cache->arena = cache->forgotten;
    cache->forgotten = forgotten;
    arena_clear(&cache->arena);
    map_init(&cache->docs, &cache->arena);
}

void doc_caches_init(struct doc_caches *caches, const struct doc_type *const *types)
{
    caches->count = 0;
    for (size_t i = 0; types[i] && caches->count < DOC_CACHE_TYPES; i++) {
        if (!types[i]->cache_tag)
            continue;
        struct doc_cache *cache = &caches->items[caches->count++];
        *cache = (struct doc_cache){.type = types[i]};
        arena_init(&cache->arena, ARENA_BLOCK);
        arena_init(&cache->forgotten, ARENA_BLOCK);
        map_init(&cache->docs, &cache->arena);
    }
}

void doc_caches_release(struct doc_caches *caches)
{
    for (size_t i = 0; i < caches->count; i++) {
        arena_release(&caches->items[i].arena);
        arena_release(&caches->items[i].forgotten);
    }
}

static void validate(struct doc_cache *cache, int64_t generation, int64_t now_ms, int64_t life_ms)
{
    const bool same = generation != 0 && generation == cache->generation;
    if (same && cache->arena.used < DOC_CACHE_BYTES && now_ms < cache->since_ms + life_ms)
        return;
    forget(cache);
    cache->generation = generation;
    cache->since_ms = now_ms;
}

void doc_caches_validate(struct lane *lane, struct arena *arena, int64_t now_ms)
{
    struct doc_caches *caches = &lane->docs;
    struct cache_item items[DOC_CACHE_TYPES] = {0};
    for (size_t i = 0; i < caches->count; i++) {
        items[i].tag = str_of(caches->items[i].type->cache_tag);
        /* No value is stored under this key: only the tag's generation is asked for. */
        items[i].key = STR("generation");
    }
    struct err ignored = {0};
    /* When an invalidation did not get through, this lane's own copies are doubtful, too. */
    const bool asked = caches->count > 0 && lane->stale_rows == 0 &&
                       cache_get(lane->lock, arena, items, caches->count, &ignored) == OUTCOME_DONE;
    for (size_t i = 0; i < caches->count; i++)
        validate(&caches->items[i], asked ? items[i].generation : 0, now_ms,
                 lane->service->cache_ms);
}

struct doc_cache *doc_cache_of(struct doc_caches *caches, const struct doc_type *type)
{
    for (size_t i = 0; i < caches->count; i++)
        if (caches->items[i].type == type && caches->items[i].generation != 0)
            return &caches->items[i];
    return NULL;
}

const void *doc_cache_get(const struct doc_cache *cache, struct str id)
{
    return map_get(&cache->docs, id);
}

void doc_cache_put(struct doc_cache *cache, const void *doc)
{
    void *copy = shape_copy(cache->type->shape, &cache->arena, doc);
    map_set(&cache->docs, doc_head(copy)->id, copy);
}
