/* move.c - wishlist.move: takes a product off the caller's wishlist and puts it into the cart. */
#include "wishlist/operations.h"
#include "wishlist/wishlist.h"

static enum outcome move_wishlist(struct job *job, const void *request, struct err *err)
{
    const struct wishlist_move_request *req = request;
    struct product *product = NULL;
    struct wishlist *list = NULL;
    struct wishlist_shown *view;
    struct wishlist_line *line = NULL;
    const struct cart_view *cart;
    NEED(job, wishlist_find(job, STR_ABSENT, req->sku, &list, &product, &line));
    if (!line)
        return err_refuse(err, E_NOT_FOUND, "it is not on the wishlist");
    TRY(cart_add(job, product, req->quantity.has ? req->quantity.value : 1, &cart, err));
    LIST_REMOVE(list->lines, line);
    TRY(wishlist_end(job, list, true, &view));
    struct wishlist_move_view *moved = ARENA_NEW(job_arena(job), struct wishlist_move_view);
    *moved = (struct wishlist_move_view){*view, *cart};
    return reply(job, &wishlist_move_view_schema, moved);
}

const struct operation wishlist_move = {
    .name = "wishlist.move",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &wishlist_move_schema,
    .handle = move_wishlist,
    .summary = "Move a product from the caller's wishlist into the cart",
    .reply = &wishlist_move_view_schema,
    .errors = (const struct error_code *const[]){E_INSUFFICIENT_STOCK, E_NOT_PURCHASABLE,
                                                 E_QUANTITY_LIMIT, NULL},
};
