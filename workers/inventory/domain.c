/* domain.c - what the inventory domain serves. */
#include "inventory/operations.h"
#include "inventory/stock.h"

const struct domain inventory_domain = {
    .name = "inventory",
    .prefixes = (const char *const[]){"inventory", NULL},
    .operations =
        (const struct operation *const[]){
            &inventory_get,
            &inventory_set,
            &inventory_adjust,
            NULL,
        },
};
