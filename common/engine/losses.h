/* losses.h - whether a message costs us the connection to the broker.
 *
 * Whatever a lane does with a message, the broker may answer with the end of the connection, or die
 * of it. Then everything that was in hand comes again, each time counted as one of the deliveries
 * that a message has (x-delivery-limit). So:
 *
 *   LOSSES_MAX losses in a row with the same message as     the lane takes one message at a time,
 *   the oldest in hand                                      for a while
 *   LOSSES_ALONE_MAX losses with that message alone in      the message is put aside
 *   hand, while the connection held without it (lane.c
 *   looks)
 *
 * Innocent neighbours spend LOSSES_MAX deliveries, and no more. A network that comes and goes costs
 * a lane nothing but its speed. */
#ifndef CARTWRIGHT_ENGINE_LOSSES_H
#define CARTWRIGHT_ENGINE_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#define LOSSES_MAX 3
/* A network may fail several times just at the wrong moments: with 3, the simulation
 * buried innocent messages. */
#define LOSSES_ALONE_MAX 10

/* Zeros: nothing was lost. */
struct losses {
    uint64_t oldest; /* digest of the message that was the oldest in hand at the last loss */
    int count;       /* losses in a row with that message */
    int64_t alone;   /* messages that are still to be taken one at a time; 0: as usual */
};

/* Notes that the connection is lost. oldest: digest of the oldest message in hand; 0: there was
 * none, which tells nothing. window: how many messages may have been in hand. */
void losses_note(struct losses *losses, uint64_t oldest, int64_t window);
/* Notes that a message is done. True when this was the last one to be taken alone. */
bool losses_settled(struct losses *losses);
/* Notes that the connection did not hold without any message: so no message is what ends it. */
void losses_acquit(struct losses *losses);
/* True when this message may not be carried out. */
bool losses_convict(const struct losses *losses, uint64_t digest);

#endif
