/* dead_watch.h - whether the dead letters are filling up.
 *
 * The first lane of each pool looks at the dead queues of its domains now and then. When
 * one is half full, the lane says so in its slot (health is degraded), long before the
 * broker takes no more letters. */
#ifndef CARTWRIGHT_ENGINE_DEAD_WATCH_H
#define CARTWRIGHT_ENGINE_DEAD_WATCH_H

#include "engine/lane.h"

/* Looks once a minute, and may wait for the broker. RETRY when the broker is lost; a queue that
 * does not exist has no letters. */
MUST_CHECK enum outcome dead_watch_if_due(struct lane *lane, int64_t now_us, struct err *err);

#endif
