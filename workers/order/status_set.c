/* status_set.c - order.status.set: an admin moves an order along its life cycle. */
#include "order/operations.h"
#include "order/order.h"

static enum outcome status_set(struct job *job, const void *request, struct err *err)
{
    const struct order_status_set_request *req = request;
    struct order *order = NULL;
    NEED(job, order_by_id(job, req->order_id, DOC_FOR_UPDATE, &order));
    if (!order)
        return err_refuse(err, E_NOT_FOUND, "there is no such order");
    const struct order_edge *edge =
        order_edge((enum order_status)order->status, (enum order_status)req->status);
    if (!edge)
        return err_refuse(err, E_ILLEGAL_TRANSITION, "an order that is %s cannot become %s",
                          order_status_names[order->status], order_status_names[req->status]);
    return order_move(job, order, edge, req->note, err);
}

const struct operation order_status_set = {
    .name = "order.status.set",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &order_status_set_schema,
    .handle = status_set,
    .summary = "Move an order along its life cycle",
    .reply = &order_view_schema,
    .errors = (const struct error_code *const[]){E_ILLEGAL_TRANSITION, NULL},
};
