/* domain.c - what the order domain serves. */
#include "order/operations.h"
#include "order/order.h"

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
};
