/* on_order_placed.c - order.placed: confirm the order to the customer. */
#include "notification/operations.h"
#include "notification/render.h"

static enum outcome confirm_order(struct job *job, const void *request, struct err *err)
{
    (void)err; /* an event cannot be refused */
    const struct order *order = request;
    struct user *user = NULL;
    struct inbox *inbox = NULL;
    NEED(job, user_by_id(job, order->user_id, DOC_READ, &user),
         inbox_by_id(job, order->user_id, DOC_FOR_UPDATE, &inbox));
    if (!user)
        return OUTCOME_DONE; /* the account is gone: nobody is left to tell */

    const struct notice notice = render_order_placed(job_arena(job), order, notice_name(user));
    notice_send(job, user, inbox, &notice);
    return OUTCOME_DONE;
}

const struct operation notification_order_placed = {
    .name = "notification.order_placed",
    .kind = SUBSCRIBER,
    .event = &order_placed,
    .handle = confirm_order,
    .summary = "Confirm an order to the customer, in-app and by email",
};
