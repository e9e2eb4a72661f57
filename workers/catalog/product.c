/* product.c - products: the rules that concern them alone. */
#include "catalog/catalog.h"

#include "fold.h"
#include "settings.h"

static bool find_by_sku(struct job *job, struct str sku, struct product **out)
{
    return job_doc_by(job, &product_type, "sku", sku, DOC_READ, (void **)out);
}

/* A product that was made before SKUs had one form is also found by its SKU as it was given. */
bool product_named(struct job *job, struct str id, struct str sku, struct product **out)
{
    struct product *exact = NULL;
    if (!str_is_absent(id))
        return product_by_id(job, id, DOC_READ, out);
    const bool loaded = find_by_sku(job, sku_form(job_arena(job), sku), out);
    const bool looked = find_by_sku(job, sku, &exact);
    if (loaded && looked && !*out)
        *out = exact;
    return loaded && looked;
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
