/* pipeline.h - two batches of one lane: one is decided while the other's commit is under way.
 *
 * A commit is mostly waiting for the database. Meanwhile the next batch is admitted, loaded and
 * decided on top of the commit: a document that the batch ahead wrote is taken from that batch, and
 * leases that both batches want stay with the lane. The next batch is committed only after the
 * batch ahead was; when the batch ahead fails, what was decided on top of it is dropped and decided
 * again. Whatever else needs to know what is in the database (queries, look-ups by other fields,
 * the journal) waits for the commit.
 *
 *   batch n     admit load decide | commit ............... | settle
 *   batch n+1                       admit load decide (wait) commit ...............
 */
#ifndef CARTWRIGHT_ENGINE_PIPELINE_H
#define CARTWRIGHT_ENGINE_PIPELINE_H

#include "engine/lane.h"

/* Makes the next batch of the first `count` waiting messages. RETRY when a dependency is down: then
 * the unsettled messages wait in the lane again. */
MUST_CHECK enum outcome pipeline_push(struct lane *lane, size_t count, struct err *err);
/* Waits for the commit under way, if any, and settles its batch. */
MUST_CHECK enum outcome pipeline_finish(struct lane *lane, struct err *err);
/* The same, but only when that needs no waiting. */
MUST_CHECK enum outcome pipeline_poll(struct lane *lane, struct err *err);

#endif
