/* delay.h - how a message waits until it is tried again: queues of a fixed life, one per bit.
 *
 *   exchange <p>.delay.<k>   topic; takes what has bit k set into the queue of its name, and hands
 *                            all else on to the exchange below (its alternate)
 *   queue <p>.delay.<k>      a message lives there 2^k units of 100 ms and then goes on to the
 *                            exchange below
 *   exchange <p>.delay.end   below level 0: back to the queue that the routing key ends with
 *
 * The routing key is the number of units as bits, the lowest first, and the queue: 1.3 s for
 * shop.order is "1.0.1.1.shop.order", enters at level 3 and waits for 0.8 s, 0.4 s and 0.1 s. So a
 * few queues serve every delay, whatever waits. All messages of one queue live equally long: none
 * is behind one that leaves later, which matters because RabbitMQ looks at the first one only. A
 * message never meets a queue twice, so RabbitMQ never takes it for one that goes round in circles.
 */
#ifndef CARTWRIGHT_SERVICE_DELAY_H
#define CARTWRIGHT_SERVICE_DELAY_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#define DELAY_UNIT_MS 100
/* 30 days and a fifth are 31,104,000 units, below 2^25. */
#define DELAY_MAX_MS   (30 * MS_PER_DAY)
#define DELAY_LEVELS   25
#define DELAY_BITS_MAX (2 * DELAY_LEVELS) /* bytes of a routing key before the queue's name */

struct delay_route {
    struct str exchange;
    struct str routing_key;
};

/* In whole units, never shorter, and by chance up to a fifth longer: what failed together shall not
 * come back together. ms: 1 to DELAY_MAX_MS. */
int64_t delay_with_jitter(int64_t ms, uint64_t chance);
/* Where a message is published that shall be in `queue` after `ms` (rounded up to whole units). */
struct delay_route delay_route(struct arena *arena, struct str prefix, struct str queue,
                               int64_t ms);

/* For the topology: the life of a message on a level, and what its queue is bound with. */
int64_t delay_level_ms(int level);
struct str delay_pattern(struct arena *arena, int level);
/* What a queue is bound with to the end of the delays. */
struct str delay_end_pattern(struct arena *arena, struct str queue);

#endif
