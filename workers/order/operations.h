/* operations.h - the operations of orders; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_ORDER_OPERATIONS_H
#define CARTWRIGHT_WORKERS_ORDER_OPERATIONS_H

#include "service/operation.h"

extern const struct operation order_cancel;
extern const struct operation order_get;
extern const struct operation order_list;
extern const struct operation order_place;
extern const struct operation order_status_set;

#endif
