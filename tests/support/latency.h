/* latency.h - a histogram of latencies in microseconds, as HdrHistogram counts: linear within each
 * power of two, so that a figure is at most 1/128 too high, from 1 us to 17 minutes.
 *
 * All zeros is an empty one; histograms of several runs can be added. */
#ifndef CARTWRIGHT_TESTS_SUPPORT_LATENCY_H
#define CARTWRIGHT_TESTS_SUPPORT_LATENCY_H

#include <stdint.h>

#define LATENCY_STEPS   128 /* buckets of one power of two */
#define LATENCY_OCTAVES 24  /* 0..127 exactly, then 2^7..2^30 - 1 us */

struct latency {
    int64_t count;
    int64_t max_us; /* exact */
    uint32_t buckets[LATENCY_OCTAVES * LATENCY_STEPS];
};

/* What is below 0 counts as 0, what is beyond the range in the last bucket. */
void latency_add(struct latency *latency, int64_t us);
void latency_merge(struct latency *sum, const struct latency *more);
/* The latency that `percent` of all did not exceed, us; 0 when there are none. */
int64_t latency_percentile(const struct latency *latency, double percent);

#endif
