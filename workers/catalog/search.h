/* search.h - how products are found by words.
 *
 * Every word of a search must be found, in the name, in the name of the category or of one above
 * it, in the description, or as the SKU (as a whole only); the last word may be unfinished. Case,
 * accents and apostrophes make no difference. Words of one or two characters are looked for only at
 * the beginnings of words of the name and of the SKU. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_SEARCH_H
#define CARTWRIGHT_WORKERS_CATALOG_SEARCH_H

#include "catalog/catalog.h"

/* Keys of one product at most; a description with more words is found by its first ones. */
#define SEARCH_KEYS_MAX 1000

/* Sets the product's keys to those of its texts, in the arena; false when it had them already. */
bool product_index(struct arena *arena, struct product *product);

/* True when the text has nothing but blanks, which is no search. */
bool search_is_blank(struct str search);
/* Adds to `query` what the search asks for. Of more than QUERY_ANY_MAX words (or pairs of
 * characters) only the first ones count; a text without any word finds nothing. Returns NEED
 * as a handler does. */
MUST_CHECK enum outcome search_add(struct job *job, struct str search, struct query *query);

#endif
