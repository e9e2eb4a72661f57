/* session.h - a log-in and its refresh tokens.
 *
 *   log-in ──> live ──┬─ rotate ──> live (a new token, the old one is spent)
 *                     ├─ a spent token comes back ──> revoked
 *                     └─ log-out ──> revoked
 *
 * A session lasts until it is revoked, is not used for a while (idle), reaches its absolute end, or
 * its user's generation moves on (log-out of all, another role): a count, not a time, so that
 * neither clocks that differ nor two log-ins in one millisecond matter. */
#ifndef CARTWRIGHT_WORKERS_AUTH_SESSION_H
#define CARTWRIGHT_WORKERS_AUTH_SESSION_H

#include "auth/user.h"

/* One log-in and all its rotated refresh tokens ("family"). The refresh token is
 * "<id>.<43 characters of base64url>"; only its digest is stored. */
struct session {
    struct doc_head head;
    struct str user_id;
    int64_t generation; /* the user's when it began */
    struct str digest;  /* FIELD_SECRET: of the one token that is good now */
    int64_t idle_until; /* ms */
    int64_t expires_at; /* ms, absolute; a TTL index removes it */
    bool revoked;
};

extern const struct doc_type session_type;

bool session_by_id(struct job *job, struct str id, enum access access, struct session **out);
/* user NULL: the account is gone, and with it the session. */
bool session_is_live(const struct session *session, const struct user *user, int64_t now);
/* The token is the one that is good now; compared in constant time. */
bool session_knows(struct job *job, const struct session *session, struct str refresh_token);
/* `session` came from FOR_UPDATE. */
void session_revoke(struct job *job, struct session *session);

/* The session id in front; false when the text has not the form of a refresh token. */
MUST_CHECK bool refresh_token_parse(struct arena *arena, struct str token, struct str *session_id);
/* secret: 32 bytes */
#define REFRESH_SECRET_BYTES 32
struct str refresh_token_text(struct arena *arena, struct str session_id,
                              const uint8_t secret[REFRESH_SECRET_BYTES]);

/* --- what a client gets ----------------------------------------------------------------------- */

struct tokens {
    const struct user *user;
    struct str access_token;
    struct str refresh_token;
    int64_t expires_in; /* seconds, of the access token */
};

extern const struct shape tokens_shape; /* "Tokens": without the user */
extern const struct shape login_shape;  /* the user and the tokens */

/* Begins a session of the user. */
struct tokens *session_begin(struct job *job, const struct user *user);
/* New tokens; the old refresh token is spent. `session` came from FOR_UPDATE. */
struct tokens *session_rotate(struct job *job, struct session *session, const struct user *user);

#endif
