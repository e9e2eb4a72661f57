/* invariants.c - carts keep their limits. (That a user has one cart needs no check: the id of the
 * cart is the user's.) */
#include "cart/invariants.h"

#include "cart/cart.h"

static void check_line(struct check *check, const struct cart *cart, size_t i)
{
    const struct cart_line *line = &cart->lines.items[i];
    if (line->quantity < 1 || line->quantity > CART_QUANTITY_MAX)
        check_found(check, cart_type.collection, cart->head.id,
                    "line %.*s has the quantity %" PRId64, STR_FMT(line->sku), line->quantity);
    if (line->unit_price.amount < 0)
        check_found(check, cart_type.collection, cart->head.id, "line %.*s has the price %" PRId64,
                    STR_FMT(line->sku), line->unit_price.amount);
    if (cart_line_of(cart, line->product_id) != line)
        check_found(check, cart_type.collection, cart->head.id,
                    "the product %.*s stands there twice", STR_FMT(line->product_id));
}

static void check_cart(struct check *check, const void *doc)
{
    const struct cart *cart = doc;
    if (cart->lines.count > CART_LINES_MAX)
        check_found(check, cart_type.collection, cart->head.id, "it has %zu lines",
                    cart->lines.count);
    for (size_t i = 0; i < cart->lines.count; i++)
        check_line(check, cart, i);
}

const struct invariant carts_invariant = {
    .name = "carts",
    .summary = "lines are of different products, quantities and numbers within their limits",
    .type = &cart_type,
    .visit = check_cart,
};
