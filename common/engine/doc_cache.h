/* doc_cache.h - a lane's own copies of documents that everybody reads and few change (products).
 *
 * A copy is used for DOC_READ only as long as the generation of its tag in Redis is the one under
 * which the copy was stored. A writer moves the generation on after its commit and before its
 * reply, so a client that has seen the reply reads the new document. Without Redis there are no
 * copies. One look at the generations per batch replaces one find of hundreds of documents. */
#ifndef CARTWRIGHT_ENGINE_DOC_CACHE_H
#define CARTWRIGHT_ENGINE_DOC_CACHE_H

#include "base/map.h"
#include "store/store.h"

#define DOC_CACHE_TYPES 8
#define DOC_CACHE_BYTES (2u << 20) /* of one type; a cache that is larger starts anew */

struct doc_cache {
    const struct doc_type *type;
    struct arena arena;
    struct arena forgotten; /* the copies that were dropped last */
    struct map docs;
    int64_t generation; /* of the tag; 0: nothing may be kept */
    int64_t since_ms;
};

struct doc_caches {
    struct doc_cache items[DOC_CACHE_TYPES];
    size_t count;
};

struct lane;

void doc_caches_init(struct doc_caches *caches, const struct doc_type *const *types);
void doc_caches_release(struct doc_caches *caches);
/* To be called once per batch: asks Redis for the generations and drops copies that may be stale.
 * Copies stay valid until the call after the next one. */
void doc_caches_validate(struct lane *lane, struct arena *arena, int64_t now_ms);
/* Returns NULL when the type is not cached or nothing may be kept. */
struct doc_cache *doc_cache_of(struct doc_caches *caches, const struct doc_type *type);
/* Returns NULL when there is no copy of the document. */
const void *doc_cache_get(const struct doc_cache *cache, struct str id);
/* Stores a full copy of `doc`. */
void doc_cache_put(struct doc_cache *cache, const void *doc);

#endif
