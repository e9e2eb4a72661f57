/* logout.c - auth.logout: end one session of the caller, or all of them.
 *
 * Always succeeds: a token that means nothing, or is another user's, ends nothing and tells
 * nothing. */
#include "auth/operations.h"
#include "auth/session.h"
#include "schemas/auth.h"

static enum outcome end_session(struct job *job, struct str refresh_token)
{
    struct str session_id = STR_ABSENT;
    if (!refresh_token_parse(job_arena(job), refresh_token, &session_id))
        return reply_empty(job);
    struct session *session = NULL;
    NEED(job, session_by_id(job, session_id, FOR_UPDATE, &session));
    if (session && !session->revoked && str_eq(session->user_id, job_caller(job)->id))
        session_revoke(job, session);
    return reply_empty(job);
}

static enum outcome end_all(struct job *job)
{
    struct user *user = NULL;
    NEED(job, user_by_id(job, job_caller(job)->id, FOR_UPDATE, &user));
    if (user) {
        user->generation++;
        job_changed(job, user);
    }
    return reply_empty(job);
}

static enum outcome log_out(struct job *job, const void *request, struct err *err)
{
    (void)err;
    const struct auth_logout_request *req = request;
    if (str_is_absent(req->refresh_token))
        return end_all(job);
    return end_session(job, req->refresh_token);
}

const struct operation auth_logout = {
    .name = "auth.logout",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &auth_logout_schema,
    .handle = log_out,
    .summary = "End the session of a refresh token, or all sessions without one",
};
