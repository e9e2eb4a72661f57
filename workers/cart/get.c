/* get.c - cart.get: the caller's cart at today's prices; an empty cart when there is none. */
#include "cart/cart.h"
#include "cart/operations.h"

static enum outcome get(struct job *job, const void *request, struct err *err)
{
    (void)request; /* has no members */
    (void)err;     /* nothing to refuse */
    struct cart *cart = NULL;
    struct cart_goods goods;
    NEED(job, cart_of_caller(job, DOC_READ, &cart));
    NEED(job, cart_goods(job, cart, &goods));
    return reply(job, &cart_view_schema,
                 cart_view(shop_settings(job), job_arena(job), cart, &goods));
}

const struct operation cart_get = {
    .name = "cart.get",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &cart_get_schema,
    .handle = get,
    .summary = "The caller's cart at today's prices",
    .reply = &cart_view_schema,
};
