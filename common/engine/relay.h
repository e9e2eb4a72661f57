/* relay.h - the outbox: from the journal to the broker, at least once, with the same event ids.
 *
 * The fast path publishes right after the commit and waits for the confirms while the next batch
 * runs; a confirmed entry is marked. Entries that stay unmarked (a crash, a lost connection, a
 * nack) are published again by whichever lane holds the relay's lease. A nack says that a
 * subscriber's queue is full; since everybody else gets the event again, too, such an entry is put off,
 * each time for twice as long. */
#ifndef CARTWRIGHT_ENGINE_RELAY_H
#define CARTWRIGHT_ENGINE_RELAY_H

#include "engine/lane.h"

/* Moves confirmed entries to the list of those to be marked, refused ones to that of those to be put
 * off; forgets what was lost. */
void relay_take_confirms(struct lane *lane);
/* Confirms are long overdue, none comes at all, and the broker told of no alarm. RabbitMQ 3.10 leaves a
 * publishing channel blocked for ever when a quorum queue is deleted under what it has published:
 * nothing of it arrives any more, replies included, until the lane connects anew. While some come, the
 * broker is only busy: who connects anew then gives it everything in hand once more, and more to do. */
bool relay_is_stuck(struct lane *lane, int64_t now_us);
/* Into the journal, what is on both lists. */
MUST_CHECK enum outcome relay_write_down(struct lane *lane, struct err *err);
/* Publishes old unmarked entries, once in a while, and writes down what is confirmed of them before
 * the lane handles anything else. */
MUST_CHECK enum outcome relay_run_if_due(struct lane *lane, int64_t now_us, struct err *err);
void relay_release(struct lane *lane);

#endif
