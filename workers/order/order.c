/* order.c - orders: who sees them, their dates and their history. */
#include "order/order.h"

#include "request.h"

bool order_is_visible(const struct job *job, const struct order *order)
{
    return order && (caller_is(job, order->user_id) || caller_is_admin(job));
}

struct str order_delivery_date(struct arena *arena, int64_t now, int64_t days)
{
    return date_text(arena, now + days * MS_PER_DAY);
}

void order_add_step(struct arena *arena, struct order *order, enum order_status status, int64_t at,
                    struct str by, struct str note)
{
    const size_t count = order->history.count;
    struct order_step *steps = arena_array(arena, count + 1, sizeof(*steps));
    if (count)
        memcpy(steps, order->history.items, count * sizeof(*steps));
    steps[count] = (struct order_step){.status = (int)status, .at = at, .by = by, .note = note};
    order->history.items = steps;
    order->history.count = count + 1;
    order->status = (int)status;
}
