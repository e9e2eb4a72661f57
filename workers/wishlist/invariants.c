/* invariants.c - wishlists keep their limit and name each product once. */
#include "wishlist/wishlist.h"

#include "checker/invariant.h"

static void check_wishlist(struct check *check, const void *doc)
{
    const struct wishlist *list = doc;
    const struct wishlist_line *lines = list->lines.items;
    if (list->lines.count > WISHLIST_LINES_MAX)
        check_found(check, "wishlists", list->head.id, "it has %zu lines", list->lines.count);
    for (size_t i = 0; i < list->lines.count; i++)
        if (LIST_FIND(list->lines, product_id, lines[i].product_id) != &lines[i])
            check_found(check, "wishlists", list->head.id, "the product %.*s stands there twice",
                        STR_FMT(lines[i].product_id));
}

const struct invariant wishlists_invariant = {
    .name = "wishlists",
    .summary = "at most 200 lines, each of another product",
    .type = &wishlist_type,
    .visit = check_wishlist,
};
