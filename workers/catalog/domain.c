/* domain.c - what the catalog domain serves, and what makes its cached pages stale. */
#include "catalog/catalog.h"
#include "catalog/invariants.h"
#include "catalog/operations.h"

CATALOG_ERROR_CODES(DEFINE_ERROR_CODE)

const struct domain catalog_domain = {
    .name = "catalog",
    .prefixes = (const char *const[]){"category", "product", NULL},
    .operations =
        (const struct operation *const[]){
            &category_create,
            &category_update,
            &category_list,
            &product_create,
            &product_update,
            &product_get,
            &product_list,
            NULL,
        },
    .invariants = (const struct invariant *const[]){&products_invariant, NULL},
};

/* Stock needs no row: stock_moved() emits product.updated when availability begins or ends. */
const struct invalidation catalog_invalidations[] = {
    {.event = &category_created, .tag = "category"},
    {.event = &category_updated, .tag = "category"},
    {.event = &product_created, .tag = "product"},
    {.event = &product_updated, .tag = "product"},
};

const size_t catalog_invalidation_count =
    sizeof(catalog_invalidations) / sizeof(catalog_invalidations[0]);
