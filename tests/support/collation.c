/* collation.c - the order of texts in the fake store's queries by locale. */
#include "support/collation.h"

#include "base/arena.h"
#include "fold.h"

/* First without accents and case; then what has accents is longer, and comes later; then lower case
 * comes before upper case. */
int collation_compare(struct str a, struct str b)
{
    struct arena arena;
    arena_init(&arena, 1024);
    const int letters = str_cmp(fold_text(&arena, a), fold_text(&arena, b));
    arena_release(&arena);
    if (letters)
        return letters;
    return a.len != b.len ? (a.len < b.len ? -1 : 1) : -str_cmp(a, b);
}
