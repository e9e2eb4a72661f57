/* operations.h - the operations of the wishlist domain; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_WISHLIST_OPERATIONS_H
#define CARTWRIGHT_WORKERS_WISHLIST_OPERATIONS_H

#include "service/operation.h"

extern const struct operation wishlist_add;
extern const struct operation wishlist_get;
extern const struct operation wishlist_move;
extern const struct operation wishlist_remove;

#endif
