/* cart.h - the cart: one document per user (its id is the user's id), its rules and its wire form.
 *
 * A cart promises neither a price nor stock. A line keeps the unit price at which it was last
 * written; every view shows the prices of today and lists what changed in issues[]. Nothing is
 * reserved before order.place.
 *
 * A cart is in one currency: that of its first line whose product is published and has its price in
 * one of shop.currencies or, while there is no such line, the first of shop.currencies. A line with
 * a price in another currency cannot be ordered. Views, changes and orders all ask cart_sells(). */
#ifndef CARTWRIGHT_WORKERS_CART_CART_H
#define CARTWRIGHT_WORKERS_CART_CART_H

#include "catalog/catalog.h"
#include "engine/job.h"
#include "inventory/stock.h"
#include "schemas/cart.h"
#include "settings.h"

/* Its error codes; those of the engine are in base/err.h. */
#define CART_ERROR_CODES(X)                                                                        \
    X(INSUFFICIENT_STOCK, 409, false)                                                              \
    X(NOT_PURCHASABLE, 409, false)                                                                 \
    X(QUANTITY_LIMIT, 409, false)
CART_ERROR_CODES(DECLARE_ERROR_CODE)

#define CART_QUANTITY_MAX 9999
#define CART_LINES_MAX    200

/* A need: the caller's cart; a new and empty one, which is not stored yet, when there is none. */
bool cart_of_caller(struct job *job, enum access access, struct cart **out);

/* The products and stocks of all lines, by the index of the line. */
struct cart_goods {
    struct product **products; /* an item is NULL when the product is gone */
    struct stock **stocks;
    size_t count;
    struct str currency; /* of the cart */
    bool is_decided;     /* a line decides the currency: nothing in another one can be added */
};

/* A need, collected over all lines, so that one round loads them all. */
bool cart_goods(struct job *job, const struct cart *cart, struct cart_goods *out);
/* The same for an order: the stocks come from DOC_FOR_UPDATE, and the products are as recent as the
 * stocks demand, so that the guards of the stocks prove price and status. */
bool cart_goods_to_order(struct job *job, const struct cart *cart, struct cart_goods *out);

/* True when the product can be ordered in this cart, as far as its price and status go. False for
 * NULL. */
bool cart_sells(const struct shop_settings *settings, const struct cart_goods *goods,
                const struct product *product);

/* The line of the product; NULL when it is not in the cart. */
struct cart_line *cart_line_of(const struct cart *cart, struct str product_id);
/* Adds a line, or replaces the quantity of the product's line. Either way the line gets the
 * price of `product`. */
void cart_put(struct arena *arena, struct cart *cart, const struct product *product,
              int64_t quantity);
/* Removes the product's line; the other lines keep their order. False when it is not in the
 * cart. */
bool cart_remove(struct cart *cart, struct str product_id);

/* Refuses with NOT_PURCHASABLE, QUANTITY_LIMIT or INSUFFICIENT_STOCK when the cart may not hold
 * `quantity` of the product. `product` may be NULL (then it is not purchasable), and so may its
 * `stock` (nothing is available). */
MUST_CHECK enum outcome cart_check(struct job *job, const struct cart *cart,
                                   const struct cart_goods *goods, const struct product *product,
                                   const struct stock *stock, int64_t quantity, struct err *err);
/* Ends every change of a cart: stores it and emits cart.updated; *out is what to show of it. Returns
 * NEED as a handler does. */
MUST_CHECK enum outcome cart_store(struct job *job, struct cart *cart,
                                   const struct cart_view **out);
/* The same, and replies the cart. */
enum outcome cart_save(struct job *job, struct cart *cart);
/* Puts `quantity` more of the product into the caller's cart and stores that. Refuses as
 * cart_check() does; returns NEED as a handler does. */
MUST_CHECK enum outcome cart_add(struct job *job, const struct product *product, int64_t quantity,
                                 const struct cart_view **out, struct err *err);

/* --- the wire form "Cart" -------------------------------------------------------------------------- */

/* A line whose product is gone, not published or not sold in the cart's currency is "unavailable":
 * it is shown with its stored price and nothing available, and the total does not count it, because
 * it cannot be ordered. The same goes for a line that would carry the total out of int64. */
struct cart_view *cart_view(const struct shop_settings *settings, struct arena *arena,
                            const struct cart *cart, const struct cart_goods *goods);

extern const struct domain cart_domain;

#endif
