/* seed.h - documents that a script finds, and documents as it looks at them: straight through the
 * store, the same way on fakes and on a real server. */
#ifndef CARTWRIGHT_TESTS_FLOW_SEED_H
#define CARTWRIGHT_TESTS_FLOW_SEED_H

#include "flow/world.h"
#include "wire/json.h"

/* An account with a session; the token is signed by the shop's key, and over when `expired`. */
struct seed_user {
    struct str id;
    struct str session;
    struct str token;
};

MUST_CHECK enum outcome seed_user(struct world *world, struct arena *arena, struct str name,
                                  enum who role, bool expired, struct seed_user *out,
                                  struct err *err);

/* NULL when there is no such collection. */
const struct doc_type *seed_type(const struct world *world, struct str collection);
/* The document as JSON; absent when there is none. */
MUST_CHECK enum outcome seed_document(struct world *world, struct arena *arena,
                                      const struct doc_type *type, struct str id, struct str *out,
                                      struct err *err);
/* How many documents have these values; `fields` is a JSON object or NULL. */
MUST_CHECK enum outcome seed_count(struct world *world, struct arena *arena,
                                   const struct doc_type *type, const struct json *fields,
                                   int64_t *out, struct err *err);

#endif
