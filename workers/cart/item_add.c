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
    struct stock *stock = NULL;
    struct cart *cart = NULL;
    struct cart_goods goods;
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart),
         product_by_id(job, req->product_id, DOC_READ, &product));
    if (!product)
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    cart = cart_or_empty(job, cart);
    /* cart_save() will need the goods of the other lines, too: all are asked for in one round. */
    NEED(job, stock_by_sku(job, product->sku, DOC_READ, &stock), cart_goods(job, cart, &goods));

    const struct cart_line *line = cart_line_of(cart, req->product_id);
    const int64_t quantity = req->quantity + (line ? line->quantity : 0);
    TRY(cart_check(job, cart, &goods, product, stock, quantity, err));
    cart_put(job_arena(job), cart, product, quantity);
    return cart_save(job, cart);
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
