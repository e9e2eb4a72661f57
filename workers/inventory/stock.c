/* stock.c - stock: how it is found, what is available of it, and its wire form. */
#include "inventory/stock.h"

#include "catalog/catalog.h"
#include "settings.h"

bool stock_by_sku(struct job *job, struct str sku, enum access access, struct stock **out)
{
    return job_doc(job, &stock_type, sku, access, (void **)out);
}

enum outcome stock_of_product(struct job *job, struct str product_id, enum access access,
                              struct stock **out, struct err *err)
{
    struct product *product = NULL;
    struct stock *stock = NULL;
    NEED(job, product_by_id(job, product_id, DOC_READ, &product));
    if (!product)
        return err_refuse(err, E_NOT_FOUND, "there is no such product");
    NEED(job, stock_by_sku(job, product->sku, access, &stock));
    if (!stock)
        return err_bug(err, "product %.*s has no stock document", STR_FMT(product_id));
    *out = stock;
    return OUTCOME_DONE;
}

int64_t stock_available(const struct stock *stock)
{
    return stock ? stock->on_hand - stock->reserved : 0;
}

enum stock_status stock_status_of(int64_t available, int64_t low_threshold)
{
    if (available <= 0)
        return STOCK_OUT_OF_STOCK;
    return available <= low_threshold ? STOCK_LOW_STOCK : STOCK_IN_STOCK;
}

struct stock_ref stock_ref_of(const struct job *job, int64_t available)
{
    const enum stock_status status = stock_status_of(available, shop_settings(job)->low_stock);
    return (struct stock_ref){.available = available, .status = (int)status};
}

struct stock_view *stock_view(struct job *job, const struct stock *stock)
{
    struct stock_view *view = ARENA_NEW(job_arena(job), struct stock_view);
    *view = (struct stock_view){
        .product_id = stock->product_id,
        .sku = stock->head.id,
        .on_hand = stock->on_hand,
        .reserved = stock->reserved,
        .available = stock_available(stock),
        .version = stock->head.version,
    };
    return view;
}

const struct event_type *stock_alarm(int64_t before, int64_t after, int64_t low_threshold)
{
    const enum stock_status was = stock_status_of(before, low_threshold);
    const enum stock_status is = stock_status_of(after, low_threshold);
    if (is == STOCK_OUT_OF_STOCK && was != STOCK_OUT_OF_STOCK)
        return &stock_out;
    return is == STOCK_LOW_STOCK && was == STOCK_IN_STOCK ? &stock_low : NULL;
}
