/* clear.c - cart.clear: takes everything out of the caller's cart. Clearing a cart that is empty or
 * does not exist changes nothing. */
#include "cart/cart.h"
#include "cart/operations.h"

static enum outcome clear(struct job *job, const void *request, struct err *err)
{
    (void)request; /* has no members */
    (void)err;     /* nothing to refuse */
    struct cart *cart = NULL;
    struct cart_goods none = {0};
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart));
    if (cart->lines.count == 0)
        return reply(job, &cart_view_schema,
                     cart_view(shop_settings(job), job_arena(job), cart, &none));
    cart->lines.count = 0;
    return cart_save(job, cart);
}

const struct operation cart_clear = {
    .name = "cart.clear",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &cart_clear_schema,
    .handle = clear,
    .summary = "Take everything out of the caller's cart",
    .reply = &cart_view_schema,
};
