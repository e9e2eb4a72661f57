/* allowance.h - how many bytes of replies one destination may have within a time.
 *
 * A reply is often a thousand times longer than its request, and what nobody reads lies in the broker's
 * memory until that blocks all publishers. So each destination (reply_to) has a bucket of bytes in each
 * lane, which fills again with time. The table has a fixed size: destinations that meet in a place share
 * it with the one that comes later. */
#ifndef CARTWRIGHT_ENGINE_ALLOWANCE_H
#define CARTWRIGHT_ENGINE_ALLOWANCE_H

#include <stdint.h>

#include "base/str.h"

#define ALLOWANCE_SLOTS 1024

struct allowance {
    uint64_t destination; /* hash; 0: nobody's */
    int64_t left;         /* bytes */
    int64_t at_us;        /* monotonic: when that was so */
};

struct allowance_rule {
    int64_t burst; /* bytes that a destination may have at once */
    int64_t rate;  /* and then in each second; 0: there is no limit */
};

/* Takes `bytes` for the destination; 0 when it may have them, else after how many ms it may. */
int64_t allowance_take(struct allowance table[ALLOWANCE_SLOTS], const struct allowance_rule *rule,
                       struct str destination, int64_t bytes, int64_t now_us);

#endif
