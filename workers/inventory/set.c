/* set.c - inventory.set: sets what is on hand, after a count.
 *
 * changeFrom is a compare-and-set: when goods have moved during the count, the request is refused
 * instead of carried out. */
#include "inventory/operations.h"
#include "inventory/stock.h"
#include "request.h"

static enum outcome set(struct job *job, const void *request, struct err *err)
{
    const struct inventory_set_request *req = request;
    struct stock *stock = NULL;
    TRY(stock_of_product(job, req->product_id, DOC_FOR_UPDATE, &stock, err));
    if (req->change_from.has && req->change_from.value != stock->on_hand)
        return err_refuse(err, E_STALE_QUANTITY, "%" PRId64 " are on hand", stock->on_hand);
    return stock_change(job, stock, req->on_hand - stock->on_hand, STR("set"), err);
}

const struct operation inventory_set = {
    .name = "inventory.set",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &inventory_set_schema,
    .handle = set,
    .summary = "Set what is on hand, after a count",
    .reply = &stock_view_schema,
    .errors = (const struct error_code *const[]){E_STALE_QUANTITY, E_NEGATIVE_STOCK, NULL},
};
