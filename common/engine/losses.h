/* losses.h - does a message cost us the connection to the broker?
 *
 * Whatever a lane does with a message, the broker may answer with the end of the connection, or die of
 * it; then all that was in hand comes again, each time counted as one of the deliveries that a message
 * has (x-delivery-limit). So:
 *
 *   LOSSES_MAX times in a row the oldest in hand was the same    one message at a time, for a while
 *   LOSSES_ALONE_MAX times with that one alone in hand, while    it is put aside
 *   the connection held without it (lane.c looks)
 *
 * Innocent neighbours spend LOSSES_MAX deliveries, and then no more. A network that comes and goes costs a
 * lane nothing but its speed. */
#ifndef CARTWRIGHT_ENGINE_LOSSES_H
#define CARTWRIGHT_ENGINE_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#define LOSSES_MAX 3
/* A network may fail as often at the wrong moments: with 3 the simulation buried innocent messages. */
#define LOSSES_ALONE_MAX 10

/* All zeros: nothing was lost. */
struct losses {
    uint64_t oldest; /* digest of the message that was the oldest in hand, the last time */
    int count;       /* of losses in a row with it */
    int64_t alone;   /* how many messages are still to be taken one at a time; 0: as usual */
};

/* The connection is lost. oldest: digest of the oldest message in hand, 0: there was none, which tells
 * nothing. window: how many messages may have been in hand. */
void losses_note(struct losses *losses, uint64_t oldest, int64_t window);
/* A message is done. True when this was the last one to be taken alone. */
bool losses_settled(struct losses *losses);
/* The connection did not hold without any message: it is not a message that ends it. */
void losses_acquit(struct losses *losses);
/* This message may not be carried out. */
bool losses_convict(const struct losses *losses, uint64_t digest);

#endif
