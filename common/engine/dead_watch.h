/* dead_watch.h - are the dead letters filling up?
 *
 * The first lane of each pool looks at its workers' dead queues now and then, and says so in its slot
 * (health is degraded) long before the broker takes no more of them. */
#ifndef CARTWRIGHT_ENGINE_DEAD_WATCH_H
#define CARTWRIGHT_ENGINE_DEAD_WATCH_H

#include "engine/lane.h"

/* Once a minute. RETRY when the broker is lost; a queue that is not there has no letters. */
MUST_CHECK enum outcome dead_watch_if_due(struct lane *lane, int64_t now_us, struct err *err);

#endif
