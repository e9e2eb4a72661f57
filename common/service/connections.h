/* connections.h - how RabbitMQ, MongoDB and Redis are reached, from the settings.
 *
 * The options borrow their texts from the settings, the service and `name`. */
#ifndef CARTWRIGHT_SERVICE_CONNECTIONS_H
#define CARTWRIGHT_SERVICE_CONNECTIONS_H

#include "bus/bus.h"
#include "lock/lock.h"
#include "service/operation.h"
#include "service/settings.h"
#include "store/store.h"

struct store_options store_options_of(const struct service *service,
                                      const struct engine_settings *settings);
struct lock_options lock_options_of(const struct engine_settings *settings);
struct bus_options bus_options_of(const struct engine_settings *settings, const char *name);
/* Options of the user who may declare and look into queues, which lanes may not. */
struct bus_options operator_options_of(const struct engine_settings *settings, const char *name);

#endif
