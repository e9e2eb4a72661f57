/* wishlist.h - the wishlist: one document per user (its id is the user's id), the newest line first.
 *
 * A line names a product; name, price and stock are those of today. A line whose product cannot be
 * read is kept, and is not shown. */
#ifndef CARTWRIGHT_WORKERS_WISHLIST_WISHLIST_H
#define CARTWRIGHT_WORKERS_WISHLIST_WISHLIST_H

#include "cart/cart.h"
#include "schemas/wishlist.h"

#define WISHLIST_LINES_MAX 200

/* A need: the caller's list, and the product with this id or SKU; *line is its line, or NULL. */
bool wishlist_find(struct job *job, struct str id, struct str sku, struct wishlist **list,
                   struct product **product, struct wishlist_line **line);
/* Ends an operation: stores a list that was changed and emits wishlist.changed; *out is the wire form
 * "Wishlist". Returns NEED as a handler does. */
MUST_CHECK enum outcome wishlist_end(struct job *job, struct wishlist *list, bool is_changed,
                                     struct wishlist_shown **out);
/* The same, and replies it. */
enum outcome wishlist_reply(struct job *job, struct wishlist *list, bool is_changed);

extern const struct domain wishlist_domain;
extern const struct invariant wishlists_invariant;
extern const struct error_code E_LIST_FULL[1];

#endif
