/* stock_moved.c - what follows from every move of stock: events, and the product's in_stock. */
#include "catalog/catalog.h"
#include "inventory/stock.h"
#include "settings.h"

/* product.in_stock is a copy for filters, so it changes only when availability begins or ends: a
 * busy product is not written with every order. product.updated tells, and makes cached lists
 * stale. */
static bool product_follows(struct job *job, const struct stock *stock)
{
    struct product *product = NULL;
    struct category *category = NULL;
    if (!product_by_id(job, stock->product_id, FOR_UPDATE, &product))
        return false;
    const bool in_stock = stock_available(stock) > 0;
    if (!product || product->in_stock == in_stock)
        return true;
    if (!category_of_product(job, product, &category))
        return false;
    product->in_stock = in_stock;
    job_changed(job, product);
    emit(job, "product.updated", product->head.id, product->head.version, &product_view_shape,
         product_view(job, product, category, stock));
    return true;
}

bool stock_moved(struct job *job, struct stock *stock, int64_t available_before)
{
    const int64_t available = stock_available(stock);
    if ((available_before > 0) != (available > 0) && !product_follows(job, stock))
        return false;

    job_changed(job, stock);
    const struct stock_view *view = stock_view(job, stock);
    emit_latest(job, "stock.changed", stock->product_id, stock->head.version, &stock_view_shape,
                view);
    const char *alarm = stock_alarm(available_before, available, shop_settings(job)->low_stock);
    if (alarm)
        emit(job, alarm, stock->product_id, stock->head.version, &stock_view_shape, view);
    return true;
}
