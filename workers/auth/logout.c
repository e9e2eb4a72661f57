/* logout.c - auth.logout: end one session, or all of the caller's.
 *
 * Whoever holds a refresh token may end its session, with or without an access token, so that a
 * client whose access token has expired can log out. A spent token serves as well, and a token
 * whose session has already ended changes nothing. A token that was never issued, or that belongs
 * to another user than the caller, is not valid. */
#include "auth/operations.h"
#include "auth/session.h"
#include "schemas/auth.h"

static enum outcome refuse_token(struct err *err)
{
    return err_refuse(err, E_TOKEN_INVALID, "the refresh token is not valid");
}

static bool is_callers(const struct job *job, const struct session *session)
{
    const struct caller *caller = job_caller(job);
    return caller->role == GUEST || str_eq(session->user_id, caller->id);
}

static enum outcome end_session(struct job *job, struct str text, struct err *err)
{
    struct refresh_token token;
    if (!refresh_token_read(job, text, &token))
        return refuse_token(err);
    struct session *known = NULL;
    NEED(job, session_by_id(job, token.session_id, DOC_READ, &known));
    if (!known || session_judge(job, known, &token, text) == TOKEN_FOREIGN ||
        !is_callers(job, known))
        return refuse_token(err);

    struct session *session = NULL;
    NEED(job, session_by_id(job, token.session_id, DOC_FOR_UPDATE, &session));
    if (session && !session->revoked)
        session_revoke(job, session);
    return reply_empty(job);
}

static enum outcome end_all(struct job *job, struct err *err)
{
    struct user *user = NULL;
    TRY(job_need_caller(job, err));
    NEED(job, user_by_id(job, job_caller(job)->id, DOC_FOR_UPDATE, &user));
    if (user) {
        user->generation++;
        job_changed(job, user);
        job_account_changed(job, user->head.id);
    }
    return reply_empty(job);
}

static enum outcome log_out(struct job *job, const void *request, struct err *err)
{
    const struct auth_logout_request *req = request;
    return str_is_absent(req->refresh_token) ? end_all(job, err)
                                             : end_session(job, req->refresh_token, err);
}

static const struct error_code *const errors[] = {E_TOKEN_INVALID, NULL};

const struct operation auth_logout = {
    .name = "auth.logout",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_logout_schema,
    .handle = log_out,
    .summary = "End the session of a refresh token, or all of the caller's without one",
    .errors = errors,
};
