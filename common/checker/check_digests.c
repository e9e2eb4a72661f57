/* check_digests.c - makes digests, and finds those that were seen before. */
#include <stdlib.h>

#include "checker/check_parts.h"

#define FIRST_SLOTS 256
#define BITS_MAX    32 /* at most 2^32 parts; with more, a part would hold next to nothing */

/* The finaliser of SplitMix64. It is a bijection, so mixing loses nothing. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t digest_int(uint64_t digest, int64_t value)
{
    return mix(digest * 0x9e3779b97f4a7c15u + mix((uint64_t)value + 0x9e3779b97f4a7c15u));
}

uint64_t digest_str(uint64_t digest, struct str text)
{
    digest = digest_int(digest, (int64_t)text.len);
    for (size_t i = 0; i < text.len; i += sizeof(int64_t)) {
        int64_t word = 0;
        const size_t left = text.len - i;
        memcpy(&word, text.ptr + i, left < sizeof(word) ? left : sizeof(word));
        digest = digest_int(digest, word);
    }
    return digest;
}

/* --- those seen before ------------------------------------------------------------------------------ */

void check_digests_init(struct check_digests *digests, size_t memory_max)
{
    *digests = (struct check_digests){.memory_max = memory_max};
}

void check_digests_release(struct check_digests *digests)
{
    free(digests->slots);
    digests->slots = NULL;
}

static bool is_of_part(const struct check_digests *digests, uint64_t digest)
{
    return (digest & ((UINT64_C(1) << digests->bits) - 1)) == digests->value;
}

/* True when the digest was there already. The slot is chosen by the high bits, because the low bits
 * are the same in the whole part. */
static bool put(uint64_t *slots, size_t capacity, uint64_t digest)
{
    size_t i = (digest >> BITS_MAX) & (capacity - 1);
    while (slots[i] && slots[i] != digest)
        i = (i + 1) & (capacity - 1);
    const bool was_there = slots[i] == digest;
    slots[i] = digest;
    return was_there;
}

/* Moves the digests of the present part to `capacity` new slots, and drops all others. */
static void move_to(struct check_digests *digests, size_t capacity)
{
    uint64_t *slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        panic("out of memory for %zu digests", digests->count);
    digests->count = 0;
    for (size_t i = 0; i < digests->capacity; i++)
        if (digests->slots[i] && is_of_part(digests, digests->slots[i])) {
            put(slots, capacity, digests->slots[i]);
            digests->count++;
        }
    free(digests->slots);
    digests->slots = slots;
    digests->capacity = capacity;
}

/* Makes room for one more digest: doubles the slots or, when old and new slots together would not
 * fit into memory, halves the part. A part that cannot be halved any more is let over the limit. */
static void make_room(struct check_digests *digests)
{
    if (digests->capacity == 0)
        move_to(digests, FIRST_SLOTS);
    while (digests->count * 4 >= digests->capacity * 3) {
        const bool fits = 3 * digests->capacity * sizeof(uint64_t) <= digests->memory_max;
        if (!fits && digests->bits < BITS_MAX)
            digests->bits++; /* the value stays, so the half whose new bit is 0 is kept */
        move_to(digests,
                fits || digests->bits == BITS_MAX ? 2 * digests->capacity : digests->capacity);
    }
}

bool check_digests_add(struct check_digests *digests, uint64_t digest)
{
    if (digest == 0)
        digest = 1;
    if (!is_of_part(digests, digest))
        return false;
    make_room(digests);
    if (!is_of_part(digests, digest)) /* make_room() has halved the part */
        return false;
    const bool was_there = put(digests->slots, digests->capacity, digest);
    digests->count += !was_there;
    return was_there;
}

/* Walks through the tree of halves: the highest bit that is 0 becomes 1, and the bits above it are
 * dropped, because both of their halves are done. */
bool check_digests_next_part(struct check_digests *digests)
{
    while (digests->bits > 0 && (digests->value >> (digests->bits - 1)) == 1) {
        digests->bits--;
        digests->value &= (UINT64_C(1) << digests->bits) - 1;
    }
    if (digests->bits == 0)
        return false;
    digests->value |= UINT64_C(1) << (digests->bits - 1);
    if (digests->capacity)
        memset(digests->slots, 0, digests->capacity * sizeof(*digests->slots));
    digests->count = 0;
    return true;
}
