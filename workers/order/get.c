/* get.c - order.get: one order, by exactly one of its id and its number. A customer does not find
 * the orders of others. */
#include "code.h"
#include "order/operations.h"
#include "order/order.h"

static bool find(struct job *job, const struct order_get_request *req, struct order **out)
{
    if (!str_is_absent(req->order_id))
        return order_by_id(job, req->order_id, DOC_READ, out);
    return job_doc_by(job, &order_type, "number", code_read(job_arena(job), req->number), DOC_READ,
                      (void **)out);
}

static enum outcome get(struct job *job, const void *request, struct err *err)
{
    struct order *order = NULL;
    NEED(job, find(job, request, &order));
    if (!order_is_visible(job, order))
        return err_refuse(err, E_NOT_FOUND, "there is no such order");
    return reply(job, &order_view_schema, order);
}

const struct operation order_get = {
    .name = "order.get",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &order_get_schema,
    .handle = get,
    .summary = "One order, by its id or number",
    .reply = &order_view_schema,
};
