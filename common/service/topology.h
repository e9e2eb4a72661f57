/* topology.h - the exchanges, queues and bindings of a service, as names.h calls them. */
#ifndef CARTWRIGHT_SERVICE_TOPOLOGY_H
#define CARTWRIGHT_SERVICE_TOPOLOGY_H

#include "bus/bus.h"
#include "service/operation.h"
#include "service/settings.h"

/* x-delivery-limit of what lanes consume. Each dropped connection costs every unacknowledged message
 * one delivery, whoever is to blame. Who kills lanes is found out long before (blame.h), so this is
 * only the backstop; lanes that die for reasons of their own, again and again, must not bury what they
 * held: with 20 the simulation saw it twice in 100,000 seeds. */
#define DELIVERY_LIMIT 100

/* Everything that `cartwright topology` declares, in the arena. INVALID: settings that do not fit the service,
 * or a prefix so long that the name of a queue would be longer than AMQP allows. */
MUST_CHECK enum outcome topology_of(const struct service *service,
                                    const struct engine_settings *settings, struct arena *arena,
                                    struct bus_topology *out, struct err *err);

#endif
