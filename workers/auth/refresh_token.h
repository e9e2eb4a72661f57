/* refresh_token.h - the text of a refresh token.
 *
 * "<session id>.<43 characters of base64url>"; the characters stand for 32 bytes: the number of the
 * rotation (4, big-endian), the session's secret (16), and a MAC (12) over the session id and both
 * of these. So a token that was never issued is recognised before anything is looked up, and can do
 * nothing.
 *
 * The previous release issued 32 random bytes in the same place. Such tokens last as long as their
 * session and are recognised by their digest only. */
#ifndef CARTWRIGHT_WORKERS_AUTH_REFRESH_TOKEN_H
#define CARTWRIGHT_WORKERS_AUTH_REFRESH_TOKEN_H

#include "engine/job.h"

#define REFRESH_SECRET_BYTES 16

struct refresh_token {
    struct str session_id;
    uint32_t rotation;
    uint8_t secret[REFRESH_SECRET_BYTES];
    bool is_genuine; /* its MAC is ours */
};

/* False when the text does not have the form of a refresh token. */
MUST_CHECK bool refresh_token_read(struct job *job, struct str text, struct refresh_token *out);
/* The text is always the same for the same session, rotation and secret, while the first master
 * key stays the same. */
struct str refresh_token_write(struct job *job, const struct refresh_token *token);

#endif
