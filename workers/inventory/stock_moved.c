/* stock_moved.c - what follows from every move of stock: the ledger entry, the events, and the
 * product's in_stock. */
#include "catalog/catalog.h"
#include "inventory/stock.h"
#include "settings.h"

/* A need. product.in_stock is a copy for filters, so it changes only when availability begins or
 * ends: a busy product is not written with every order. product.updated tells of the change and
 * makes cached lists stale. */
static bool product_follows(struct job *job, const struct stock *stock)
{
    struct product *product = NULL;
    struct category *category = NULL;
    if (!product_by_id(job, stock->product_id, DOC_FOR_UPDATE, &product))
        return false;
    const bool in_stock = stock_available(stock) > 0;
    if (!product)
        return true;
    /* Nothing is written, so no guard would notice that the product has changed meanwhile. */
    if (product->in_stock == in_stock)
        return product_by_id(job, stock->product_id, DOC_CHECKED, &product);
    if (!category_of_product(job, product, &category))
        return false;
    product->in_stock = in_stock;
    job_changed(job, product);
    emit(job, &product_updated, product, product_view(job, product, category, stock));
    return true;
}

/* `stock` must be as it is after the move, its version included. */
static void keep_movement(struct job *job, const struct stock *stock, enum stock_move move,
                          int64_t quantity, struct str cause)
{
    struct stock_movement *movement = ARENA_NEW(job_arena(job), struct stock_movement);
    *movement = stock_movement_of(stock, move, quantity, cause);
    job_append(job, &stock_ledger, movement);
}

static const struct stock_view *record(struct job *job, const struct stock *stock,
                                       enum stock_move move, int64_t quantity, struct str cause)
{
    const struct stock_view *view = stock_view(job, stock);
    keep_movement(job, stock, move, quantity, cause);
    emit(job, &stock_changed, stock, view);
    return view;
}

struct stock *stock_open(struct job *job, struct str sku, struct str product_id, int64_t on_hand)
{
    struct stock *stock = ARENA_NEW(job_arena(job), struct stock);
    *stock = (struct stock){
        .head.id = sku, .product_id = product_id, .on_hand = on_hand, .product_version = 1};
    job_insert(job, &stock_type, stock);
    record(job, stock, STOCK_OPEN, on_hand, product_id);
    return stock;
}

/* The quantities stay as they are, so no event of the stock is emitted: consumers are told by
 * product.updated. */
void stock_offer(struct job *job, struct stock *stock, int64_t product_version)
{
    stock->product_version = product_version;
    job_changed(job, stock);
    keep_movement(job, stock, STOCK_OFFER, 0, stock->product_id);
}

bool stock_moved(struct job *job, struct stock *stock, enum stock_move move, int64_t quantity,
                 struct str cause)
{
    const struct stock_effect effect = stock_effect_of(move);
    const int64_t available = stock_available(stock);
    const int64_t before = available - (effect.on_hand - effect.reserved) * quantity;
    if ((before > 0) != (available > 0) && !product_follows(job, stock))
        return false;

    job_changed(job, stock);
    const struct stock_view *view = record(job, stock, move, quantity, cause);
    const struct event_type *alarm = stock_alarm(before, available, shop_settings(job)->low_stock);
    if (alarm)
        emit(job, alarm, stock, view);
    return true;
}
