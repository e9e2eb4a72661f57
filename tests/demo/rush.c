/* rush.c - the rush hour: a crowd orders what the morning ordered, again and again, for some
 * seconds, as many shoppers at once as requests may be in flight.
 *
 * Every order is a real one, from an empty cart on, at the prices that the morning ended with. The
 * admin stocks up for it first; what is stocked and what is sold is counted here, and the audit
 * reads it back like everything else. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "demo/demo.h"

#define BODY_MAX 160
#define SHOPPERS WEB_WINDOW
#define ROUNDS   500 /* of the whole morning; then the shelves are empty and the rush is over */

struct rush_shopper {
    struct session session;
    size_t order; /* of the plan, which this one repeats */
    size_t next_line;
    int64_t total;
};

struct rush {
    struct demo *demo;
    struct rush_shopper shoppers[SHOPPERS];
    size_t next;  /* product to stock up, account to open, shopper to send in */
    size_t taken; /* orders handed out to shoppers */
    int64_t began_us;
    int64_t end_us;
};

static void ask(struct rush *rush, struct session *session, size_t item, answered *then,
                const char *operation, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void ask(struct rush *rush, struct session *session, size_t item, answered *then,
                const char *operation, const char *format, ...)
{
    char body[BODY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof(body), format, args);
    va_end(args);
    web_send(&rush->demo->web, &(struct ask){.operation = operation,
                                             .session = session,
                                             .body = str_of(body),
                                             .then = then,
                                             .context = rush,
                                             .item = item});
}

/* --- before the doors open ----------------------------------------------------------------------- */

static void stocked(void *context, size_t item, const struct answer *answer)
{
    struct rush *rush = context;
    struct demo *demo = rush->demo;
    if (web_expect(&demo->web, "inventory.adjust before the rush", answer))
        demo->products[item].rush_stock = ROUNDS * demo->plan.products.items[item].sold;
}

static bool start_stocking(void *context)
{
    struct rush *rush = context;
    struct demo *demo = rush->demo;
    const struct plan *plan = &demo->plan;
    while (rush->next < plan->products.count && plan->products.items[rush->next].sold == 0)
        rush->next++;
    if (rush->next == plan->products.count)
        return false;
    ask(rush, &demo->admin, rush->next, stocked, "inventory.adjust",
        "{\"productId\":\"%.*s\",\"delta\":%" PRId64 ",\"reason\":\"the rush hour\"}",
        STR_FMT(demo->products[rush->next].id), ROUNDS * plan->products.items[rush->next].sold);
    rush->next++;
    return true;
}

static bool start_entering(void *context)
{
    struct rush *rush = context;
    struct demo *demo = rush->demo;
    if (rush->next == SHOPPERS)
        return false;
    const size_t number = ++rush->next;
    demo_enter(demo, &rush->shoppers[number - 1].session, NULL,
               str_printf(&demo->arena, "rush-%zu@example.com", number),
               str_printf(&demo->arena, "Rush shopper %zu", number));
    demo_progress("a crowd gathers: %zu of %d accounts", number, SHOPPERS);
    return true;
}

/* --- the crowd ----------------------------------------------------------------------------------- */

static int64_t last_price(const struct plan_product *product)
{
    return product->eras.items[product->eras.count - 1].price;
}

static void take_next_order(struct rush *rush, size_t item);
static void add_next_line(struct rush *rush, size_t item);

static void rush_order_placed(void *context, size_t item, const struct answer *answer)
{
    struct rush *rush = context;
    struct demo *demo = rush->demo;
    struct rush_shopper *shopper = &rush->shoppers[item];
    const struct plan_order *plan = &demo->plan.orders.items[shopper->order];
    if (!web_expect(&demo->web, "order.place in the rush", answer))
        return;
    GROW(&demo->arena, &demo->rush_orders);
    demo->rush_orders.items[demo->rush_orders.count - 1] =
        str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
    demo->tally.rush_revenue += json_int(json_at(answer->data, "/total/amount"), 0);
    demo->tally.rush_expected += shopper->total;
    for (size_t i = 0; i < plan->lines.count; i++)
        demo->products[plan->lines.items[i].product].rush_sold += plan->lines.items[i].quantity;
    const int64_t micros = clock_monotonic_us() - rush->began_us;
    demo_progress("rush hour: %zu orders, %.0f per second", demo->rush_orders.count,
                  (double)demo->rush_orders.count * 1e6 / (double)(micros + 1));
    take_next_order(rush, item);
}

static void rush_line_added(void *context, size_t item, const struct answer *answer)
{
    struct rush *rush = context;
    if (web_expect(&rush->demo->web, "cart.item.add in the rush", answer))
        add_next_line(rush, item);
}

static void add_next_line(struct rush *rush, size_t item)
{
    struct demo *demo = rush->demo;
    struct rush_shopper *shopper = &rush->shoppers[item];
    const struct plan_order *plan = &demo->plan.orders.items[shopper->order];
    if (shopper->next_line == plan->lines.count) {
        ask(rush, &shopper->session, item, rush_order_placed, "order.place",
            "{\"expectedTotal\":{\"amount\":%" PRId64 ",\"currency\":\"GBP\"}}", shopper->total);
        return;
    }
    const struct plan_line *line = &plan->lines.items[shopper->next_line++];
    shopper->total += line->quantity * last_price(&demo->plan.products.items[line->product]);
    ask(rush, &shopper->session, item, rush_line_added, "cart.item.add",
        "{\"productId\":\"%.*s\",\"quantity\":%" PRId64 "}",
        STR_FMT(demo->products[line->product].id), line->quantity);
}

static void take_next_order(struct rush *rush, size_t item)
{
    const size_t count = rush->demo->plan.orders.count;
    if (clock_monotonic_us() >= rush->end_us || rush->taken == count * ROUNDS)
        return;
    struct rush_shopper *shopper = &rush->shoppers[item];
    shopper->order = rush->taken++ % count;
    shopper->next_line = 0;
    shopper->total = 0;
    add_next_line(rush, item);
}

static bool start_shopping(void *context)
{
    struct rush *rush = context;
    if (rush->next == SHOPPERS)
        return false;
    take_next_order(rush, rush->next++);
    return true;
}

/* --- all of it ----------------------------------------------------------------------------------- */

static void prepare(struct rush *rush)
{
    web_run(&rush->demo->web, start_stocking, rush);
    rush->next = 0;
    web_run(&rush->demo->web, start_entering, rush);
    rush->next = 0;
    demo_progress_done();
}

void demo_rush(struct demo *demo)
{
    if (demo->rush_seconds == 0)
        return;
    struct rush *rush = arena_alloc(&demo->arena, sizeof(*rush));
    rush->demo = demo;
    prepare(rush);
    rush->began_us = clock_monotonic_us();
    rush->end_us = rush->began_us + demo->rush_seconds * 1000000;
    demo->web.measure = &demo->rush;
    web_run(&demo->web, start_shopping, rush);
    demo->web.measure = NULL;
    demo->rush.micros = clock_monotonic_us() - rush->began_us;
    demo_progress_done();
}
