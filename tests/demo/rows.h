/* rows.h - between the rows of the file and the plan: invoices with their lines, not yet orders. */
#ifndef CARTWRIGHT_DEMO_ROWS_H
#define CARTWRIGHT_DEMO_ROWS_H

#include "base/map.h"
#include "demo/plan.h"

struct sale {
    size_t product;
    int64_t quantity;
    int64_t price;
};

struct invoice {
    struct str number;
    size_t customer; /* PLAN_NONE until its first sale */
    int64_t minute;
    size_t position; /* keeps the file's order among invoices of one minute */
    bool is_cancelled;
    GROWING(struct sale) sales;
    GROWING(struct plan_move) moves;
};

/* Indexes are kept in maps as index + 1, since NULL means absent. */
struct reader {
    struct plan *plan;
    struct map product_of;
    struct map customer_of;
    struct map invoice_of;
    GROWING(struct invoice) invoices;
};

/* Fills the plan's products and customers and the reader's invoices, in the order of the file. */
MUST_CHECK enum outcome rows_read(const char *path, struct plan *plan, struct reader *out,
                                  struct err *err);

#endif
