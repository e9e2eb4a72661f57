/* product.c - products: the document, and the rules that concern it alone. */
#include "catalog/catalog.h"

#include "settings.h"

static const struct field product_fields[] = {
    DOC_FIELDS(struct product, FIELD_ID),
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct product, name)},
    {.name = "slug", .kind = FIELD_STR, .offset = offsetof(struct product, slug)},
    {.name = "description", .kind = FIELD_STR, .offset = offsetof(struct product, description)},
    {.name = "categoryId",
     .kind = FIELD_ID,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct product, category_id)},
    {.name = "price", .kind = FIELD_MONEY, .offset = offsetof(struct product, price)},
    {.name = "sku", .kind = FIELD_STR, .offset = offsetof(struct product, sku)},
    {.name = "images",
     .kind = FIELD_LIST,
     .offset = offsetof(struct product, images),
     .shape = &common_image_shape},
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct product, status),
     .names = common_product_status_names},
    {.name = "inStock", .kind = FIELD_BOOL, .offset = offsetof(struct product, in_stock)},
    {.name = "words",
     .kind = FIELD_STRS,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct product, words)},
};

static const struct shape product_shape =
    DOC_SHAPE("Product document", struct product, product_fields);

/* Lists show one status, and their order ends with the id. An index by price serves both directions
 * and the price range. inStock is in no index, because nearly everything on sale is in stock. */
static const struct doc_index product_indexes[] = {
    {.name = "slug", .keys = "slug:1", .flags = INDEX_UNIQUE},
    {.name = "sku", .keys = "sku:1", .flags = INDEX_UNIQUE},
    {.name = "words", .keys = "status:1,words:1"},
    {.name = "newest", .keys = "status:1,createdAt:-1,id:-1"},
    {.name = "by_name", .keys = "status:1,name:1,id:1", .flags = INDEX_BY_LOCALE},
    {.name = "price", .keys = "status:1,price.amount:1,id:1"},
    {.name = "category_newest", .keys = "status:1,categoryId:1,createdAt:-1,id:-1"},
    {.name = "category_price", .keys = "status:1,categoryId:1,price.amount:1,id:1"},
};

const struct doc_type product_type = {
    .collection = "products",
    .shape = &product_shape,
    .indexes = product_indexes,
    .index_count = sizeof(product_indexes) / sizeof(product_indexes[0]),
    .cache_tag = "product",
};

bool product_by_id(struct job *job, struct str id, enum access access, struct product **out)
{
    return job_doc(job, &product_type, id, access, (void **)out);
}

/* A stock that an older release wrote does not tell the product's version: then no copy is good
 * enough. */
bool product_on_offer(struct job *job, const struct stock *stock, struct product **out)
{
    const int64_t least = stock->product_version ? stock->product_version : INT64_MAX;
    return job_doc_since(job, &product_type, stock->product_id, least, (void **)out);
}

bool product_is_purchasable(const struct product *product)
{
    return product && product->status == PRODUCT_PUBLISHED;
}

/* For example "must be one of EUR, GBP". */
static struct str currencies_text(struct arena *arena, const struct shop_settings *settings)
{
    const struct currencies all = shop_currencies(settings);
    struct str text =
        str_printf(arena, "must be %s%.*s", all.count > 1 ? "one of " : "", STR_FMT(all.items[0]));
    for (size_t i = 1; i < all.count; i++)
        text = str_printf(arena, "%.*s, %.*s", STR_FMT(text), STR_FMT(all.items[i]));
    return text;
}

enum outcome product_check_price(struct job *job, struct money price, struct err *err)
{
    const struct shop_settings *settings = shop_settings(job);
    if (shop_sells_in(settings, price.currency))
        return OUTCOME_DONE;
    const enum outcome outcome =
        err_invalid(err, E_VALIDATION_FAILED, "the price is in a wrong currency");
    const struct str text = currencies_text(job_arena(job), settings);
    err_field_add(err, job_arena(job), STR("/price/currency"), "%.*s", STR_FMT(text));
    return outcome;
}

enum outcome product_check_category(struct job *job, struct str id, struct category **out,
                                    struct err *err)
{
    struct category *category = NULL;
    if (!str_is_absent(id)) {
        NEED(job, category_by_id(job, id, DOC_CHECKED, &category));
        if (!category) {
            const enum outcome outcome = err_refuse(err, E_NOT_FOUND, "there is no such category");
            err_field_add(err, job_arena(job), STR("/categoryId"), "no such category");
            return outcome;
        }
    }
    *out = category;
    return OUTCOME_DONE;
}

bool category_of_product(struct job *job, const struct product *product, struct category **out)
{
    *out = NULL;
    return str_is_absent(product->category_id) ||
           category_by_id(job, product->category_id, DOC_READ, out);
}
