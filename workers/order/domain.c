/* domain.c - what the order domain serves. */
#include "order/invariants.h"
#include "order/operations.h"
#include "order/order.h"

ORDER_ERROR_CODES(DEFINE_ERROR_CODE)

const struct domain order_domain = {
    .name = "order",
    .prefixes = (const char *const[]){"order", NULL},
    .operations =
        (const struct operation *const[]){
            &order_place,
            &order_get,
            &order_list,
            &order_status_set,
            &order_cancel,
            NULL,
        },
    .invariants =
        (const struct invariant *const[]){&orders_invariant, &order_stock_invariant, NULL},
};
