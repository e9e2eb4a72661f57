/* domain.c - what the cart domain serves. */
#include "cart/cart.h"
#include "cart/operations.h"

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
};
