/* domain.c - what the wishlist domain serves. */
#include "wishlist/wishlist.h"

#include "wishlist/operations.h"

DEFINE_ERROR_CODE(LIST_FULL, 409, false)

const struct domain wishlist_domain = {
    .name = "wishlist",
    .prefixes = (const char *const[]){"wishlist", NULL},
    .operations =
        (const struct operation *const[]){
            &wishlist_get,
            &wishlist_add,
            &wishlist_remove,
            &wishlist_move,
            NULL,
        },
    .invariants = (const struct invariant *const[]){&wishlists_invariant, NULL},
};
