/* item_add.c - cart.item.add: puts a quantity of a product into the caller's cart.
 *
 * Stock is read here only to refuse the hopeless case: nothing is reserved before order.place, so
 * losing a race with another order is harmless. */
#include "cart/cart.h"
#include "cart/operations.h"

static enum outcome item_add(struct job *job, const void *request, struct err *err)
{
    const struct cart_item_add_request *req = request;
    struct product *product = NULL;
    struct cart *cart = NULL;
    const struct cart_view *view;
    /* cart_add() will need the cart, too: both are asked for in one round. */
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart),
         product_by_id(job, req->product_id, DOC_READ, &product));
    if (!product)
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    TRY(cart_add(job, product, req->quantity, &view, err));
    return reply(job, &cart_view_schema, view);
}

const struct operation cart_item_add = {
    .name = "cart.item.add",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &cart_item_add_schema,
    .handle = item_add,
    .summary = "Put a quantity of a product into the caller's cart",
    .reply = &cart_view_schema,
    .errors = (const struct error_code *const[]){E_INSUFFICIENT_STOCK, E_NOT_PURCHASABLE,
                                                 E_QUANTITY_LIMIT, NULL},
};
