/* session.c - sessions: a refresh token is good once, and only its digest is ever stored. */
#include "auth/session.h"

#include "auth/auth.h"
#include "settings.h"

#define SECRET_TEXT 43 /* base64url of 32 bytes */

/* Expired sessions stay for a day, because the clocks of servers differ. A late refresh is told the
 * same either way. */
#define KEEP_EXPIRED_S (24 * 60 * 60)

static const struct field session_fields[] = {
    DOC_FIELDS(struct session, FIELD_ID),
    {.name = "userId", .kind = FIELD_ID, .offset = offsetof(struct session, user_id)},
    {.name = "generation", .kind = FIELD_INT, .offset = offsetof(struct session, generation)},
    {.name = "digest",
     .kind = FIELD_STR,
     .flags = FIELD_SECRET,
     .offset = offsetof(struct session, digest)},
    {.name = "idleUntil", .kind = FIELD_TIME, .offset = offsetof(struct session, idle_until)},
    {.name = "expiresAt", .kind = FIELD_TIME, .offset = offsetof(struct session, expires_at)},
    {.name = "revoked", .kind = FIELD_BOOL, .offset = offsetof(struct session, revoked)},
};

static const struct shape session_shape = SHAPE("Session", struct session, session_fields);

static const struct doc_index session_indexes[] = {
    {.name = "expiresAt", .keys = "expiresAt:1", .expire_after_s = KEEP_EXPIRED_S},
};

const struct doc_type session_type = {.collection = "sessions",
                                      .shape = &session_shape,
                                      .indexes = session_indexes,
                                      .index_count = 1};

/* The first row is left out of "Tokens". */
static const struct field login_fields[] = {
    {.name = "user",
     .kind = FIELD_STRUCT,
     .offset = offsetof(struct tokens, user),
     .shape = &user_view_shape},
    {.name = "accessToken", .kind = FIELD_STR, .offset = offsetof(struct tokens, access_token)},
    {.name = "refreshToken", .kind = FIELD_STR, .offset = offsetof(struct tokens, refresh_token)},
    {.name = "expiresIn", .kind = FIELD_INT, .offset = offsetof(struct tokens, expires_in)},
};

const struct shape login_shape = SHAPE("LogIn", struct tokens, login_fields);

const struct shape tokens_shape = {
    .name = "Tokens", .size = sizeof(struct tokens), .fields = login_fields + 1, .field_count = 3};

bool session_by_id(struct job *job, struct str id, enum access access, struct session **out)
{
    void *doc = NULL;
    if (!job_doc(job, &session_type, id, access, &doc))
        return false;
    *out = doc;
    return true;
}

bool session_is_live(const struct session *session, const struct user *user, int64_t now)
{
    return user && str_eq(session->user_id, user->head.id) &&
           session->generation == user->generation && !session->revoked &&
           session->idle_until > now && session->expires_at > now;
}

bool session_knows(struct job *job, const struct session *session, struct str refresh_token)
{
    const struct str digest = job_secret_digest(job, refresh_token);
    return digest.len == session->digest.len &&
           auth_equal(digest.ptr, session->digest.ptr, digest.len);
}

void session_revoke(struct job *job, struct session *session)
{
    session->revoked = true;
    job_changed(job, session);
}

/* --- tokens ----------------------------------------------------------------------------------- */

static bool is_base64url(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool refresh_token_parse(struct arena *arena, struct str token, struct str *session_id)
{
    if (token.len != ID_TEXT + 1 + SECRET_TEXT || token.ptr[ID_TEXT] != '.')
        return false;
    for (size_t i = ID_TEXT + 1; i < token.len; i++)
        if (!is_base64url(token.ptr[i]))
            return false;
    const struct str id = {token.ptr, ID_TEXT};
    if (!id_is_valid(id))
        return false;
    *session_id = str_dup(arena, id);
    return true;
}

struct str refresh_token_text(struct arena *arena, struct str session_id,
                              const uint8_t secret[REFRESH_SECRET_BYTES])
{
    const struct str text = base64url(arena, secret, REFRESH_SECRET_BYTES);
    return str_printf(arena, "%.*s.%.*s", STR_FMT(session_id), STR_FMT(text));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Gives the session a new secret and a new time to idle. */
static struct tokens *renew(struct job *job, struct session *session, const struct user *user)
{
    const struct shop_settings *settings = shop_settings(job);
    uint8_t secret[REFRESH_SECRET_BYTES];
    job_random(job, "refresh", secret, sizeof(secret));

    struct tokens *tokens = ARENA_NEW(job_arena(job), struct tokens);
    tokens->user = user;
    tokens->access_token =
        job_access_token(job, user->head.id, (enum who)user->role, session->head.id);
    tokens->refresh_token = refresh_token_text(job_arena(job), session->head.id, secret);
    tokens->expires_in = settings->access_token_ms / MS_PER_SECOND;

    session->digest = job_secret_digest(job, tokens->refresh_token);
    session->idle_until = earlier(job_now(job) + settings->refresh_idle_ms, session->expires_at);
    return tokens;
}

struct tokens *session_begin(struct job *job, const struct user *user)
{
    struct session *session = ARENA_NEW(job_arena(job), struct session);
    session->head.id = job_new_id(job);
    session->user_id = user->head.id;
    session->generation = user->generation;
    session->expires_at = job_now(job) + shop_settings(job)->refresh_absolute_ms;
    struct tokens *tokens = renew(job, session, user);
    job_insert(job, &session_type, session);
    return tokens;
}

struct tokens *session_rotate(struct job *job, struct session *session, const struct user *user)
{
    struct tokens *tokens = renew(job, session, user);
    job_changed(job, session);
    return tokens;
}
