/* operations.h - the operations of notifications; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_OPERATIONS_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_OPERATIONS_H

#include "service/operation.h"

extern const struct operation notification_list;
extern const struct operation notification_order_placed;
extern const struct operation notification_order_status_changed;
extern const struct operation notification_read;
extern const struct operation notification_registration_repeated;

#endif
