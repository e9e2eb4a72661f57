/* item_update.c - cart.item.update: sets the quantity of a product in the caller's cart. */
#include "cart/cart.h"
#include "cart/operations.h"

static enum outcome item_update(struct job *job, const void *request, struct err *err)
{
    const struct cart_item_update_request *req = request;
    struct cart *cart = NULL;
    struct cart_goods goods;
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart));
    const struct cart_line *line = cart_line_of(cart, req->product_id);
    if (!line)
        return err_refuse(err, E_NOT_FOUND, "it is not in the cart");
    if (req->quantity == 0) {
        cart_remove(cart, req->product_id);
        return cart_save(job, cart);
    }
    NEED(job, cart_goods(job, cart, &goods));
    const size_t i = (size_t)(line - cart->lines.items);
    TRY(cart_check(job, cart, &goods, goods.products[i], goods.stocks[i], req->quantity, err));
    cart_put(job_arena(job), cart, goods.products[i], req->quantity);
    return cart_save(job, cart);
}

const struct operation cart_item_update = {
    .name = "cart.item.update",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &cart_item_update_schema,
    .handle = item_update,
    .summary = "Set the quantity of a product in the caller's cart; 0 removes it",
    .reply = &cart_view_schema,
    .errors = (const struct error_code *const[]){E_INSUFFICIENT_STOCK, E_NOT_PURCHASABLE,
                                                 E_QUANTITY_LIMIT, NULL},
};
