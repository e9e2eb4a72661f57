/* session.c - sessions. A refresh token is good once, and no refresh token is ever stored. */
#include "auth/session.h"

#include <inttypes.h>

#include "crypto/auth.h"
#include "settings.h"

bool session_is_live(const struct session *session, const struct user *user, int64_t now)
{
    return user && str_eq(session->user_id, user->head.id) &&
           session->generation == user->generation && !session->revoked &&
           session->idle_until > now && session->expires_at > now;
}

/* --- which token is good ------------------------------------------------------------------------ */

static bool has_digest(struct job *job, const struct session *session, struct str token)
{
    const struct str digest = job_secret_digest(job, token);
    return digest.len == session->digest.len &&
           auth_equal(digest.ptr, session->digest.ptr, digest.len);
}

static bool has_secret(struct job *job, const struct session *session,
                       const struct refresh_token *token)
{
    const struct str secret = base64url(job_arena(job), token->secret, sizeof(token->secret));
    return secret.len == session->secret.len &&
           auth_equal(secret.ptr, session->secret.ptr, secret.len);
}

static bool is_within_grace(struct job *job, const struct session *session)
{
    return job_now(job) < session->rotated_at + shop_settings(job)->refresh_grace_ms;
}

enum token_standing session_judge(struct job *job, const struct session *session,
                                  const struct refresh_token *token, struct str text)
{
    if (!token->is_genuine)
        return has_digest(job, session, text) ? TOKEN_CURRENT : TOKEN_FOREIGN;
    /* A lane of the previous release drops the secret when it writes the session. */
    if (str_is_absent(session->secret))
        return has_digest(job, session, text) ? TOKEN_CURRENT : TOKEN_SPENT;
    if (!has_secret(job, session, token))
        return TOKEN_SPENT;
    if (token->rotation == session->rotation)
        return TOKEN_CURRENT;
    const bool was_last = token->rotation == session->rotation - 1;
    return was_last && is_within_grace(job, session) ? TOKEN_JUST_SPENT : TOKEN_SPENT;
}

void session_revoke(struct job *job, struct session *session)
{
    session->revoked = true;
    job_changed(job, session);
    job_account_changed(job, session->user_id);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void make_secret(struct job *job, struct session *session)
{
    uint8_t secret[REFRESH_SECRET_BYTES];
    job_random(job, "refresh", secret, sizeof(secret));
    session->secret = base64url(job_arena(job), secret, sizeof(secret));
}

static struct str refresh_token_of(struct job *job, const struct session *session)
{
    struct refresh_token token = {.session_id = session->head.id,
                                  .rotation = (uint32_t)session->rotation};
    struct str secret;
    if (!base64url_decode(job_arena(job), session->secret, &secret) ||
        secret.len != sizeof(token.secret))
        panic("session %.*s has a secret that was not written here", STR_FMT(session->head.id));
    memcpy(token.secret, secret.ptr, secret.len);
    return refresh_token_write(job, &token);
}

static struct str access_token_of(struct job *job, const struct session *session,
                                  const struct user *user)
{
    return job_access_token(job, &(struct access_grant){
                                     .user_id = user->head.id,
                                     .role = (enum who)user->role,
                                     .session = session->head.id,
                                     .id = str_printf(job_arena(job), "%.*s-%" PRId64,
                                                      STR_FMT(session->head.id), session->rotation),
                                     .issued_at = session->rotated_at,
                                 });
}

struct login *session_tokens(struct job *job, const struct session *session,
                             const struct user *user)
{
    struct login *login = ARENA_NEW(job_arena(job), struct login);
    login->user = *user;
    login->access_token = access_token_of(job, session, user);
    login->refresh_token = refresh_token_of(job, session);
    login->expires_in = shop_settings(job)->access_token_ms / MS_PER_SECOND;
    return login;
}

/* Gives the session its next token and a new idle time. */
static struct login *renew(struct job *job, struct session *session, const struct user *user)
{
    if (str_is_absent(session->secret))
        make_secret(job, session);
    session->rotation++;
    session->rotated_at = job_now(job);
    session->idle_until =
        earlier(job_now(job) + shop_settings(job)->refresh_idle_ms, session->expires_at);
    struct login *login = session_tokens(job, session, user);
    session->digest = job_secret_digest(job, login->refresh_token);
    return login;
}

struct login *session_begin(struct job *job, const struct user *user)
{
    struct session *session = ARENA_NEW(job_arena(job), struct session);
    session->head.id = job_new_id(job);
    session->user_id = user->head.id;
    session->generation = user->generation;
    session->expires_at = job_now(job) + shop_settings(job)->refresh_absolute_ms;
    struct login *login = renew(job, session, user);
    job_insert(job, &session_type, session);
    return login;
}

struct login *session_rotate(struct job *job, struct session *session, const struct user *user)
{
    struct login *login = renew(job, session, user);
    job_changed(job, session);
    return login;
}
