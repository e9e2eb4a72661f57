/* latency.c - a value's bucket is its highest bit and the seven bits that follow. */
#include "support/latency.h"

#include <math.h>
#include <stddef.h>

#define STEP_BITS 7 /* 2^7 = LATENCY_STEPS */
#define RANGE_US  ((int64_t)1 << (STEP_BITS + LATENCY_OCTAVES - 1))

static size_t bucket_of(int64_t us)
{
    if (us < LATENCY_STEPS)
        return us > 0 ? (size_t)us : 0;
    if (us >= RANGE_US)
        return (size_t)LATENCY_OCTAVES * LATENCY_STEPS - 1;
    const int shift = 63 - __builtin_clzll((uint64_t)us) - STEP_BITS;
    return (size_t)shift * LATENCY_STEPS + (size_t)(us >> shift);
}

/* The highest value that a bucket counts. */
static int64_t highest_of(size_t bucket)
{
    if (bucket < LATENCY_STEPS)
        return (int64_t)bucket;
    const int shift = (int)(bucket / LATENCY_STEPS) - 1;
    const int64_t step = LATENCY_STEPS + (int64_t)(bucket % LATENCY_STEPS);
    return ((step + 1) << shift) - 1;
}

void latency_add(struct latency *latency, int64_t us)
{
    latency->buckets[bucket_of(us)]++;
    latency->count++;
    if (us > latency->max_us)
        latency->max_us = us;
}

void latency_merge(struct latency *sum, const struct latency *more)
{
    for (size_t i = 0; i < (size_t)LATENCY_OCTAVES * LATENCY_STEPS; i++)
        sum->buckets[i] += more->buckets[i];
    sum->count += more->count;
    if (more->max_us > sum->max_us)
        sum->max_us = more->max_us;
}

int64_t latency_percentile(const struct latency *latency, double percent)
{
    const int64_t wanted = (int64_t)ceil((double)latency->count * percent / 100);
    const size_t last = (size_t)LATENCY_OCTAVES * LATENCY_STEPS - 1;
    int64_t seen = 0;
    if (latency->count == 0)
        return 0;
    for (size_t i = 0; i < last; i++) {
        seen += latency->buckets[i];
        if (seen >= wanted && seen > 0)
            return highest_of(i) < latency->max_us ? highest_of(i) : latency->max_us;
    }
    return latency->max_us;
}
