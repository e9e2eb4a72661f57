/* order_move.c - the life cycle of an order, and what each step does to the stock. */
#include "order/order.h"

static const struct order_edge edges[] = {
    {ORDER_PENDING, ORDER_PAID, STOCK_STAYS},
    {ORDER_PENDING, ORDER_CANCELLED, STOCK_RELEASE},
    {ORDER_PAID, ORDER_PROCESSING, STOCK_STAYS},
    {ORDER_PAID, ORDER_CANCELLED, STOCK_RELEASE},
    {ORDER_PROCESSING, ORDER_SHIPPED, STOCK_CONSUME},
    {ORDER_PROCESSING, ORDER_CANCELLED, STOCK_RELEASE},
    {ORDER_SHIPPED, ORDER_DELIVERED, STOCK_STAYS},
};

const struct order_edge *order_edge(enum order_status from, enum order_status to)
{
    for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        if (edges[i].from == from && edges[i].to == to)
            return &edges[i];
    return NULL;
}

bool order_may_cancel(enum order_status status, enum who who)
{
    if (who < CUSTOMER || !order_edge(status, ORDER_CANCELLED))
        return false;
    return who >= ADMIN || status == ORDER_PENDING || status == ORDER_PAID;
}

/* A need: the stocks of all lines, loaded in one round. */
static bool stocks_of(struct job *job, const struct order *order, struct stock **out)
{
    bool loaded = true;
    for (size_t i = 0; i < order->items.count; i++)
        loaded = stock_by_sku(job, order->items.items[i].sku, DOC_FOR_UPDATE, &out[i]) && loaded;
    return loaded;
}

enum outcome order_move_stock(struct job *job, const struct order *order, enum stock_move move,
                              struct err *err)
{
    struct stock **stocks = arena_array(job_arena(job), order->items.count, sizeof(struct stock *));
    NEED(job, stocks_of(job, order, stocks));
    bool loaded = true;
    for (size_t i = 0; i < order->items.count; i++) {
        const struct order_line *line = &order->items.items[i];
        if (!stocks[i] || !stock_move(stocks[i], move, line->quantity))
            return err_bug(err, "stock %.*s does not hold what order %.*s says", STR_FMT(line->sku),
                           STR_FMT(order->number));
        loaded = stock_moved(job, stocks[i], move, line->quantity, order->head.id) && loaded;
    }
    return loaded ? OUTCOME_DONE : OUTCOME_NEED;
}

enum outcome order_move(struct job *job, struct order *order, const struct order_edge *edge,
                        struct str note, struct err *err)
{
    if (edge->move != STOCK_STAYS)
        TRY(order_move_stock(job, order, edge->move, err));
    order_add_step(job_arena(job), order, edge->to, job_now(job), job_caller(job)->id, note);
    job_changed(job, order);
    emit(job, &order_status_changed, order, order);
    if (edge->to == ORDER_CANCELLED)
        emit(job, &order_cancelled, order, order);
    return reply(job, &order_view_schema, order);
}
