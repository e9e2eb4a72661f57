/* caller.h - the caller of a message, sealed onto the copies that we make of it.
 *
 * A message that waits in the delays may outlive its access token, and a dead letter is sent again
 * days later. The caller was verified when the message was admitted; the copy carries the caller
 * under a seal of ours. The seal holds for this one message, word for word, in this one attempt:
 * nobody can move it to another operation, body, queue or id, and after its end it is worth
 * nothing.
 *
 * There are two kinds of seals, and neither is taken for the other. A lane believes the seal of a
 * copy, and only on a message that comes out of the delays. The seal of a letter is for the
 * operator's commands, which make a seal of the first kind when they send the letter again. */
#ifndef CARTWRIGHT_ENGINE_CALLER_H
#define CARTWRIGHT_ENGINE_CALLER_H

#include "crypto/auth.h"
#include "engine/job.h"

enum caller_seal { COPY_SEAL, LETTER_SEAL };

/* How late a copy may be, ms, because the broker was away, while its seal still holds. */
#define COPY_SEAL_SLACK_MS MS_PER_DAY

/* What a seal is bound to. A partition's queue counts as its domain's queue, because the number of
 * partitions may change before an operator sends a dead letter again. */
struct sealed_message {
    struct str queue; /* where it will be received (a copy) or was received (a letter) */
    struct str operation;
    struct str message_id;
    struct str body;
    int64_t attempt; /* x-attempt of the copy */
};

/* Returns the value of header x-caller, in the arena. `until_ms`: the end of the seal, ms
 * since 1970; INT64_MAX: none. */
struct str caller_seal(struct arena *arena, const struct auth_keys *keys, enum caller_seal kind,
                       const struct sealed_message *message, const struct caller *caller,
                       int64_t until_ms);
/* True when we made this seal for this very message and it has not ended. *out lives in the
 * arena; it has no id for a guest, and its token_issued_at is 0, because only the account counts
 * now, not the token's word. */
MUST_CHECK bool caller_unseal(struct arena *arena, const struct auth_keys *keys,
                              enum caller_seal kind, const struct sealed_message *message,
                              struct str sealed, int64_t now_ms, struct caller *out);

#endif
