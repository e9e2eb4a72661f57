/* schema_pattern.h - the compiled patterns of all schemas; only for schema.c. */
#ifndef CARTWRIGHT_WIRE_SCHEMA_PATTERN_H
#define CARTWRIGHT_WIRE_SCHEMA_PATTERN_H

#include "base/err.h"
#include "base/str.h"

/* Compiles a pattern unless it is known already. It is found again by its address, so it must be a
 * constant of the program. OUTCOME_BUG when it does not compile or there are too many of them. */
MUST_CHECK enum outcome schema_pattern_add(const char *pattern, struct err *err);
/* `s` must be UTF-8. A pattern that was not added is a panic. */
bool schema_pattern_matches(const char *pattern, struct str s);

#endif
