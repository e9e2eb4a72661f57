/* late.c - after the file: late shoppers fight for what is left, winners change their minds, and
 * the admin takes a few orders all the way to the customer.
 *
 * For each wanted product several shoppers fill their carts with all that is left, then all place
 * their orders at once: a cart promises no stock, so one of them gets it and the others are refused.
 * The winner cancels, so the stock is again what the file says. */
#include <inttypes.h>
#include <stdio.h>

#include "demo/demo.h"

#define BODY_MAX 160

struct late {
    struct demo *demo;
    size_t next;
    answered *then;
    const char *operation;
};

static void ask(struct demo *demo, struct session *session, size_t item, const char *operation,
                const char *body, answered *then)
{
    web_send(&demo->web, &(struct ask){.operation = operation,
                                       .session = session,
                                       .body = str_of(body),
                                       .then = then,
                                       .context = demo,
                                       .item = item});
}

static size_t wanted_by(const struct demo *demo, size_t shopper)
{
    return demo->plan.wanted[shopper / LATE_RIVALS];
}

static bool nothing(void *context)
{
    (void)context;
    return false;
}

/* --- shoppers ---------------------------------------------------------------------------------- */

static void enter_all(struct demo *demo)
{
    for (size_t i = 0; i < demo->late_count; i++)
        demo_enter(demo, &demo->late[i].session, NULL,
                   str_printf(&demo->arena, "late-%zu@example.com", i + 1),
                   str_printf(&demo->arena, "Late shopper %zu", i + 1));
    web_run(&demo->web, nothing, NULL);
}

static void cart_filled(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct demo *demo = context;
    (void)web_expect(&demo->web, "cart.item.add of a late shopper", answer);
}

/* Looks what is left, as the page of a product says, and takes it all. */
static void product_seen(void *context, size_t item, const struct answer *answer)
{
    struct demo *demo = context;
    char body[BODY_MAX];
    if (!web_expect(&demo->web, "product.get", answer))
        return;
    struct late_shopper *shopper = &demo->late[item];
    shopper->wants = json_int(json_at(answer->data, "/stock/available"), 0);
    if (shopper->wants > PLAN_QUANTITY_MAX)
        shopper->wants = PLAN_QUANTITY_MAX; /* much came back: then there is enough for all */
    snprintf(body, sizeof(body), "{\"productId\":\"%.*s\",\"quantity\":%" PRId64 "}",
             STR_FMT(demo->products[wanted_by(demo, item)].id), shopper->wants);
    ask(demo, &shopper->session, item, "cart.item.add", body, cart_filled);
}

static void fill_carts(struct demo *demo)
{
    for (size_t i = 0; i < demo->late_count; i++) {
        char body[BODY_MAX];
        snprintf(body, sizeof(body), "{\"productId\":\"%.*s\"}",
                 STR_FMT(demo->products[wanted_by(demo, i)].id));
        ask(demo, &demo->late[i].session, i, "product.get", body, product_seen);
    }
    web_run(&demo->web, nothing, NULL);
}

static void late_order_answered(void *context, size_t item, const struct answer *answer)
{
    struct demo *demo = context;
    struct late_shopper *shopper = &demo->late[item];
    if (str_eq(answer->code, STR("INSUFFICIENT_STOCK"))) {
        shopper->was_refused = true;
        demo->tally.refused++;
        return;
    }
    if (!web_expect(&demo->web, "order.place of a late shopper", answer))
        return;
    shopper->got_it = true;
    shopper->order_id = str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
    demo->tally.late_placed++;
}

static void place_all(struct demo *demo)
{
    for (size_t i = 0; i < demo->late_count; i++)
        ask(demo, &demo->late[i].session, i, "order.place", "{}", late_order_answered);
    web_run(&demo->web, nothing, NULL);
}

static void late_order_cancelled(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct demo *demo = context;
    if (!web_expect(&demo->web, "order.cancel", answer))
        return;
    demo->tally.cancelled++;
    demo->tally.status_changes++;
}

static void late_cart_cleared(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct demo *demo = context;
    (void)web_expect(&demo->web, "cart.clear", answer);
}

/* Winners give back, losers leave their carts. */
static void leave_all(struct demo *demo)
{
    for (size_t i = 0; i < demo->late_count; i++) {
        char body[BODY_MAX];
        struct late_shopper *shopper = &demo->late[i];
        snprintf(body, sizeof(body), "{\"orderId\":\"%.*s\",\"reason\":\"changed my mind\"}",
                 STR_FMT(shopper->order_id));
        if (shopper->got_it)
            ask(demo, &shopper->session, i, "order.cancel", body, late_order_cancelled);
        else
            ask(demo, &shopper->session, i, "cart.clear", "{}", late_cart_cleared);
    }
    web_run(&demo->web, nothing, NULL);
}

/* --- orders on their way ------------------------------------------------------------------------ */

static const char *const way[] = {"paid", "processing", "shipped", "delivered", NULL};

static void status_set(void *context, size_t item, const struct answer *answer);

static void set_status(struct demo *demo, size_t order, size_t step)
{
    char body[BODY_MAX];
    snprintf(body, sizeof(body), "{\"orderId\":\"%.*s\",\"status\":\"%s\"}",
             STR_FMT(demo->orders[order].id), way[step]);
    ask(demo, &demo->admin, order, "order.status.set", body, status_set);
}

static size_t step_of(struct str status)
{
    size_t step = 0;
    while (way[step] && !str_eq(status, str_of(way[step])))
        step++;
    return step;
}

static void status_set(void *context, size_t item, const struct answer *answer)
{
    struct demo *demo = context;
    if (!web_expect(&demo->web, "order.status.set", answer))
        return;
    demo->tally.status_changes++;
    const struct str status = json_str(json_member(answer->data, "status"));
    const struct plan_order *plan = &demo->plan.orders.items[item];
    if (str_eq(status, STR("shipped")))
        for (size_t i = 0; i < plan->lines.count; i++)
            demo->products[plan->lines.items[i].product].shipped += plan->lines.items[i].quantity;
    demo->tally.delivered += str_eq(status, STR("delivered"));
    const size_t step = step_of(status);
    if (way[step] && way[step + 1])
        set_status(demo, item, step + 1);
}

static void deliver_some(struct demo *demo)
{
    const size_t count =
        demo->plan.orders.count < DELIVERED_MAX ? demo->plan.orders.count : DELIVERED_MAX;
    for (size_t i = 0; i < count; i++)
        set_status(demo, i, 0);
    web_run(&demo->web, nothing, NULL);
}

void demo_late(struct demo *demo)
{
    void (*const parts[])(struct demo *) = {enter_all, fill_carts, place_all, leave_all,
                                            deliver_some};
    demo->late_count = demo->plan.wanted_count * LATE_RIVALS;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !demo->web.failed; i++)
        parts[i](demo);
}
