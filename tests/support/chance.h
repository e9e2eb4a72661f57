/* chance.h - numbers that look random and follow from a seed alone (SplitMix64). */
#ifndef CARTWRIGHT_TESTS_SUPPORT_CHANCE_H
#define CARTWRIGHT_TESTS_SUPPORT_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* Streams of one seed with different names have nothing to do with each other. */
struct chance chance_of(uint64_t seed, uint64_t name);
uint64_t chance_bits(struct chance *chance);
/* Both ends included. */
int64_t chance_between(struct chance *chance, int64_t low, int64_t high);
/* True once in n times; never when n is 0. */
bool chance_one_in(struct chance *chance, int64_t n);
void chance_fill(struct chance *chance, void *out, size_t len);

/* Mixes a value into a digest. */
uint64_t chance_mix(uint64_t digest, uint64_t value);

#endif
