/* topology.h - the exchanges, queues and bindings of a service, as names.h calls them. */
#ifndef CARTWRIGHT_SERVICE_TOPOLOGY_H
#define CARTWRIGHT_SERVICE_TOPOLOGY_H

#include "bus/bus.h"
#include "service/operation.h"
#include "service/settings.h"

/* The x-delivery-limit of the queues that lanes consume. Each lost connection costs every
 * unacknowledged message one delivery, whichever message is to blame. A message that kills lanes is
 * found out long before (blame.h), so this is only the backstop. Lanes that die again and again for
 * reasons of their own must not bury the messages that they held: with a limit of 20, the
 * simulation saw that twice in 100,000 seeds. */
#define DELIVERY_LIMIT 100

/* Fills *out, in the arena, with everything that `cartwright topology` declares. INVALID: the
 * settings do not fit the service, or the prefix is so long that a queue's name would be
 * longer than AMQP allows. */
MUST_CHECK enum outcome topology_of(const struct service *service,
                                    const struct engine_settings *settings, struct arena *arena,
                                    struct bus_topology *out, struct err *err);

#endif
