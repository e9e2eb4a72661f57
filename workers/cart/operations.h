/* operations.h - the operations of the cart; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_CART_OPERATIONS_H
#define CARTWRIGHT_WORKERS_CART_OPERATIONS_H

#include "service/operation.h"

extern const struct operation cart_clear;
extern const struct operation cart_get;
extern const struct operation cart_item_add;
extern const struct operation cart_item_remove;
extern const struct operation cart_item_update;

#endif
