/* operations.h - the operations of the catalog; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_OPERATIONS_H
#define CARTWRIGHT_WORKERS_CATALOG_OPERATIONS_H

#include "service/operation.h"

extern const struct operation category_create;
extern const struct operation category_list;
extern const struct operation category_update;
extern const struct operation product_create;
extern const struct operation product_get;
extern const struct operation product_list;
extern const struct operation product_update;

#endif
