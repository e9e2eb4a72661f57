/* stock_change.c - an admin changes what is on hand; a document keeps who did it, how much and
 * why. */
#include "inventory/stock.h"
#include "request.h"

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
    return reply(job, &stock_view_schema, stock_view(job, stock));
}
