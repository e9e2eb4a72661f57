/* reindex.c - renews the search keys of products that another release stored without keys or with
 * others. */
#include "catalog/reindex.h"

#include "catalog/search.h"

static enum outcome renew_products(struct sweep_part *part, void *context, struct err *err)
{
    (void)context;
    (void)err;
    for (size_t i = 0; i < part->count; i++)
        part->changed[i] = product_index(part->arena, part->docs[i]);
    return OUTCOME_DONE;
}

enum outcome products_reindex(struct store *store, void (*progress)(const struct swept *so_far),
                              struct swept *done, struct err *err)
{
    return sweep_run(
        store,
        &(const struct sweep){.type = &product_type, .renew = renew_products, .progress = progress},
        done, err);
}
