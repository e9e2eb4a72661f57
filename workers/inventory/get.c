/* get.c - inventory.get: how much of a product is on hand, reserved and available. */
#include "inventory/operations.h"
#include "inventory/stock.h"

static enum outcome get(struct job *job, const void *request, struct err *err)
{
    const struct inventory_get_request *req = request;
    struct stock *stock = NULL;
    TRY(stock_of_product(job, req->product_id, DOC_READ, &stock, err));
    return reply(job, &stock_view_schema, stock_view(job, stock));
}

const struct operation inventory_get = {
    .name = "inventory.get",
    .kind = QUERY,
    .who = ADMIN,
    .request = &inventory_get_schema,
    .handle = get,
    .summary = "What is on hand, reserved and available of a product",
    .reply = &stock_view_schema,
};
