/* concurrency.h - how many lanes of a pool work at a time: an adaptive concurrency limit.
 *
 * Lanes that want the same documents hold each other up: messages are deferred, batches get
 * smaller, and each further lane slows down all the others. So when many messages are deferred the
 * number of working lanes is halved. After a pause one more lane is tried, and the pause grows each
 * time the number is halved again (additive increase, multiplicative decrease, like TCP's window:
 * Jacobson 1988). Pure: the supervisor passes in the figures and the time. */
#ifndef CARTWRIGHT_SUPERVISOR_CONCURRENCY_H
#define CARTWRIGHT_SUPERVISOR_CONCURRENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the lanes of a pool have done since they were first started. */
struct pool_work {
    int64_t settled;
    int64_t deferred; /* a message counts again in each batch in which it waits for a lock */
};

struct concurrency {
    int64_t lanes;           /* as configured */
    int64_t limit;           /* lanes that may work now: 1 to `lanes` */
    struct pool_work judged; /* the totals at the last look */
    int64_t next_look_ms;
    int64_t next_try_ms;
    int64_t pause_ms;
};

/* At first all lanes may work. `now_ms` is monotonic. */
void concurrency_init(struct concurrency *concurrency, int64_t lanes, int64_t now_ms);
/* Judges the work done since the last look, at most twice a second. `work` holds the totals so far;
 * `now_ms` is monotonic. True when the limit has changed. */
bool concurrency_adapt(struct concurrency *concurrency, struct pool_work work, int64_t now_ms);

#endif
