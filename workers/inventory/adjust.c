/* adjust.c - inventory.adjust: adds to what is on hand, or takes away what is not reserved. */
#include "inventory/operations.h"
#include "inventory/stock.h"

static enum outcome adjust(struct job *job, const void *request, struct err *err)
{
    const struct inventory_adjust_request *req = request;
    struct stock *stock = NULL;
    TRY(stock_of_product(job, req->product_id, DOC_FOR_UPDATE, &stock, err));
    return stock_change(job, stock, req->delta, req->reason, err);
}

const struct operation inventory_adjust = {
    .name = "inventory.adjust",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &inventory_adjust_schema,
    .handle = adjust,
    .summary = "Add to what is on hand, or take from it",
    .reply = &stock_view_schema,
    .errors = (const struct error_code *const[]){E_NEGATIVE_STOCK, NULL},
};
