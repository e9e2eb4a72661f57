/* match.h - whether what came is what a script expects.
 *
 * Objects match when every named member matches; lists match element by element and must be equally
 * long. "*" matches anything that is there, "-" a member that is missing. */
#ifndef CARTWRIGHT_TESTS_FLOW_MATCH_H
#define CARTWRIGHT_TESTS_FLOW_MATCH_H

#include "wire/json.h"

/* False fills *why with the place and both values. got NULL: missing. */
MUST_CHECK bool match(struct arena *arena, const struct json *want, const struct json *got,
                      struct str *why);
/* Each element of the list `want` matches some element of the list `got`. */
MUST_CHECK bool match_some(struct arena *arena, const struct json *want, const struct json *got,
                           struct str *why);
/* Any JSON value, not only an object; NULL fills *why. */
const struct json *json_value(struct arena *arena, struct str text, struct str *why);

#endif
