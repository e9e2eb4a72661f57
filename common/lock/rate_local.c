/* rate_local.c - token buckets in the memory of a process. */
#include "lock/rate_local.h"

#include <stdlib.h>

#define SLOTS 4096 /* 16 bytes each */
#define WAYS  4

struct rate_slot {
    uint64_t key; /* hash of the limit's key; callers put only digests and ids into keys */
    int64_t at;
};

struct rate_local {
    struct rate_slot slots[SLOTS];
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void rate_apply(struct rate_limit *limit, int64_t *at, int64_t now)
{
    const int64_t room = limit->burst * limit->period_ms;
    int64_t arrival = *at < now ? now : *at;
    if (arrival > now + room)
        arrival = now + room; /* a bucket cannot be emptier than empty */
    limit->allowed = arrival + limit->period_ms - now <= room;
    if (limit->use == RATE_GIVE_BACK)
        arrival = later(arrival - limit->period_ms, now);
    else if (limit->use == RATE_TAKE && limit->allowed)
        arrival += limit->period_ms;
    limit->wait_ms = later(0, arrival + limit->period_ms - now - room);
    *at = arrival;
}

static struct rate_slot *slot_of(struct rate_local *local, uint64_t key)
{
    struct rate_slot *set = &local->slots[key % (SLOTS / WAYS) * WAYS];
    struct rate_slot *place = set;
    for (struct rate_slot *slot = set; slot < set + WAYS; slot++) {
        if (slot->key == key)
            return slot;
        if (slot->at < place->at)
            place = slot;
    }
    *place = (struct rate_slot){.key = key};
    return place;
}

void rate_local_take(struct rate_local **local, struct rate_limit *limits, size_t count,
                     int64_t now)
{
    if (!*local)
        *local = calloc(1, sizeof(**local));
    if (!*local)
        panic("out of memory for the rate limits of a lane");
    for (size_t i = 0; i < count; i++)
        rate_apply(&limits[i], &slot_of(*local, str_hash(limits[i].key))->at, now);
}
