/* item_remove.c - cart.item.remove: takes a product out of the caller's cart. */
#include "cart/cart.h"
#include "cart/operations.h"

static enum outcome item_remove(struct job *job, const void *request, struct err *err)
{
    const struct cart_item_remove_request *req = request;
    struct cart *cart = NULL;
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart));
    if (!cart_remove(cart, req->product_id))
        return err_refuse(err, E_NOT_FOUND, "it is not in the cart");
    return cart_save(job, cart);
}

const struct operation cart_item_remove = {
    .name = "cart.item.remove",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &cart_item_remove_schema,
    .handle = item_remove,
    .summary = "Take a product out of the caller's cart",
    .reply = &cart_view_schema,
};
