/* add.c - wishlist.add: puts a product on the caller's wishlist. What is there already stays. */
#include "wishlist/operations.h"
#include "wishlist/wishlist.h"

static enum outcome add_wishlist(struct job *job, const void *request, struct err *err)
{
    const struct wishlist_add_request *req = request;
    struct product *product = NULL;
    struct wishlist *list = NULL;
    struct wishlist_line *line = NULL;
    NEED(job, wishlist_find(job, req->product_id, req->sku, &list, &product, &line));
    if (!product_is_purchasable(product))
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    if (line)
        return wishlist_reply(job, list, false);
    if (list->lines.count >= WISHLIST_LINES_MAX)
        return err_refuse(err, E_LIST_FULL, "at most %d products", WISHLIST_LINES_MAX);
    line = list_insert(job_arena(job), &list->lines, sizeof(*line), 0);
    line->product_id = product->head.id;
    line->sku = product->sku;
    line->added_at = job_now(job);
    return wishlist_reply(job, list, true);
}

const struct operation wishlist_add = {
    .name = "wishlist.add",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &wishlist_add_schema,
    .handle = add_wishlist,
    .summary = "Put a product on the caller's wishlist",
    .reply = &wishlist_view_schema,
    .status = 201,
    .errors = (const struct error_code *const[]){E_LIST_FULL, NULL},
};
