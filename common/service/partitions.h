/* partitions.h - domains whose commands keep their order under many lanes.
 *
 * The requests of a partitioned domain do not go to one queue but to several, its partitions: by a
 * hash of the header x-partition-key (the caller's id, as a rule), so those of one key are in one
 * queue. Each has a single active consumer, so at any time one lane has all that is under way of a
 * key; and a lane never lets a message overtake an earlier one of its key (turns.c). Lane i of L
 * consumes the partitions k with k % L = i. That two supervisors, or a lane and its successor, think
 * differently of L does no harm: whoever has a partition keeps it until its channel is closed.
 *
 * Order is promised from the queue to the commit. A message that fails and comes back through the
 * delays or the dead letters has lost its place. */
#ifndef CARTWRIGHT_SERVICE_PARTITIONS_H
#define CARTWRIGHT_SERVICE_PARTITIONS_H

#include "service/operation.h"
#include "service/settings.h"

#define PARTITION_HEADER "x-partition-key"

/* How many the domain has; 0: it is not partitioned. */
int64_t partitions_of(const struct engine_settings *settings, struct str domain);
/* One of its workers is partitioned: then each of its lanes has messages that nobody else takes. */
bool pool_is_partitioned(const struct engine_settings *settings, const struct pool_settings *pool);
/* Every entry names a domain that takes requests, once, and no pool has lanes without partitions. */
MUST_CHECK enum outcome partitions_check(const struct service *service,
                                         const struct engine_settings *settings, struct err *err);

#endif
