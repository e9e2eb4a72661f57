/* stock_change.c - an admin changes what is on hand; a document keeps who did it, how much and
 * why. */
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
    DOC_SHAPE("Stock adjustment", struct stock_adjustment, adjustment_fields);

static const struct doc_index adjustment_indexes[] = {
    {.name = "sku_createdAt", .keys = "sku:1,createdAt:-1"},
};

const struct doc_type stock_adjustment_type = {
    .collection = "stockAdjustments",
    .shape = &adjustment_shape,
    .indexes = adjustment_indexes,
    .index_count = sizeof(adjustment_indexes) / sizeof(adjustment_indexes[0]),
};

static void keep_adjustment(struct job *job, struct str id, const struct stock *stock,
                            int64_t delta, struct str reason)
{
    struct stock_adjustment *adjustment = ARENA_NEW(job_arena(job), struct stock_adjustment);
    *adjustment = (struct stock_adjustment){
        .head.id = id,
        .sku = stock->head.id,
        .by = job_caller(job)->id,
        .delta = delta,
        .on_hand = stock->on_hand,
        .reason = reason,
    };
    job_insert(job, &stock_adjustment_type, adjustment);
}

enum outcome stock_change(struct job *job, struct stock *stock, int64_t delta, struct str reason,
                          struct err *err)
{
    if (!stock_move(stock, STOCK_ADJUST, delta))
        return err_refuse(err, E_NEGATIVE_STOCK,
                          "%" PRId64 " are on hand and %" PRId64 " of them are reserved",
                          stock->on_hand, stock->reserved);
    if (delta != 0) {
        const struct str id = job_new_id(job);
        NEED(job, stock_moved(job, stock, STOCK_ADJUST, delta, id));
        keep_adjustment(job, id, stock, delta, reason);
    }
    return reply(job, &stock_view_shape, stock_view(job, stock));
}
