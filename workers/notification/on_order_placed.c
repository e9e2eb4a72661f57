/* on_order_placed.c - order.placed: confirm the order to the customer. */
#include "notification/operations.h"
#include "notification/render.h"
#include "schemas/event.h"

static struct order_news news_of(struct arena *arena, const struct event_order_placed *event)
{
    struct order_news news = {
        .order_id = event->id,
        .number = event->number,
        .total = event->total,
        .expected_delivery_date = event->expected_delivery_date,
    };
    news.items.count = event->items.count;
    news.items.items = arena_array(arena, event->items.count, sizeof(struct news_line));
    for (size_t i = 0; i < event->items.count; i++)
        news.items.items[i] = (struct news_line){
            .name = event->items.items[i].name,
            .quantity = event->items.items[i].quantity,
        };
    return news;
}

static enum outcome confirm_order(struct job *job, const void *request, struct err *err)
{
    (void)err; /* an event cannot be refused */
    const struct event_order_placed *event = request;
    struct user *user = NULL;
    struct inbox *inbox = NULL;
    NEED(job, user_by_id(job, event->user_id, DOC_READ, &user),
         inbox_by_user(job, event->user_id, DOC_FOR_UPDATE, &inbox));
    if (!user)
        return OUTCOME_DONE; /* the account is gone: nobody is left to tell */

    const struct order_news news = news_of(job_arena(job), event);
    const struct notice notice = render_order_placed(job_arena(job), &news, notice_name(user));
    notice_send(job, user, inbox, &notice);
    return OUTCOME_DONE;
}

const struct operation notification_order_placed = {
    .name = "notification.order_placed",
    .kind = SUBSCRIBER,
    .event = "order.placed",
    .request = &event_order_placed_schema,
    .handle = confirm_order,
    .summary = "Confirm an order to the customer, in-app and by email",
};
