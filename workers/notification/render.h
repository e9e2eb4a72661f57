/* render.h - what notifications say, in plain English. All functions are pure; results live in the
 * arena. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_RENDER_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_RENDER_H

#include "notification/notification.h"
#include "order/order.h"

/* `name` is that of the customer; absent: nobody is named. */
struct notice render_order_placed(struct arena *arena, const struct order *order, struct str name);
struct notice render_order_status_changed(struct arena *arena, const struct order *order,
                                          struct str name);

/* The notice that somebody tried to register with the address of an account. */
struct notice render_registration_repeated(struct arena *arena);

/* The value with spaces for ASCII control characters, so that it can begin neither a mail
 * header nor a new line. */
struct str one_line(struct arena *arena, struct str value);

#endif
