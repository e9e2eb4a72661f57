/* connections.h - how RabbitMQ, MongoDB and Redis are reached, from the settings. */
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
/* As the user who declares, and who looks into queues: lanes may do neither. */
struct bus_options operator_options_of(const struct engine_settings *settings, const char *name);

#endif
