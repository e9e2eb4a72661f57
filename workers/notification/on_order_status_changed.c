/* on_order_status_changed.c - order.status_changed: tell the customer how the order stands. */
#include "notification/operations.h"
#include "notification/render.h"

static enum outcome tell_status(struct job *job, const void *request, struct err *err)
{
    (void)err; /* an event cannot be refused */
    const struct order *order = request;
    struct user *user = NULL;
    struct inbox *inbox = NULL;
    NEED(job, user_by_id(job, order->user_id, DOC_READ, &user),
         inbox_by_id(job, order->user_id, DOC_FOR_UPDATE, &inbox));
    if (!user)
        return OUTCOME_DONE; /* the account is gone: nobody is left to tell */

    const struct notice notice =
        render_order_status_changed(job_arena(job), order, notice_name(user));
    notice_send(job, user, inbox, &notice);
    return OUTCOME_DONE;
}

const struct operation notification_order_status_changed = {
    .name = "notification.order_status_changed",
    .kind = SUBSCRIBER,
    .event = &order_status_changed,
    .handle = tell_status,
    .summary = "Tell the customer that an order moved on, in-app and by email",
};
