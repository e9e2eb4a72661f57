/* chance.c - SplitMix64 (Steele, Lea, Flood 2014): one addition and a finalizer per number. */
#include "support/chance.h"

#include <string.h>

#define GOLDEN_GAMMA 0x9e3779b97f4a7c15u

static uint64_t finalize(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t chance_mix(uint64_t digest, uint64_t value)
{
    return finalize(digest * 31 + value + GOLDEN_GAMMA);
}

struct chance chance_of(uint64_t seed, uint64_t name)
{
    return (struct chance){chance_mix(finalize(seed), name)};
}

uint64_t chance_bits(struct chance *chance)
{
    chance->state += GOLDEN_GAMMA;
    return finalize(chance->state);
}

int64_t chance_between(struct chance *chance, int64_t low, int64_t high)
{
    return low + (int64_t)(chance_bits(chance) % (uint64_t)(high - low + 1));
}

bool chance_one_in(struct chance *chance, int64_t n)
{
    return n > 0 && chance_bits(chance) % (uint64_t)n == 0;
}

void chance_fill(struct chance *chance, void *out, size_t len)
{
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        const uint64_t bits = chance_bits(chance);
        memcpy((char *)out + at, &bits, len - at < sizeof(bits) ? len - at : sizeof(bits));
    }
}
