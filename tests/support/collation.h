/* collation.h - the order of texts in the fake store's queries by locale, near to what a real
 * collation makes of European names: letters first, then accents, then case. */
#ifndef CARTWRIGHT_TESTS_COLLATION_H
#define CARTWRIGHT_TESTS_COLLATION_H

#include "base/str.h"

int collation_compare(struct str a, struct str b);

#endif
