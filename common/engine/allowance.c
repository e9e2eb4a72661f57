/* allowance.c - token buckets of bytes, one for each destination of replies. */
#include "engine/allowance.h"

#define US_PER_SECOND 1000000
#define US_PER_MS     1000

static struct allowance *place_of(struct allowance table[ALLOWANCE_SLOTS],
                                  const struct allowance_rule *rule, struct str destination,
                                  int64_t now_us)
{
    const uint64_t hash = str_hash(destination) | 1;
    struct allowance *place = &table[hash / 2 % ALLOWANCE_SLOTS];
    if (place->destination != hash)
        *place = (struct allowance){.destination = hash, .left = rule->burst, .at_us = now_us};
    return place;
}

/* By this time the bucket is full, so more time makes no difference; it would
 * only overflow the product. */
static void fill(struct allowance *place, const struct allowance_rule *rule, int64_t now_us)
{
    const int64_t full_us = rule->burst / rule->rate * US_PER_SECOND + US_PER_SECOND;
    const int64_t passed_us = now_us - place->at_us;
    if (passed_us >= full_us)
        place->left = rule->burst;
    else
        place->left += passed_us * rule->rate / US_PER_SECOND;
    if (place->left > rule->burst)
        place->left = rule->burst;
    place->at_us = now_us;
}

int64_t allowance_take(struct allowance table[ALLOWANCE_SLOTS], const struct allowance_rule *rule,
                       struct str destination, int64_t bytes, int64_t now_us)
{
    if (rule->rate == 0)
        return 0;
    struct allowance *place = place_of(table, rule, destination, now_us);
    fill(place, rule, now_us);
    if (place->left >= bytes || place->left == rule->burst) {
        place->left -= bytes; /* a reply larger than the bucket goes when the bucket is full */
        return 0;
    }
    return (bytes - place->left) * US_PER_MS / rule->rate + 1;
}
