/* config_guess.c - finds the name that was probably meant by one that does not exist. */
#include "config/config_parts.h"

#define NAME_MAX_LEN 96 /* longer names are not suggested */

static size_t least(size_t a, size_t b, size_t c)
{
    const size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Computes the Levenshtein distance, one row of the table at a time. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t replaced = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.len];
}

void config_consider(struct config_guess *guess, struct str candidate)
{
    if (candidate.len > NAME_MAX_LEN)
        return;
    const size_t distance = edit_distance(guess->written, candidate);
    if (guess->best.ptr && distance >= guess->distance)
        return;
    guess->best = candidate;
    guess->distance = distance;
}

struct str config_did_you_mean(struct arena *arena, const struct config_guess *guess)
{
    if (!guess->best.ptr || guess->distance > 3 || 3 * guess->distance > guess->best.len)
        return STR("");
    return str_printf(arena, "; did you mean '%.*s'?", STR_FMT(guess->best));
}
