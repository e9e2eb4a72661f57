/* product_view.c - the wire form "Product". */
#include "catalog/catalog.h"

static const struct category_ref *category_ref(struct arena *arena, const struct category *category)
{
    if (!category)
        return NULL;
    struct category_ref *ref = ARENA_NEW(arena, struct category_ref);
    *ref = (struct category_ref){category->head.id, category->name, category->slug};
    return ref;
}

struct product_view *product_view(struct job *job, const struct product *product,
                                  const struct category *category, const struct stock *stock)
{
    struct product_view *view = ARENA_NEW(job_arena(job), struct product_view);
    *view = (struct product_view){
        .id = product->head.id,
        .name = product->name,
        .slug = product->slug,
        .description = product->description,
        .category = category_ref(job_arena(job), category),
        .price = product->price,
        .sku = product->sku,
        .stock = stock_ref_of(job, stock_available(stock)),
        .images = {product->images.items, product->images.count},
        .status = product->status,
        .created_at = product->head.created_at,
        .updated_at = product->head.updated_at,
        .version = product->head.version,
    };
    return view;
}
