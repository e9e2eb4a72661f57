/* session.h - a log-in and its refresh tokens.
 *
 *   log-in ──> live ──┬─ rotate ──> live (a new token, the old one is spent)
 *                     ├─ a spent token comes back at once ──> live (the same new token again)
 *                     ├─ a spent token comes back later ──> revoked
 *                     └─ log-out ──> revoked
 *
 * A session lasts until it is revoked, is not used for a while (idle), reaches its absolute end, or
 * its user's generation moves on (all sessions were logged out, or the role changed). The
 * generation is a count and not a time, so that neither differing clocks nor two log-ins in one
 * millisecond matter.
 *
 * One log-in and all its rotated refresh tokens (a family) are one document. What is stored makes no
 * token without the master key, and the master key makes none without what is stored. */
#ifndef CARTWRIGHT_WORKERS_AUTH_SESSION_H
#define CARTWRIGHT_WORKERS_AUTH_SESSION_H

#include "auth/refresh_token.h"
#include "auth/user.h"
#include "schemas/auth.h"

/* `now` in ms. When `user` is NULL, the account is gone, and the session with it. */
bool session_is_live(const struct session *session, const struct user *user, int64_t now);
/* How a token that names a session stands to that session. */
enum token_standing {
    TOKEN_CURRENT,
    TOKEN_JUST_SPENT, /* spent within auth.refreshGrace: another tab was first */
    TOKEN_SPENT,      /* two parties hold it, and nobody can tell which of them is the thief */
    TOKEN_FOREIGN,    /* it was never issued for this session */
};

/* `token` is what refresh_token_read() made of `text`. */
enum token_standing session_judge(struct job *job, const struct session *session,
                                  const struct refresh_token *token, struct str text);
/* Ends the session, its tokens included. It must come from DOC_FOR_UPDATE. */
void session_revoke(struct job *job, struct session *session);

/* --- what a client gets ----------------------------------------------------------------------- */

/* Begins a session of the user. The tokens live in the job's arena, like those below. */
struct login *session_begin(struct job *job, const struct user *user);
/* Spends the refresh token and gives new tokens. `session` must come from DOC_FOR_UPDATE. */
struct login *session_rotate(struct job *job, struct session *session, const struct user *user);
/* Gives the tokens of the last rotation once more. */
struct login *session_tokens(struct job *job, const struct session *session,
                             const struct user *user);

#endif
