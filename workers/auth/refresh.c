/* refresh.c - auth.refresh: exchange a refresh token for new tokens.
 *
 * A token is good once. One that comes back after it was spent means that two parties hold it, and
 * nobody can tell which is the thief: the session ends for both. A repeat of the same message is
 * answered from the journal and spends nothing. */
#include "auth/operations.h"
#include "auth/session.h"
#include "errors.h"
#include "schemas/auth.h"

static enum outcome refuse_token(struct err *err)
{
    return refuse(err, TOKEN_INVALID, "the refresh token is not valid: log in again");
}

static enum outcome refresh(struct job *job, const void *request, struct err *err)
{
    const struct auth_refresh_request *req = request;
    struct str session_id = STR_ABSENT;
    if (!refresh_token_parse(job_arena(job), req->refresh_token, &session_id))
        return refuse_token(err);

    struct session *session = NULL;
    NEED(job, session_by_id(job, session_id, FOR_UPDATE, &session));
    if (!session)
        return refuse_token(err);

    /* Only READ: when all are logged out meanwhile, the generation gives the new tokens away. */
    struct user *user = NULL;
    NEED(job, user_by_id(job, session->user_id, READ, &user));
    if (!session_is_live(session, user, job_now(job)))
        return refuse_token(err);

    if (!session_knows(job, session, req->refresh_token)) {
        session_revoke(job, session);
        refuse(err, TOKEN_REUSED, "the refresh token was used before: its session is ended");
        return refuse_and_keep(job);
    }
    return reply(job, &tokens_shape, session_rotate(job, session, user));
}

static const struct error_code *const errors[] = {TOKEN_INVALID, TOKEN_REUSED, NULL};

const struct operation auth_refresh = {
    .name = "auth.refresh",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_refresh_schema,
    .handle = refresh,
    .summary = "Exchange a refresh token for new tokens",
    .reply = &tokens_shape,
    .errors = errors,
    .secret_reply = true,
};
