/* operations.h - the operations of stock; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_INVENTORY_OPERATIONS_H
#define CARTWRIGHT_WORKERS_INVENTORY_OPERATIONS_H

#include "service/operation.h"

extern const struct operation inventory_adjust;
extern const struct operation inventory_get;
extern const struct operation inventory_set;

#endif
