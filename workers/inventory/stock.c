/* stock.c - stock: document, arithmetic and wire form. Every move keeps 0 <= reserved <= onHand. */
#include "inventory/stock.h"

#include "catalog/catalog.h"

const char *const stock_status_names[] = {"in_stock", "low_stock", "out_of_stock", NULL};

static const struct field stock_fields[] = {
    DOC_FIELDS(struct stock, FIELD_STR),
    {.name = "productId", .kind = FIELD_ID, .offset = offsetof(struct stock, product_id)},
    {.name = "onHand", .kind = FIELD_INT, .offset = offsetof(struct stock, on_hand)},
    {.name = "reserved", .kind = FIELD_INT, .offset = offsetof(struct stock, reserved)},
    {.name = "productVersion",
     .kind = FIELD_INT,
     .fallback = "0",
     .offset = offsetof(struct stock, product_version)},
};

static const struct shape stock_shape = DOC_SHAPE("Stock document", struct stock, stock_fields);

const struct doc_type stock_type = {.collection = "stock", .shape = &stock_shape};

static const struct field stock_view_fields[] = {
    {.name = "productId", .kind = FIELD_ID, .offset = offsetof(struct stock_view, product_id)},
    {.name = "sku", .kind = FIELD_STR, .offset = offsetof(struct stock_view, sku)},
    {.name = "onHand", .kind = FIELD_INT, .offset = offsetof(struct stock_view, on_hand)},
    {.name = "reserved", .kind = FIELD_INT, .offset = offsetof(struct stock_view, reserved)},
    {.name = "available", .kind = FIELD_INT, .offset = offsetof(struct stock_view, available)},
    {.name = "version", .kind = FIELD_INT, .offset = offsetof(struct stock_view, version)},
};

const struct shape stock_view_shape = SHAPE("Stock", struct stock_view, stock_view_fields);

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
        return STOCK_OUT;
    return available <= low_threshold ? STOCK_LOW : STOCK_IN;
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

const char *stock_alarm(int64_t before, int64_t after, int64_t low_threshold)
{
    const enum stock_status was = stock_status_of(before, low_threshold);
    const enum stock_status is = stock_status_of(after, low_threshold);
    if (is == STOCK_OUT && was != STOCK_OUT)
        return "stock.out";
    return is == STOCK_LOW && was == STOCK_IN ? "stock.low" : NULL;
}
