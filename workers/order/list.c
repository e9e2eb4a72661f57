/* list.c - order.list: a page of the caller's orders, newest first; an admin may ask for those of
 * another user, or for all. */
#include "order/operations.h"
#include "order/order.h"
#include "paging.h"
#include "request.h"

/* The user whose orders are listed; absent: everybody's. `userId` is narrower than `all`, so it
 * wins. */
static struct str owner_of(const struct job *job, const struct order_list_request *req)
{
    if (!str_is_absent(req->user_id))
        return req->user_id;
    return req->all.has && req->all.value ? STR_ABSENT : job_caller(job)->id;
}

struct query order_list_query(struct str owner, int status)
{
    struct query query = query_of(&order_type);
    if (!str_is_absent(owner))
        query_is(&query, "userId", owner);
    if (status >= 0)
        query_is(&query, "status", str_of(order_status_names[status]));
    query_sort(&query, "createdAt", -1);
    query_sort(&query, "id", -1);
    return query;
}

static enum outcome list(struct job *job, const void *request, struct err *err)
{
    const struct order_list_request *req = request;
    const bool asks_for_others = !str_is_absent(req->user_id) || (req->all.has && req->all.value);
    if (asks_for_others && !caller_is_admin(job))
        return err_refuse(err, E_FORBIDDEN, "only admins see the orders of others");

    struct order_page *page = ARENA_NEW(job_arena(job), struct order_page);
    struct query query = order_list_query(owner_of(job, req), req->status);
    const struct query_page *found = NULL;
    TRY(paging_ask(job, PAGING_WISH(req), &query, &page->paging, err));
    NEED(job, job_query(job, &query, NULL, &found));

    page->items.count = paging_take(job, &query, found, &page->paging);
    page->items.items = arena_array(job_arena(job), page->items.count, sizeof(struct order));
    for (size_t i = 0; i < page->items.count; i++)
        page->items.items[i] = *(const struct order *)found->docs.items[i];
    return reply(job, &order_page_schema, page);
}

const struct operation order_list = {
    .name = "order.list",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &order_list_schema,
    .handle = list,
    .summary = "A page of the caller's orders, newest first; all of them for an admin who asks",
    .reply = &order_page_schema,
    .errors = (const struct error_code *const[]){E_BAD_CURSOR, NULL},
};
