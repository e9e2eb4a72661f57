/* cart_worker.c - what the cart worker serves. */
#include "cart/cart.h"
#include "cart/operations.h"

const struct worker cart_worker = {
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
