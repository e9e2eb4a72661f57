/* audit.c - reads everything back and lays it beside the file: orders, money, stock, histories, and
 * what the audience has heard. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "demo/demo.h"

#define BODY_MAX   128
#define HEAR_MS    30000 /* for the last notifications to come */
#define LISTEN_MS  100
#define PAGE_LIMIT 4 /* orders of 200 lines each: JSON_NODES_MAX is 10,000 values */

struct audit {
    struct demo *demo;
    size_t next;
};

static void check(struct demo *demo, const char *what, int64_t expected, int64_t found,
                  bool is_money)
{
    if (demo->check_count == DEMO_CHECKS_MAX)
        panic("over %d checks", DEMO_CHECKS_MAX);
    demo->checks[demo->check_count++] = (struct check){what, expected, found, is_money};
}

static void ask(struct audit *audit, struct session *session, size_t item, const char *operation,
                const char *body, answered *then)
{
    web_send(&audit->demo->web, &(struct ask){.operation = operation,
                                              .session = session,
                                              .body = str_of(body),
                                              .then = then,
                                              .context = audit,
                                              .item = item});
}

/* --- stock ------------------------------------------------------------------------------------- */

static void stock_read(void *context, size_t item, const struct answer *answer)
{
    struct audit *audit = context;
    struct demo *demo = audit->demo;
    if (!web_expect(&demo->web, "inventory.get", answer))
        return;
    demo->products[item].on_hand = json_int(json_member(answer->data, "onHand"), -1);
    demo->products[item].reserved = json_int(json_member(answer->data, "reserved"), -1);
}

static bool start_stock(void *context)
{
    struct audit *audit = context;
    struct demo *demo = audit->demo;
    char body[BODY_MAX];
    if (audit->next == demo->plan.products.count)
        return false;
    snprintf(body, sizeof(body), "{\"productId\":\"%.*s\"}",
             STR_FMT(demo->products[audit->next].id));
    ask(audit, &demo->admin, audit->next, "inventory.get", body, stock_read);
    audit->next++;
    return true;
}

/* initial - reserved + returned, and shipped goods are gone from both sides */
static bool stock_agrees(const struct plan_product *plan, const struct shop_product *product)
{
    const int64_t reserved =
        product->base_reserved + plan->sold + product->rush_sold - product->shipped;
    const int64_t on_hand =
        product->base_reserved + plan_on_hand(plan) + product->rush_stock - product->shipped;
    return product->on_hand == on_hand && product->reserved == reserved;
}

static void audit_stock(struct demo *demo)
{
    struct audit audit = {.demo = demo};
    web_run(&demo->web, start_stock, &audit);
    int64_t right = 0;
    int64_t sold = 0;
    int64_t reserved = 0;
    for (size_t i = 0; i < demo->plan.products.count; i++) {
        const struct shop_product *product = &demo->products[i];
        right += stock_agrees(&demo->plan.products.items[i], product);
        sold += demo->plan.products.items[i].sold + product->rush_sold;
        reserved += product->reserved - product->base_reserved + product->shipped;
    }
    check(demo, "products whose stock is what the file leaves", (int64_t)demo->plan.products.count,
          right, false);
    check(demo, "units taken out of stock by orders", sold, reserved, false);
}

/* --- histories --------------------------------------------------------------------------------- */

static void page_read(void *context, size_t item, const struct answer *answer);

static void ask_page(struct audit *audit, size_t item)
{
    struct shop_customer *customer = &audit->demo->customers[item];
    char body[BODY_MAX];
    snprintf(body, sizeof(body), "{\"page\":%" PRId64 ",\"limit\":%d}", ++customer->pages,
             PAGE_LIMIT);
    ask(audit, &customer->session, item, "order.list", body, page_read);
}

/* The newest orders are this run's. */
static void page_read(void *context, size_t item, const struct answer *answer)
{
    struct audit *audit = context;
    struct shop_customer *customer = &audit->demo->customers[item];
    if (!web_expect(&audit->demo->web, "order.list", answer))
        return;
    customer->orders =
        json_int(json_member(answer->data, "totalItems"), -1) - customer->base_orders;
    const struct json *items = json_member(answer->data, "items");
    const size_t count = json_count(items);
    for (size_t i = 0; i < count && customer->left > 0; i++, customer->left--)
        customer->total += json_int(json_at(json_element(items, i), "/total/amount"), 0);
    if (customer->left > 0 && count > 0)
        ask_page(audit, item);
}

static bool start_history(void *context)
{
    struct audit *audit = context;
    if (audit->next == audit->demo->plan.customers.count)
        return false;
    struct shop_customer *customer = &audit->demo->customers[audit->next];
    customer->left = customer->expected_orders;
    ask_page(audit, audit->next++);
    return true;
}

static void audit_histories(struct demo *demo)
{
    struct audit audit = {.demo = demo};
    web_run(&demo->web, start_history, &audit);
    int64_t right = 0;
    int64_t total = 0;
    for (size_t i = 0; i < demo->plan.customers.count; i++) {
        const struct shop_customer *customer = &demo->customers[i];
        right += customer->orders == customer->expected_orders &&
                 customer->total == customer->expected_total;
        total += customer->total;
    }
    check(demo, "customers whose order history agrees", (int64_t)demo->plan.customers.count, right,
          false);
    check(demo, "money in the customers' order histories", demo->plan.revenue, total, true);
}

