/* wishlist.c - the wishlist: its lines, its wire form, and how an operation ends. */
#include "wishlist/wishlist.h"

bool wishlist_find(struct job *job, struct str id, struct str sku, struct wishlist **list,
                   struct product **product, struct wishlist_line **line)
{
    const bool has_product = product_named(job, id, sku, product);
    if (!job_own(job, &wishlist_type, DOC_FOR_UPDATE, (void **)list) || !has_product)
        return false;
    *line = *product ? LIST_FIND((*list)->lines, product_id, (*product)->head.id) : NULL;
    return true;
}

static bool show(struct job *job, const struct wishlist_line *line, struct wishlist_shown *view)
{
    struct product *product = NULL;
    struct stock *stock = NULL;
    const bool has_product = product_by_id(job, line->product_id, DOC_SHOWN, &product);
    if (!stock_by_sku(job, line->sku, DOC_SHOWN, &stock) || !has_product)
        return false;
    const int64_t available = product_is_purchasable(product) ? stock_available(stock) : 0;
    if (product)
        view->items.items[view->items.count++] =
            (struct wishlist_item){line->product_id,
                                   line->sku,
                                   product->name,
                                   product->price,
                                   stock_ref_of(job, available),
                                   line->added_at};
    return true;
}

enum outcome wishlist_end(struct job *job, struct wishlist *list, bool is_changed,
                          struct wishlist_shown **out)
{
    if (is_changed)
        job_save(job, &wishlist_type, list);
    struct wishlist_shown *view = ARENA_NEW(job_arena(job), struct wishlist_shown);
    *view = (struct wishlist_shown){list->head.id, {0}, list->head.updated_at, list->head.version};
    view->items.items = arena_array(job_arena(job), list->lines.count, sizeof(*view->items.items));
    bool loaded = true;
    for (size_t i = 0; i < list->lines.count; i++)
        loaded = show(job, &list->lines.items[i], view) && loaded;
    NEED(job, loaded);
    if (is_changed)
        emit(job, &wishlist_changed, list, view);
    *out = view;
    return OUTCOME_DONE;
}

enum outcome wishlist_reply(struct job *job, struct wishlist *list, bool is_changed)
{
    struct wishlist_shown *view;
    TRY(wishlist_end(job, list, is_changed, &view));
    return reply(job, &wishlist_view_schema, view);
}
