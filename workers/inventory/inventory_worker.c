/* inventory_worker.c - what the inventory worker serves. */
#include "inventory/operations.h"
#include "inventory/stock.h"

const struct worker inventory_worker = {
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
