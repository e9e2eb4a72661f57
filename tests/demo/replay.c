/* replay.c - the morning: every customer does one thing after the other, many customers at once.
 *
 * An order starts when its customer has placed the order before it and every product in it has the
 * price that its invoice says. Prices follow the file: when all orders of one price are placed, the
 * admin sets the next one, and the orders that wait for it may start. The first order that is not
 * yet placed waits for nobody, so this cannot come to a standstill. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "demo/demo.h"

#define BODY_MAX  256
#define LOOKAHEAD 1024 /* steps that may overtake the oldest one */

struct replay {
    struct demo *demo;
    bool *is_started; /* by step */
    size_t first;     /* steps before it have all been started */
    bool nothing_new; /* since the last look nothing was placed and no price was set */
    size_t placed;
    size_t moved;
};

static void ask(struct replay *replay, struct session *session, size_t item, answered *then,
                const char *operation, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void ask(struct replay *replay, struct session *session, size_t item, answered *then,
                const char *operation, const char *format, ...)
{
    char body[BODY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(body, sizeof(body), format, args);
    va_end(args);
    web_send(&replay->demo->web, &(struct ask){.operation = operation,
                                               .session = session,
                                               .body = str_of(body),
                                               .then = then,
                                               .context = replay,
                                               .item = item});
}

static void show_progress(const struct replay *replay)
{
    const struct demo *demo = replay->demo;
    demo_progress("replaying: %zu of %zu orders placed, %zu stock movements, %" PRId64
                  " notifications",
                  replay->placed, demo->plan.orders.count, replay->moved,
                  demo->audience.inapp + demo->audience.email);
}

/* --- prices ------------------------------------------------------------------------------------ */

static void price_set(void *context, size_t item, const struct answer *answer)
{
    struct replay *replay = context;
    if (!web_expect(&replay->demo->web, "product.update", answer))
        return;
    replay->demo->products[item].price_is_set = true;
    replay->demo->tally.price_updates++;
    replay->nothing_new = false;
}

static void begin_era(struct replay *replay, size_t item, size_t era)
{
    struct demo *demo = replay->demo;
    struct shop_product *product = &demo->products[item];
    const struct plan_product *plan = &demo->plan.products.items[item];
    product->era = era;
    product->era_left = plan->eras.items[era].uses;
    product->price_is_set = era == 0; /* the catalogue was loaded with it */
    if (era > 0)
        ask(replay, &demo->admin, item, price_set, "product.update",
            "{\"productId\":\"%.*s\",\"price\":{\"amount\":%" PRId64 ",\"currency\":\"GBP\"}}",
            STR_FMT(product->id), plan->eras.items[era].price);
}

static void leave_era(struct replay *replay, size_t item)
{
    struct shop_product *product = &replay->demo->products[item];
    if (--product->era_left == 0 &&
        product->era + 1 < replay->demo->plan.products.items[item].eras.count)
        begin_era(replay, item, product->era + 1);
}

/* --- orders ------------------------------------------------------------------------------------ */

/* The line of a replied order that is this product's, NULL when there is none. */
static const struct json *replied_line(const struct json *items, struct str product_id)
{
    for (size_t i = 0; i < json_count(items); i++) {
        const struct json *line = json_element(items, i);
        if (str_eq(json_str(json_member(line, "productId")), product_id))
            return line;
    }
    return NULL;
}

/* Every line as in the file: how many, at which price, what it comes to. */
static bool agrees(const struct demo *demo, const struct plan_order *plan, const struct json *order)
{
    const struct json *items = json_member(order, "items");
    bool same = json_count(items) == plan->lines.count &&
                json_int(json_at(order, "/total/amount"), -1) == plan->total;
    for (size_t i = 0; same && i < plan->lines.count; i++) {
        const struct plan_line *line = &plan->lines.items[i];
        const struct json *replied = replied_line(items, demo->products[line->product].id);
        same = json_int(json_member(replied, "quantity"), -1) == line->quantity &&
               json_int(json_at(replied, "/unitPrice/amount"), -1) == line->price &&
               json_int(json_at(replied, "/lineTotal/amount"), -1) == line->quantity * line->price;
    }
    return same;
}

static void order_placed(void *context, size_t item, const struct answer *answer)
{
    struct replay *replay = context;
    struct demo *demo = replay->demo;
    const struct plan_order *plan = &demo->plan.orders.items[item];
    struct shop_order *order = &demo->orders[item];
    if (!web_expect(&demo->web, "order.place", answer))
        return;
    order->id = str_dup(&demo->arena, json_str(json_member(answer->data, "id")));
    order->number = str_dup(&demo->arena, json_str(json_member(answer->data, "number")));
    order->is_placed = true;
    order->agrees = agrees(demo, plan, answer->data);
    demo->tally.placed++;
    demo->tally.revenue += json_int(json_at(answer->data, "/total/amount"), 0);
    demo->customers[plan->customer].expected_orders++;
    demo->customers[plan->customer].expected_total += plan->total;
    replay->nothing_new = false;
    replay->placed++;
    for (size_t i = 0; i < plan->lines.count; i++)
        leave_era(replay, plan->lines.items[i].product);
    show_progress(replay);
}

static void add_next_line(struct replay *replay, size_t item);

static void line_added(void *context, size_t item, const struct answer *answer)
{
    struct replay *replay = context;
    if (web_expect(&replay->demo->web, "cart.item.add", answer))
        add_next_line(replay, item);
}

/* One line after the other, then the order itself: as a person clicks. */
static void add_next_line(struct replay *replay, size_t item)
{
    struct demo *demo = replay->demo;
    const struct plan_order *plan = &demo->plan.orders.items[item];
    struct shop_order *order = &demo->orders[item];
    struct session *session = &demo->customers[plan->customer].session;
    if (order->next_line == plan->lines.count) {
        ask(replay, session, item, order_placed, "order.place",
            "{\"expectedTotal\":{\"amount\":%" PRId64 ",\"currency\":\"GBP\"},"
            "\"note\":\"invoice %.*s\"}",
            plan->total, STR_FMT(plan->invoice));
        return;
    }
    const struct plan_line *line = &plan->lines.items[order->next_line++];
    ask(replay, session, item, line_added, "cart.item.add",
        "{\"productId\":\"%.*s\",\"quantity\":%" PRId64 "}",
        STR_FMT(demo->products[line->product].id), line->quantity);
}

static bool may_start(const struct demo *demo, const struct plan_order *order)
{
    if (order->previous != PLAN_NONE && !demo->orders[order->previous].is_placed)
        return false;
    for (size_t i = 0; i < order->lines.count; i++) {
        const struct plan_line *line = &order->lines.items[i];
        const struct shop_product *product = &demo->products[line->product];
        if (product->era != line->era || !product->price_is_set)
            return false;
    }
    return true;
}

/* --- stock that comes and goes ------------------------------------------------------------------ */

static void stock_adjusted(void *context, size_t item, const struct answer *answer)
{
    (void)item;
    struct replay *replay = context;
    if (!web_expect(&replay->demo->web, "inventory.adjust", answer))
        return;
    replay->demo->tally.stock_moves++;
    replay->moved++;
    show_progress(replay);
}

static void adjust_stock(struct replay *replay, const struct plan_move *move)
{
    struct demo *demo = replay->demo;
    ask(replay, &demo->admin, 0, stock_adjusted, "inventory.adjust",
        "{\"productId\":\"%.*s\",\"delta\":%" PRId64 ",\"reason\":\"invoice %.*s\"}",
        STR_FMT(demo->products[move->product].id), move->delta, STR_FMT(move->invoice));
}

/* --- one step after the other ------------------------------------------------------------------- */

/* Starts the step if it may start. */
static bool start_step(struct replay *replay, size_t at)
{
    struct demo *demo = replay->demo;
    const struct plan_step *step = &demo->plan.steps.items[at];
    if (step->is_order && !may_start(demo, &demo->plan.orders.items[step->index]))
        return false;
    replay->is_started[at] = true;
    if (step->is_order)
        add_next_line(replay, step->index);
    else
        adjust_stock(replay, &demo->plan.moves.items[step->index]);
    return true;
}

static bool start_next(void *context)
{
    struct replay *replay = context;
    const size_t count = replay->demo->plan.steps.count;
    if (replay->nothing_new)
        return false;
    while (replay->first < count && replay->is_started[replay->first])
        replay->first++;
    const size_t end = count - replay->first > LOOKAHEAD ? replay->first + LOOKAHEAD : count;
    for (size_t at = replay->first; at < end; at++)
        if (!replay->is_started[at] && start_step(replay, at))
            return true;
    replay->nothing_new = true;
    return false;
}

void demo_replay(struct demo *demo)
{
    const struct plan *plan = &demo->plan;
    struct replay replay = {
        .demo = demo,
        .is_started = arena_array(&demo->arena, plan->steps.count, sizeof(bool)),
    };
    const int64_t began_us = clock_monotonic_us();
    demo->web.measure = &demo->morning;
    for (size_t i = 0; i < plan->products.count; i++)
        if (plan->products.items[i].eras.count > 0)
            begin_era(&replay, i, 0);
    web_run(&demo->web, start_next, &replay);
    demo->web.measure = NULL;
    demo->morning.micros = clock_monotonic_us() - began_us;
    demo_progress_done();
    if (!demo->web.failed && replay.placed != plan->orders.count)
        web_fail(&demo->web, "the replay came to a standstill at %zu of %zu orders", replay.placed,
                 plan->orders.count);
}
