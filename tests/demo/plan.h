/* plan.h - what a file of invoices means for the shop; pure, no server is asked.
 *
 * Row by row:
 *   quantity > 0, price > 0 or a customer   a sale: a line of an order
 *   invoice C..., or quantity < 0 at a price  a return: goods go back to stock, money is refunded
 *   price 0 and no customer, or quantity < 0  a count: stock found (> 0) or lost (< 0)
 *   anything else (no code, price < 0)        ignored, and counted as such
 *
 * A StockCode, exactly as written, is a product. Codes without a digit (POST, D, M) are services:
 * they can be sold, but a return of one gives money only. A customer is an account; an invoice
 * without a customer gets an account of its own.
 *
 * An invoice is one order where it can be. A line goes into the first order of its invoice that can
 * take it: an order holds a product once, at one price, at most 9,999 of it, and 200 lines.
 *
 * A product's price changes over the file. All orders that use one price are an era of the product;
 * the next era begins when they are all placed, so that prices agree however orders overlap. */
#ifndef CARTWRIGHT_DEMO_PLAN_H
#define CARTWRIGHT_DEMO_PLAN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define PLAN_QUANTITY_MAX 9999 /* of one product in a cart: QUANTITY_LIMIT */
#define PLAN_LINES_MAX    200  /* of a cart: QUANTITY_LIMIT */
#define PLAN_SPARE        24   /* units of a product that nobody in the file wants */
#define PLAN_SPARE_WANTED 3    /* the same of the products that late shoppers want */
#define PLAN_WANTED       3    /* how many products those are: the best selling ones */
#define PLAN_NONE         SIZE_MAX

#define GROWING(type)                                                                              \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

/* Makes room for one more item and counts it; the item is zeroed. A statement. */
#define GROW(arena, list)                                                                          \
    ((list)->items = arena_grow((arena), (list)->items, (list)->count, sizeof(*(list)->items),     \
                                &(list)->capacity),                                                \
     (list)->count++)

struct plan_era {
    int64_t price; /* pence */
    size_t uses;   /* order lines at this price */
};

struct plan_product {
    struct str sku;
    struct str name;
    const char *category;
    int64_t first_price;
    GROWING(struct plan_era) eras; /* none when it is never sold */
    int64_t sold;
    int64_t returned;
    int64_t found;
    int64_t lost;
    int64_t start; /* units on hand when the doors open: all orders can be filled */
    int64_t revenue;
};

struct plan_customer {
    struct str email;
    struct str name;
};

struct plan_line {
    size_t product;
    size_t era;
    int64_t quantity;
    int64_t price;
};

struct plan_order {
    struct str invoice;
    size_t customer;
    size_t previous; /* order of the same customer, or PLAN_NONE */
    GROWING(struct plan_line) lines;
    int64_t total;
};

/* Stock that moves without an order. */
struct plan_move {
    struct str invoice;
    size_t product;
    int64_t delta;
};

/* One thing that happens, in the order of the file's time. */
struct plan_step {
    bool is_order;
    size_t index; /* among orders or moves */
};

struct plan {
    struct arena *arena;
    GROWING(struct plan_product) products;
    GROWING(struct plan_customer) customers;
    GROWING(struct plan_order) orders;
    GROWING(struct plan_move) moves;
    GROWING(struct plan_step) steps;
    size_t wanted[PLAN_WANTED]; /* products that late shoppers fight for */
    size_t wanted_count;
    size_t rows;
    size_t invoices;       /* with at least one sale */
    size_t split_invoices; /* that became several orders */
    size_t cancellations;  /* invoices C... */
    size_t ignored_rows;
    size_t rounded_prices;   /* rows with a price that is not whole pence */
    int64_t revenue;         /* of all orders, pence */
    int64_t refunds;         /* money of returns, pence */
    int64_t services_refund; /* the part of it for which no goods came back */
};

MUST_CHECK enum outcome plan_read(const char *path, struct arena *arena, struct plan *out,
                                  struct err *err);

/* Units of a product that are reserved by the file's orders, and on hand after them. */
static inline int64_t plan_on_hand(const struct plan_product *product)
{
    return product->start + product->returned + product->found - product->lost;
}

static inline int64_t plan_available(const struct plan_product *product)
{
    return plan_on_hand(product) - product->sold;
}

/* --- parts, tested by themselves ------------------------------------------------------------- */

/* "2.55" to 255, half a penny rounded up; *whole is false when it had to be rounded. false: not a
 * decimal number. */
bool plan_pence(struct str text, int64_t *out, bool *whole);
/* "12/1/2010 8:26" (month first) to a number that sorts; false on any other form. */
bool plan_minute(struct str text, int64_t *out);
/* Goods have a digit in their code; POST, D, M, BANK CHARGES and the like are services. */
bool plan_is_goods(struct str code);
/* The category that a description's words suggest; "Everything else" when none does. */
const char *plan_category(struct str description);
extern const char *const plan_categories[]; /* ended by NULL */

#endif
