/* cancel.c - order.cancel: a customer cancels their own order before it is processed, an admin any
 * order before it is shipped. */
#include "order/operations.h"
#include "order/order.h"

static enum outcome cancel(struct job *job, const void *request, struct err *err)
{
    const struct order_cancel_request *req = request;
    struct order *order = NULL;
    NEED(job, order_by_id(job, req->order_id, DOC_FOR_UPDATE, &order));
    if (!order_is_visible(job, order))
        return err_refuse(err, E_NOT_FOUND, "there is no such order");
    const enum order_status status = (enum order_status)order->status;
    if (!order_may_cancel(status, job_caller(job)->role))
        return err_refuse(err, E_NOT_CANCELLABLE, "an order that is %s cannot be cancelled",
                          order_status_names[status]);
    return order_move(job, order, order_edge(status, ORDER_CANCELLED), req->reason, err);
}

const struct operation order_cancel = {
    .name = "order.cancel",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &order_cancel_schema,
    .handle = cancel,
    .summary = "Cancel an order and release its stock",
    .reply = &order_view_schema,
    .errors = (const struct error_code *const[]){E_NOT_CANCELLABLE, NULL},
};
