/* refresh.c - auth.refresh: exchange a refresh token for new tokens.
 *
 * A token is good once. Two tabs of one browser may send it at the same time, and a reply may be
 * lost; so for a short while the token that was spent last is answered with the very tokens that it
 * was exchanged for. A spent token that comes back later means that two parties hold it, and nobody
 * can tell which of them is the thief: the session ends for both. A token that was never issued has
 * no effect at all. A repeat of the same message is answered from the journal and spends
 * nothing. */
#include "auth/limits.h"
#include "auth/operations.h"
#include "auth/session.h"
#include "schemas/auth.h"

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Only failures are counted, so that others cannot keep out the holder of a good token. */
static enum outcome refuse_token(struct job *job, struct str session_id, struct err *err)
{
    int64_t client_wait_ms = 0;
    int64_t session_wait_ms = 0;
    NEED(job, limit_of_client(job, "refresh", RATE_TAKE, &client_wait_ms),
         str_is_absent(session_id) ||
             limit_at_target(job, "refresh", session_id, RATE_TAKE, &session_wait_ms));
    const int64_t wait_ms = longer(client_wait_ms, session_wait_ms);
    if (wait_ms > 0)
        return refuse_for_now(job, err, wait_ms, "too many refresh tokens that are not valid");
    return err_refuse(err, E_TOKEN_INVALID, "the refresh token is not valid: log in again");
}

static enum outcome end_family(struct job *job, struct session *session, struct err *err)
{
    session_revoke(job, session);
    err_refuse(err, E_TOKEN_REUSED, "the refresh token was used before: its session is ended");
    return refuse_and_keep(job);
}

static enum outcome refresh(struct job *job, const void *request, struct err *err)
{
    const struct auth_refresh_request *req = request;
    struct refresh_token token;
    if (!refresh_token_read(job, req->refresh_token, &token))
        return refuse_token(job, STR_ABSENT, err);

    /* The session is locked only for a token that was issued for it, so that nobody else
     * can take its lock. */
    struct session *known = NULL;
    NEED(job, session_by_id(job, token.session_id, DOC_READ, &known));
    if (!known || session_judge(job, known, &token, req->refresh_token) == TOKEN_FOREIGN)
        return refuse_token(job, token.session_id, err);

    /* DOC_READ is enough: when all sessions are ended meanwhile, the generation makes the new
     * tokens worthless. */
    struct session *session = NULL;
    struct user *user = NULL;
    NEED(job, session_by_id(job, token.session_id, DOC_FOR_UPDATE, &session),
         user_by_id(job, known->user_id, DOC_READ, &user));
    if (!session || !session_is_live(session, user, job_now(job)))
        return refuse_token(job, token.session_id, err);

    switch (session_judge(job, session, &token, req->refresh_token)) {
    case TOKEN_CURRENT:
        return reply(job, &tokens_schema, session_rotate(job, session, user));
    case TOKEN_JUST_SPENT:
        return reply(job, &tokens_schema, session_tokens(job, session, user));
    case TOKEN_SPENT:
        return end_family(job, session, err);
    case TOKEN_FOREIGN:
    default:
        return refuse_token(job, token.session_id, err);
    }
}

static const struct error_code *const errors[] = {E_TOKEN_INVALID, E_TOKEN_REUSED, NULL};

const struct operation auth_refresh = {
    .name = "auth.refresh",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_refresh_schema,
    .handle = refresh,
    .summary = "Exchange a refresh token for new tokens",
    .reply = &tokens_schema,
    .errors = errors,
    .secret_reply = true,
};
