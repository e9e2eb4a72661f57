/* caller.h - who sent a message, sealed onto the copies that we make of it.
 *
 * A message that waits in the delays may outlive its access token, and a dead letter is sent again
 * days later. Its caller was verified when it was admitted; the copy carries that under a seal of
 * ours. The seal holds for this one message, word for word, in this one attempt: nobody can take it to
 * another operation, body, queue or id, and after its end it is worth nothing.
 *
 * There are two kinds, and neither is taken for the other. A lane believes the seal of a copy, and
 * only on what comes out of the delays. The seal of a letter is for the operator's commands, who make
 * one of the first kind when they send the letter again. */
#ifndef CARTWRIGHT_ENGINE_CALLER_H
#define CARTWRIGHT_ENGINE_CALLER_H

#include "crypto/auth.h"
#include "engine/job.h"

enum caller_seal { COPY_SEAL, LETTER_SEAL };

/* A copy may be as late as this, when the broker was away, and its seal still holds, ms. */
#define COPY_SEAL_SLACK_MS MS_PER_DAY

/* What a seal is bound to. A partition's queue counts as its domain's: their number may change before
 * an operator sends a dead letter again. */
struct sealed_message {
    struct str queue; /* where it will be received (copy), or was (letter) */
    struct str operation;
    struct str message_id;
    struct str body;
    int64_t attempt; /* of the copy: its x-attempt */
};

/* `until_ms`: the seal's end, ms since epoch; INT64_MAX: none. Header x-caller. */
struct str caller_seal(struct arena *arena, const struct auth_keys *keys, enum caller_seal kind,
                       const struct sealed_message *message, const struct caller *caller,
                       int64_t until_ms);
/* True when we sealed this for this very message and it has not ended; *out (a guest's id is absent)
 * lives in the arena. token_issued_at is 0: what a token said counts no more than the account. */
MUST_CHECK bool caller_unseal(struct arena *arena, const struct auth_keys *keys,
                              enum caller_seal kind, const struct sealed_message *message,
                              struct str sealed, int64_t now_ms, struct caller *out);

#endif
