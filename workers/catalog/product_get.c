/* product_get.c - product.get: one product, by exactly one of its id, slug and SKU. Drafts and
 * retired products are for admins only. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "request.h"

static bool find(struct job *job, const struct product_get_request *req, struct product **out)
{
    if (!str_is_absent(req->slug))
        return job_doc_by(job, &product_type, "slug", req->slug, DOC_READ, (void **)out);
    return product_named(job, req->product_id, req->sku, out);
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
