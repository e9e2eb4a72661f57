/* domain.c - what the inventory domain serves. */
#include "inventory/invariants.h"
#include "inventory/operations.h"
#include "inventory/stock.h"

INVENTORY_ERROR_CODES(DEFINE_ERROR_CODE)

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
    .invariants = (const struct invariant *const[]){&stock_invariant, &adjustments_invariant, NULL},
};
