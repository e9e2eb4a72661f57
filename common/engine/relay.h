/* relay.h - the outbox: events go from the journal to the broker, at least once, with the same
 * event ids.
 *
 * The fast path publishes right after the commit and awaits the confirms while the next batch runs;
 * a confirmed entry is marked. Entries that stay unmarked (after a crash, a lost connection, a
 * nack) are published again by the lane that holds the relay's lease. A nack says that a
 * subscriber's queue is full. Since all other subscribers get the event again, too, such an entry
 * is put off, each time for twice as long. */
#ifndef CARTWRIGHT_ENGINE_RELAY_H
#define CARTWRIGHT_ENGINE_RELAY_H

#include "engine/lane.h"

/* Moves confirmed entries to the list of those to be marked and refused entries to the list of
 * those to be put off; forgets entries whose confirms were lost. */
void relay_take_confirms(struct lane *lane);
/* True when confirms are long overdue, none arrives at all, and the broker told of no alarm.
 * RabbitMQ 3.10 leaves a publishing channel blocked for ever when a quorum queue is deleted under
 * what the channel has published: nothing that it publishes arrives any more, replies included,
 * until the lane connects anew. While some confirms arrive, the broker is only busy: a lane that
 * connected anew would get everything in hand once more, and so give the broker more to do. */
bool relay_is_stuck(struct lane *lane, int64_t now_us);
/* Writes what is on both lists into the journal. */
MUST_CHECK enum outcome relay_write_down(struct lane *lane, struct err *err);
/* Once in a while, publishes old unmarked entries and writes down which of them are confirmed,
 * before the lane handles anything else. Waits for confirms for at most 1 s. */
MUST_CHECK enum outcome relay_run_if_due(struct lane *lane, int64_t now_us, struct err *err);
void relay_release(struct lane *lane);

#endif
