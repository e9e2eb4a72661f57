/* search.h - how products are found by words.
 *
 * Every word of a search must be found, in the name, in the name of the category or of one above
 * it, in the description, or as the SKU (which counts whole only); the last word may be unfinished.
 * Case, accents and apostrophes make no difference. Words of one or two characters are looked for
 * where names and SKUs begin with them. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_SEARCH_H
#define CARTWRIGHT_WORKERS_CATALOG_SEARCH_H

#include "catalog/catalog.h"

/* Of the keys of one product; descriptions with more words are found by the first ones. */
#define SEARCH_KEYS_MAX 1000

/* Sets the product's keys to what its texts say; false when they said so already. */
bool product_index(struct arena *arena, struct product *product);

/* True when there is nothing in it but blanks: that is no search. */
bool search_is_blank(struct str search);
/* NEED; adds to `query` what a search asks for. Of more than QUERY_ANY_MAX words (or pairs of
 * characters) the first ones count. */
MUST_CHECK enum outcome search_add(struct job *job, struct str search, struct query *query);

#endif
