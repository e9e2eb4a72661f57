/* cart.h - the cart: one document per user (its id is the user's), its rules and its wire form.
 *
 * A cart promises a price, not stock: lines keep the unit price at which they were last written;
 * every view prices anew and lists what changed in issues[]. Nothing is reserved before
 * order.place. */
#ifndef CARTWRIGHT_WORKERS_CART_CART_H
#define CARTWRIGHT_WORKERS_CART_CART_H

#include "catalog/catalog.h"
#include "inventory/stock.h"
#include "worker/job.h"

#define CART_QUANTITY_MAX 9999
#define CART_LINES_MAX    200

struct cart_line {
    struct str product_id;
    struct str sku;
    int64_t quantity;
    struct money unit_price; /* when the line was last written */
};

struct cart {
    struct doc_head head; /* head.id is the user's id */
    LIST(struct cart_line) lines;
};

extern const struct doc_type cart_type;

/* The caller's cart; NULL when there is none yet. */
bool cart_of_caller(struct job *job, enum access access, struct cart **out);
/* The products and stocks of all lines, by index of the line. Needs are collected over all lines. */
struct cart_goods {
    struct product **products; /* an item is NULL when the product is gone */
    struct stock **stocks;
    size_t count;
};
bool cart_goods(struct job *job, const struct cart *cart, enum access stock_access,
                struct cart_goods *out);

struct cart_line *cart_line_of(struct cart *cart, struct str product_id); /* NULL when not in it */
/* Adds or replaces the product's line. */
void cart_put(struct job *job, struct cart *cart, const struct product *product, int64_t quantity);
void cart_remove(struct cart *cart, struct str product_id);

/* --- the wire form "Cart" -------------------------------------------------------------------------- */

struct cart_line_view {
    struct str product_id;
    struct str sku;
    struct str name;
    int64_t quantity;
    struct money unit_price; /* today's */
    struct money line_total;
    int64_t available;
};

struct cart_issue {
    struct str code; /* "price_changed", "insufficient_stock", "unavailable" */
    struct str product_id;
    struct str message;
};

struct cart_view {
    struct str id;
    int64_t version;
    LIST(struct cart_line_view) items;
    struct money total; /* null on the wire when empty */
    LIST(struct cart_issue) issues;
    int64_t updated_at;
};

extern const struct shape cart_view_shape;

/* cart NULL: the empty cart of the caller (version 0, updatedAt now). */
struct cart_view *cart_view(struct job *job, const struct cart *cart,
                            const struct cart_goods *goods);

extern const struct worker cart_worker;

#endif
