/* product_get.c - product.get: one product, by exactly one of its id, slug and SKU. Drafts and
 * retired products are for admins only. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "request.h"

static bool find_by(struct job *job, const char *field, struct str value, struct product **out)
{
    return job_doc_by(job, &product_type, field, value, DOC_READ, (void **)out);
}

/* A product that was made before SKUs had one form is also found by its SKU as it was given. */
static bool find_by_sku(struct job *job, struct str typed, struct product **out)
{
    struct product *exact = NULL;
    const bool loaded = find_by(job, "sku", sku_form(job_arena(job), typed), out);
    const bool looked = find_by(job, "sku", typed, &exact);
    if (loaded && looked && !*out)
        *out = exact;
    return loaded && looked;
}

static bool find(struct job *job, const struct product_get_request *req, struct product **out)
{
    if (!str_is_absent(req->product_id))
        return product_by_id(job, req->product_id, DOC_READ, out);
    return str_is_absent(req->slug) ? find_by_sku(job, req->sku, out)
                                    : find_by(job, "slug", req->slug, out);
}

static enum outcome get(struct job *job, const void *request, struct err *err)
{
    struct product *product = NULL;
    struct category *category = NULL;
    struct stock *stock = NULL;
    NEED(job, find(job, request, &product));
    if (!product || (!product_is_purchasable(product) && !caller_is_admin(job)))
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    NEED(job, category_of_product(job, product, &category),
         stock_by_sku(job, product->sku, DOC_READ, &stock));
    return reply(job, &product_view_schema, product_view(job, product, category, stock));
}

const struct operation product_get = {
    .name = "product.get",
    .kind = QUERY,
    .who = GUEST,
    .request = &product_get_schema,
    .handle = get,
    .summary = "One product, by its id, slug or SKU",
    .reply = &product_view_schema,
};
