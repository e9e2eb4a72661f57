/* remove.c - wishlist.remove: takes a product off the caller's wishlist. */
#include "wishlist/operations.h"
#include "wishlist/wishlist.h"

static enum outcome remove_wishlist(struct job *job, const void *request, struct err *err)
{
    const struct wishlist_remove_request *req = request;
    struct product *product = NULL;
    struct wishlist *list = NULL;
    struct wishlist_line *line = NULL;
    NEED(job, wishlist_find(job, req->product_id, req->sku, &list, &product, &line));
    if (!line)
        return err_refuse(err, E_NOT_FOUND, "it is not on the wishlist");
    LIST_REMOVE(list->lines, line);
    return wishlist_reply(job, list, true);
}

const struct operation wishlist_remove = {
    .name = "wishlist.remove",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &wishlist_remove_schema,
    .handle = remove_wishlist,
    .summary = "Take a product off the caller's wishlist",
    .reply = &wishlist_view_schema,
};