/* --- what the replies said --------------------------------------------------------------------- */

static void audit_orders(struct demo *demo)
{
    int64_t right = 0;
    for (size_t i = 0; i < demo->plan.orders.count; i++)
        right += demo->orders[i].agrees;
    int64_t rows = 0; /* added up row by row, so that a fault in making orders would show */
    for (size_t i = 0; i < demo->plan.products.count; i++)
        rows += demo->plan.products.items[i].revenue;
    check(demo, "orders placed", (int64_t)demo->plan.orders.count, demo->tally.placed, false);
    check(demo, "orders right to the penny, line by line", (int64_t)demo->plan.orders.count, right,
          false);
    check(demo, "revenue", rows, demo->tally.revenue, true);
    check(demo, "returns and counts booked into stock", (int64_t)demo->plan.moves.count,
          demo->tally.stock_moves, false);
}

/* Of each product's rivals exactly one got it, unless there was enough for all. */
static void audit_late(struct demo *demo)
{
    int64_t right = 0;
    for (size_t w = 0; w < demo->plan.wanted_count; w++) {
        const struct late_shopper *rivals = &demo->late[w * LATE_RIVALS];
        int64_t got = 0;
        int64_t refused = 0;
        for (size_t i = 0; i < LATE_RIVALS; i++) {
            got += rivals[i].got_it;
            refused += rivals[i].was_refused;
        }
        const int64_t left =
            plan_available(&demo->plan.products.items[demo->plan.wanted[w]]) / rivals[0].wants;
        right += got == (left < LATE_RIVALS ? left : LATE_RIVALS) && got + refused == LATE_RIVALS;
    }
    check(demo, "races for the last pieces with the right winners",
          (int64_t)demo->plan.wanted_count, right, false);
    check(demo, "late orders cancelled by their customers", demo->tally.late_placed,
          demo->tally.cancelled, false);
}

/* --- what was heard ---------------------------------------------------------------------------- */

static bool heard_on_both(const struct demo *demo, const char *kind, struct str id,
                          const char *status)
{
    char channel[2][64];
    snprintf(channel[0], sizeof(channel[0]), "inapp.%s", kind);
    snprintf(channel[1], sizeof(channel[1]), "email.%s", kind);
    return audience_heard(&demo->audience, channel[0], id, status) &&
           audience_heard(&demo->audience, channel[1], id, status);
}

struct hearing {
    int64_t confirmations; /* orders of which customers were told, in-app and by email */
    int64_t events;        /* orders whose order.placed came */
    int64_t moves;         /* status changes of which customers were told */
};

static void hear_order(const struct demo *demo, struct str id, struct hearing *hearing)
{
    hearing->confirmations += heard_on_both(demo, "order_placed", id, NULL);
    hearing->events += audience_heard(&demo->audience, "order.placed", id, "pending");
    static const char *const statuses[] = {"paid", "processing", "shipped", "delivered",
                                           "cancelled"};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        hearing->moves += heard_on_both(demo, "order_status_changed", id, statuses[i]);
}

static struct hearing hear(const struct demo *demo)
{
    struct hearing hearing = {0};
    for (size_t i = 0; i < demo->plan.orders.count; i++)
        hear_order(demo, demo->orders[i].id, &hearing);
    for (size_t i = 0; i < demo->late_count; i++)
        if (demo->late[i].got_it)
            hear_order(demo, demo->late[i].order_id, &hearing);
    for (size_t i = 0; i < demo->rush_orders.count; i++)
        hear_order(demo, demo->rush_orders.items[i], &hearing);
    return hearing;
}

/* Notifications follow the orders, so the last ones are waited for. */
static void audit_audience(struct demo *demo)
{
    const int64_t orders =
        demo->tally.placed + demo->tally.late_placed + (int64_t)demo->rush_orders.count;
    const int64_t deadline_us = clock_monotonic_us() + HEAR_MS * 1000LL;
    struct hearing hearing = hear(demo);
    while ((hearing.confirmations < orders || hearing.events < orders ||
            hearing.moves < demo->tally.status_changes) &&
           !demo->audience.is_lost && clock_monotonic_us() < deadline_us) {
        audience_listen(&demo->audience, LISTEN_MS);
        hearing = hear(demo);
    }
    audience_listen(&demo->audience, LISTEN_MS); /* is there anything too many? */
    check(demo, "order.placed events heard", orders, hearing.events, false);
    check(demo, "orders confirmed in-app and by email", orders, hearing.confirmations, false);
    check(demo, "status changes told in-app and by email", demo->tally.status_changes,
          hearing.moves, false);
    check(demo, "notifications sent twice", 0, demo->audience.repeated, false);
}

void demo_audit(struct demo *demo)
{
    audit_orders(demo);
    audit_stock(demo);
    audit_histories(demo);
    audit_late(demo);
    if (demo->rush_seconds)
        check(demo, "revenue of the rush hour", demo->tally.rush_expected, demo->tally.rush_revenue,
              true);
    audit_audience(demo);
}
