/* partitions.h - domains whose commands keep their order under many lanes.
 *
 * The requests of a partitioned domain do not go to one queue but to several, its partitions, by a
 * hash of the header x-partition-key (usually the caller's id), so all requests with one key are in
 * one queue. Each partition has a single active consumer, so at any time one lane has everything
 * with that key that is under way; and a lane never lets a message overtake an earlier one with the
 * same key (turns.c). Lane i of L lanes consumes the partitions k with k % L = i. It does no harm
 * when two supervisors, or a lane and its successor, disagree about L: the lane that has a
 * partition keeps it until its channel is closed.
 *
 * Order is promised from the queue to the commit. A message that fails and comes back through the
 * delays or the dead letters has lost its place. */
#ifndef CARTWRIGHT_SERVICE_PARTITIONS_H
#define CARTWRIGHT_SERVICE_PARTITIONS_H

#include "service/operation.h"
#include "service/settings.h"

#define PARTITION_HEADER "x-partition-key"

/* Returns the number of the domain's partitions; 0: it is not partitioned. */
int64_t partitions_of(const struct engine_settings *settings, struct str domain);
/* True when a domain of the pool is partitioned: then each lane of the pool has messages
 * that no other lane takes. */
bool pool_is_partitioned(const struct engine_settings *settings, const struct pool_settings *pool);
/* Checks that every entry names a domain that takes requests, that none is named twice, and that no
 * pool has more lanes than partitions. INVALID: err says which entry or pool is wrong. */
MUST_CHECK enum outcome partitions_check(const struct service *service,
                                         const struct engine_settings *settings, struct err *err);

#endif
