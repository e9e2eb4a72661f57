/* raw.h - documents as the database has them: with fields that no table of this release knows. */
#ifndef CARTWRIGHT_TESTS_FLOW_RAW_H
#define CARTWRIGHT_TESTS_FLOW_RAW_H

#include "flow/world.h"
#include "wire/json.h"

/* Sets members of a stored document behind everybody's back: {"color": "blue", "lines.0.gift": true};
 * null takes one out. False, with a reason, when there is no such document. */
MUST_CHECK bool raw_alter(struct world *world, struct arena *arena, const struct doc_type *type,
                          struct str id, const struct json *changes, struct str *why);
/* Deletes every document of every collection of real servers, also those that this release cannot
 * read; the journal stays. */
MUST_CHECK enum outcome raw_wipe(struct world *world, struct err *err);
/* The document as relaxed extended JSON; absent when there is none. */
struct str raw_look(struct world *world, struct arena *arena, const struct doc_type *type,
                    struct str id);

#endif
