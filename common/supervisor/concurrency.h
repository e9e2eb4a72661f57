/* concurrency.h - how many lanes of a pool work at a time: an adaptive concurrency limit.
 *
 * Lanes that want the same documents hold each other up: messages are deferred, batches get
 * smaller, and each further lane costs all of them. So when many messages are deferred the number
 * of working lanes is halved; after a pause one more is tried, and the pause grows each time the
 * try fails (additive increase, multiplicative decrease, as TCP's window: Jacobson 1988). Pure: the
 * supervisor gives the figures and the time. */
#ifndef CARTWRIGHT_SUPERVISOR_CONCURRENCY_H
#define CARTWRIGHT_SUPERVISOR_CONCURRENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the lanes of a pool did since they were first started. */
struct pool_work {
    int64_t settled;
    int64_t deferred; /* a message counts again in each batch in which it waits for a lock */
};

struct concurrency {
    int64_t lanes; /* in the configuration */
    int64_t limit; /* may work now: 1 to `lanes` */
    struct pool_work judged;
    int64_t next_look_ms;
    int64_t next_try_ms;
    int64_t pause_ms;
};

/* All lanes may work. */
void concurrency_init(struct concurrency *concurrency, int64_t lanes, int64_t now_ms);
/* Looks at what was done since the last time, at most twice a second; `now_ms` is monotonic. True
 * when the limit has changed. */
bool concurrency_adapt(struct concurrency *concurrency, struct pool_work work, int64_t now_ms);

#endif
