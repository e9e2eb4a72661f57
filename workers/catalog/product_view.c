/* product_view.c - the wire form "Product". */
#include "catalog/catalog.h"
#include "settings.h"

static const struct field category_ref_fields[] = {
    {.name = "id", .kind = FIELD_ID, .offset = offsetof(struct category_ref, id)},
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct category_ref, name)},
    {.name = "slug", .kind = FIELD_STR, .offset = offsetof(struct category_ref, slug)},
};

static const struct shape category_ref_shape =
    SHAPE("Category of a product", struct category_ref, category_ref_fields);

static const struct field stock_ref_fields[] = {
    {.name = "available", .kind = FIELD_INT, .offset = offsetof(struct stock_ref, available)},
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct stock_ref, status),
     .names = stock_status_names},
};

static const struct shape stock_ref_shape =
    SHAPE("Stock of a product", struct stock_ref, stock_ref_fields);

static const struct field product_view_fields[] = {
    {.name = "id", .kind = FIELD_ID, .offset = offsetof(struct product_view, id)},
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct product_view, name)},
    {.name = "slug", .kind = FIELD_STR, .offset = offsetof(struct product_view, slug)},
    {.name = "description",
     .kind = FIELD_STR,
     .offset = offsetof(struct product_view, description)},
    {.name = "category",
     .kind = FIELD_STRUCT,
     .flags = FIELD_NULLABLE,
     .offset = offsetof(struct product_view, category),
     .shape = &category_ref_shape},
    {.name = "price", .kind = FIELD_MONEY, .offset = offsetof(struct product_view, price)},
    {.name = "sku", .kind = FIELD_STR, .offset = offsetof(struct product_view, sku)},
    {.name = "stock",
     .kind = FIELD_EMBED,
     .offset = offsetof(struct product_view, stock),
     .shape = &stock_ref_shape},
    {.name = "images",
     .kind = FIELD_LIST,
     .offset = offsetof(struct product_view, images),
     .shape = &common_image_shape},
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct product_view, status),
     .names = common_product_status_names},
    {.name = "createdAt", .kind = FIELD_TIME, .offset = offsetof(struct product_view, created_at)},
    {.name = "updatedAt", .kind = FIELD_TIME, .offset = offsetof(struct product_view, updated_at)},
    {.name = "version", .kind = FIELD_INT, .offset = offsetof(struct product_view, version)},
};

const struct shape product_view_shape = SHAPE("Product", struct product_view, product_view_fields);

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
    const int64_t available = stock_available(stock);
    struct product_view *view = ARENA_NEW(job_arena(job), struct product_view);
    *view = (struct product_view){
        .id = product->head.id,
        .name = product->name,
        .slug = product->slug,
        .description = product->description,
        .category = category_ref(job_arena(job), category),
        .price = product->price,
        .sku = product->sku,
        .stock = {available, (int)stock_status_of(available, shop_settings(job)->low_stock)},
        .images = {product->images.items, product->images.count},
        .status = product->status,
        .created_at = product->head.created_at,
        .updated_at = product->head.updated_at,
        .version = product->head.version,
    };
    return view;
}
