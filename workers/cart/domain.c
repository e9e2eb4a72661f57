/* domain.c - what the cart domain serves. */
#include "cart/cart.h"
#include "cart/invariants.h"
#include "cart/operations.h"

CART_ERROR_CODES(DEFINE_ERROR_CODE)

const struct domain cart_domain = {
    .name = "cart",
    .prefixes = (const char *const[]){"cart", NULL},
    .operations =
        (const struct operation *const[]){
            &cart_get,
            &cart_item_add,
            &cart_item_update,
            &cart_item_remove,
            &cart_clear,
            NULL,
        },
    .invariants = (const struct invariant *const[]){&carts_invariant, NULL},
};
