/* stock_change.c - an admin changes what is on hand; the ledger keeps who, how much and why. */
#include "errors.h"
#include "inventory/stock.h"
#include "request.h"

static const struct field adjustment_fields[] = {
    DOC_FIELDS(struct stock_adjustment, FIELD_ID),
    {.name = "sku", .kind = FIELD_STR, .offset = offsetof(struct stock_adjustment, sku)},
    {.name = "by", .kind = FIELD_ID, .offset = offsetof(struct stock_adjustment, by)},
    {.name = "delta", .kind = FIELD_INT, .offset = offsetof(struct stock_adjustment, delta)},
    {.name = "onHand", .kind = FIELD_INT, .offset = offsetof(struct stock_adjustment, on_hand)},
    {.name = "reason",
     .kind = FIELD_STR,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct stock_adjustment, reason)},
};

static const struct shape adjustment_shape =
    SHAPE("Stock adjustment", struct stock_adjustment, adjustment_fields);

static const struct doc_index adjustment_indexes[] = {
    {.name = "sku_createdAt", .keys = "sku:1,createdAt:-1"},
};

const struct doc_type stock_adjustment_type = {
    .collection = "stockAdjustments",
    .shape = &adjustment_shape,
    .indexes = adjustment_indexes,
    .index_count = sizeof(adjustment_indexes) / sizeof(adjustment_indexes[0]),
};

static void write_ledger(struct job *job, const struct stock *stock, int64_t delta,
                         struct str reason)
{
    struct stock_adjustment *line = ARENA_NEW(job_arena(job), struct stock_adjustment);
    *line = (struct stock_adjustment){
        .head.id = job_new_id(job),
        .sku = stock->head.id,
        .by = job_caller(job)->id,
        .delta = delta,
        .on_hand = stock->on_hand,
        .reason = reason,
    };
    job_insert(job, &stock_adjustment_type, line);
}

enum outcome stock_change(struct job *job, struct stock *stock, int64_t delta, struct str reason,
                          struct err *err)
{
    const int64_t before = stock_available(stock);
    if (!stock_adjust(stock, delta))
        return refuse(err, NEGATIVE_STOCK,
                      "%" PRId64 " are on hand and %" PRId64 " of them are reserved",
                      stock->on_hand, stock->reserved);
    if (delta != 0) {
        NEED(job, stock_moved(job, stock, before));
        write_ledger(job, stock, delta, reason);
    }
    return reply(job, &stock_view_shape, stock_view(job, stock));
}
