/* reindex.c - the keys of products that were stored by a release without them, or with others. */
#include "catalog/reindex.h"

#include "base/clock.h"
#include "base/id.h"
#include "catalog/search.h"

#define PART      200
#define TRIES_MAX 50 /* of one part whose products change all the time */

/* Copies of the products of a part that need other keys, as guarded replaces. */
static size_t stale_products(struct arena *arena, const struct doc_list *products,
                             struct write *writes)
{
    size_t count = 0;
    for (size_t i = 0; i < products->count; i++) {
        const struct product *stored = products->items[i];
        struct product *product = shape_clone(product_type.shape, arena, stored);
        if (!product_index(arena, product))
            continue;
        product->head.version++;
        writes[count++] = (struct write){.kind = WRITE_REPLACE,
                                         .type = &product_type,
                                         .doc = product,
                                         .base_version = stored->head.version};
    }
    return count;
}

static enum outcome write_part(struct store *store, struct arena *arena, const struct write *writes,
                               size_t count, struct err *err)
{
    const int64_t now = clock_now_ms();
    const struct commit commit = {
        .id = id_new(arena, now), .now = now, .writes = writes, .write_count = count};
    return count > 0 ? store_commit(store, &commit, err) : OUTCOME_DONE;
}

/* One part, behind `after`. CONFLICT and UNCERTAIN: look at it again, as it is now. */
static enum outcome reindex_part(struct store *store, struct arena *arena, struct str after,
                                 struct doc_list *products, size_t *written, struct err *err)
{
    struct write writes[PART];
    TRY(store_scan(store, arena, &product_type, after, PART, products, err));
    *written = stale_products(arena, products, writes);
    return write_part(store, arena, writes, *written, err);
}

static enum outcome reindex_until_done(struct store *store, struct arena *arena, struct str after,
                                       struct doc_list *products, size_t *written, struct err *err)
{
    enum outcome outcome = OUTCOME_CONFLICT;
    for (int i = 0; i < TRIES_MAX; i++) {
        outcome = reindex_part(store, arena, after, products, written, err);
        if (outcome != OUTCOME_CONFLICT && outcome != OUTCOME_UNCERTAIN)
            break;
    }
    return outcome;
}

static enum outcome reindex_all(struct store *store, struct arena *arena,
                                void (*progress)(const struct reindex *so_far),
                                struct reindex *done, struct err *err)
{
    *done = (struct reindex){0};
    char last[ID_TEXT + 1] = "";
    struct doc_list products = {.count = PART};
    while (products.count + products.misfit_count == PART) {
        size_t written = 0;
        const struct str after = last[0] ? str_of(last) : STR_ABSENT;
        arena_clear(arena);
        TRY(reindex_until_done(store, arena, after, &products, &written, err));
        done->seen += (int64_t)products.count;
        done->written += (int64_t)written;
        progress(done);
        const struct str seen = doc_list_last(&products);
        if (seen.len == ID_TEXT)
            memcpy(last, seen.ptr, ID_TEXT);
    }
    return OUTCOME_DONE;
}

enum outcome products_reindex(struct store *store, void (*progress)(const struct reindex *so_far),
                              struct reindex *done, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 256 * 1024);
    const enum outcome outcome = reindex_all(store, &arena, progress, done, err);
    arena_release(&arena);
    return outcome;
}
