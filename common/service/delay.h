/* delay.h - how a message waits until it is tried again: queues of a fixed life, one per bit.
 *
 *   exchange <p>.delay.<k>   topic; routes a message whose bit k is set into the queue of the same
 *                            name, and any other on to the exchange below (its alternate)
 *   queue <p>.delay.<k>      holds a message for 2^k units of 100 ms and then passes it on to the
 *                            exchange below
 *   exchange <p>.delay.end   is below level 0; returns a message to the queue that its routing key
 *                            ends with
 *
 * The routing key is the number of units as bits, the lowest first, followed by the queue: a
 * delay of 1.3 s for shop.order is "1.0.1.1.shop.order", enters at level 3 and waits for 0.8 s,
 * 0.4 s and 0.1 s. So a few queues serve every delay, however many messages wait. All messages of
 * one queue live equally long, so none stands behind one that leaves later; this matters because
 * RabbitMQ expires only the first message of a queue. A message never meets a queue twice, so
 * RabbitMQ never takes it for one that goes round in circles. */
#ifndef CARTWRIGHT_SERVICE_DELAY_H
#define CARTWRIGHT_SERVICE_DELAY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#define DELAY_UNIT_MS 100
/* The longest delay plus a fifth (the jitter) is 31,104,000 units, which is below 2^25. */
#define DELAY_MAX_MS   (30 * MS_PER_DAY)
#define DELAY_LEVELS   25
#define DELAY_BITS_MAX (2 * DELAY_LEVELS) /* bytes of a routing key before the queue's name */

struct delay_route {
    struct str exchange;
    struct str routing_key;
};

/* Rounds `ms` up to whole units and makes it, by chance, up to a fifth longer, so that messages
 * that failed together do not come back together. ms: 1 to DELAY_MAX_MS. */
int64_t delay_with_jitter(int64_t ms, uint64_t chance);
/* Where to publish a message that should reach `queue` after `ms`, rounded up to whole units. ms:
 * at least 1, at most what delay_with_jitter() returns. The texts are in the arena. */
struct delay_route delay_route(struct arena *arena, struct str prefix, struct str queue,
                               int64_t ms);

/* For the topology: how long a message lives on a level, and the pattern that
 * binds the level's queue. */
int64_t delay_level_ms(int level);
struct str delay_pattern(struct arena *arena, int level);
/* The pattern that binds a queue to the end of the delays. */
struct str delay_end_pattern(struct arena *arena, struct str queue);

#endif
