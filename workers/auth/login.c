/* login.c - auth.login: begin a session by email and password.
 *
 * An unknown email and a wrong password look alike, in the answer and in the time it takes. Each try
 * is counted before the password is looked at, so that a hundred tries at once are a hundred; a
 * success is given back, so nobody is locked out by his own log-ins. The limit is that of an email,
 * known or not. */
#include "auth/limits.h"
#include "auth/operations.h"
#include "auth/session.h"
#include "errors.h"
#include "schemas/auth.h"

static bool count_try(struct job *job, struct str email, enum rate_use use, int64_t *wait_ms)
{
    return limit_at_target(job, "login", user_email_key(job_arena(job), email), use, wait_ms);
}

static enum outcome log_in(struct job *job, const void *request, struct err *err)
{
    const struct auth_login_request *req = request;
    struct user *user = NULL;
    int64_t wait_ms = 0;
    NEED(job, count_try(job, req->email, RATE_TAKE, &wait_ms),
         user_by_email(job, req->email, READ, &user));
    if (wait_ms > 0)
        return refuse_for_now(job, err, wait_ms, "too many failed log-ins: try again later");

    bool matches = false;
    const struct str hash = user ? user->password_hash : STR_ABSENT;
    NEED(job, job_password_verify(job, hash, req->password, &matches));
    if (!matches)
        return refuse(err, INVALID_CREDENTIALS, "wrong email or password");
    NEED(job, count_try(job, req->email, RATE_GIVE_BACK, &wait_ms));
    return reply(job, &login_shape, session_begin(job, user));
}

static const struct error_code *const errors[] = {INVALID_CREDENTIALS, NULL};

const struct operation auth_login = {
    .name = "auth.login",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_login_schema,
    .handle = log_in,
    .summary = "Begin a session by email and password",
    .reply = &login_shape,
    .errors = errors,
    .secret_reply = true,
    .hashes = true,
};
