/* product_update.c - product.update: changes what the request gives; what it leaves out stays.
 *
 * The slug stays when the name changes, because links use it; the SKU never changes. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "catalog/search.h"
#include "request.h"

/* True when the price or the status changes, on which orders rest: then the stock's version moves,
 * too (inventory/stock.h). */
static bool changes_offer(const struct product *product, const struct product_update_request *req)
{
    return (!money_is_absent(req->price) && !money_eq(req->price, product->price)) ||
           (req->status >= 0 && req->status != product->status);
}

static enum outcome update(struct job *job, const void *request, struct err *err)
{
    const struct product_update_request *req = request;
    struct product *product = NULL;
    struct category *category = NULL;
    struct stock *stock = NULL;
    NEED(job, product_by_id(job, req->product_id, DOC_FOR_UPDATE, &product));
    if (!product)
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    TRY(expect_version(req->expected_version, product->head.version, err));
    if (!money_is_absent(req->price))
        TRY(product_check_price(job, req->price, err));
    if (req->category_id_given)
        TRY(product_check_category(job, req->category_id, &category, err));
    const bool is_other_offer = changes_offer(product, req);
    NEED(job, stock_by_sku(job, product->sku, is_other_offer ? DOC_FOR_UPDATE : DOC_READ, &stock),
         req->category_id_given || category_of_product(job, product, &category));

    job_patch(job, &product_type, product, req);
    product_index(job_arena(job), product);
    job_changed(job, product);
    if (is_other_offer && stock)
        stock_offer(job, stock, product->head.version);
    const struct product_view *view = product_view(job, product, category, stock);
    emit(job, &product_updated, product, view);
    return reply(job, &product_view_schema, view);
}

const struct operation product_update = {
    .name = "product.update",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &product_update_schema,
    .handle = update,
    .summary = "Change a product; what is missing stays",
    .reply = &product_view_schema,
    .errors = (const struct error_code *const[]){E_VERSION_CONFLICT, NULL},
};
