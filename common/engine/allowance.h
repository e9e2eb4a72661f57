/* allowance.h - how many bytes of replies one destination may have within a time.
 *
 * A reply is often a thousand times longer than its request, and replies that nobody reads lie in
 * the broker's memory until they block all publishers. So each destination (reply_to) has a bucket
 * of bytes in each lane, which fills again with time. The table has a fixed size: when two
 * destinations fall on the same place, the later one takes it and begins with a full bucket. */
#ifndef CARTWRIGHT_ENGINE_ALLOWANCE_H
#define CARTWRIGHT_ENGINE_ALLOWANCE_H

#include <stdint.h>

#include "base/str.h"

#define ALLOWANCE_SLOTS 1024

struct allowance {
    uint64_t destination; /* a hash; 0: the place is free */
    int64_t left;         /* bytes */
    int64_t at_us;        /* monotonic: when `left` was right */
};

struct allowance_rule {
    int64_t burst; /* bytes that a destination may have at once */
    int64_t rate;  /* bytes that it may have in each further second; 0: no limit */
};

/* Takes `bytes` for the destination. Returns 0 when it may have them, else
 * the ms after which it may. */
int64_t allowance_take(struct allowance table[ALLOWANCE_SLOTS], const struct allowance_rule *rule,
                       struct str destination, int64_t bytes, int64_t now_us);

#endif
