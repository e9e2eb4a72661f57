/* concurrency.c - how many lanes of a pool work at a time. */
#include "supervisor/concurrency.h"

#define LOOK_MS        500
#define PAUSE_FIRST_MS 10000
#define PAUSE_MAX_MS   (5 * 60 * 1000)
/* Fewer messages between two looks prove nothing; a shop with so little to do needs no limit. */
#define MESSAGES_MIN 200
/* The limit is halved when more than one message is deferred for four that are settled. Measured
 * with all servers on two cores: two lanes defer 3 to 5 messages of ten and are slower than one
 * lane, four lanes defer nearly as many as they settle. */
#define DEFERRED_SHARE 4

void concurrency_init(struct concurrency *concurrency, int64_t lanes, int64_t now_ms)
{
    *concurrency = (struct concurrency){
        .lanes = lanes,
        .limit = lanes,
        .next_look_ms = now_ms + LOOK_MS,
        .pause_ms = PAUSE_FIRST_MS,
    };
}

static bool do_meet(struct pool_work done)
{
    return done.settled + done.deferred >= MESSAGES_MIN &&
           done.deferred > done.settled / DEFERRED_SHARE;
}

static bool reduce(struct concurrency *concurrency, int64_t now_ms)
{
    concurrency->limit = (concurrency->limit + 1) / 2;
    concurrency->next_try_ms = now_ms + concurrency->pause_ms;
    concurrency->pause_ms =
        concurrency->pause_ms * 2 < PAUSE_MAX_MS ? concurrency->pause_ms * 2 : PAUSE_MAX_MS;
    return true;
}

/* Raises the limit by one when the pause is over. When all lanes have worked for a whole pause, the
 * next reduction starts with the shortest pause again. */
static bool try_one_more(struct concurrency *concurrency, int64_t now_ms)
{
    if (now_ms < concurrency->next_try_ms)
        return false;
    if (concurrency->limit == concurrency->lanes) {
        concurrency->pause_ms = PAUSE_FIRST_MS;
        return false;
    }
    concurrency->limit++;
    concurrency->next_try_ms = now_ms + concurrency->pause_ms;
    return true;
}

bool concurrency_adapt(struct concurrency *concurrency, struct pool_work work, int64_t now_ms)
{
    if (now_ms < concurrency->next_look_ms)
        return false;
    const struct pool_work done = {work.settled - concurrency->judged.settled,
                                   work.deferred - concurrency->judged.deferred};
    concurrency->judged = work;
    concurrency->next_look_ms = now_ms + LOOK_MS;
    if (concurrency->limit > 1 && do_meet(done))
        return reduce(concurrency, now_ms);
    return try_one_more(concurrency, now_ms);
}
