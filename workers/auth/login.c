/* login.c - auth.login: begin a session by email and password.
 *
 * An unknown email and a wrong password look alike, in the answer and in the work. Each try is
 * counted before the password is checked, so that a hundred tries at once count as a hundred; a
 * successful try is given back, so that nobody is locked out by their own log-ins. One client is
 * limited at each email, known or not; all clients together have a wider limit at an email, so that
 * one client alone keeps nobody out. A hash from a time when hashing cost less is made anew here,
 * where the password is at hand. */
#include "auth/limits.h"
#include "auth/operations.h"
#include "auth/session.h"
#include "schemas/auth.h"

static enum outcome refuse_try(struct job *job, int64_t wait_ms, struct err *err)
{
    return refuse_for_now(job, err, wait_ms, "too many failed log-ins: try again later");
}

/* A try that the client's own limit refuses must not count for the account: otherwise one client
 * would keep out all others. */
static enum outcome count_try(struct job *job, struct str account, struct err *err)
{
    int64_t wait_ms = 0;
    NEED(job, limit_at_target(job, "login", account, RATE_TAKE, &wait_ms));
    if (wait_ms > 0)
        return refuse_try(job, wait_ms, err);
    NEED(job, limit_of_account(job, "logins", account, RATE_TAKE, &wait_ms));
    return wait_ms > 0 ? refuse_try(job, wait_ms, err) : OUTCOME_DONE;
}

static enum outcome give_back_try(struct job *job, struct str account)
{
    int64_t wait_ms;
    NEED(job, limit_at_target(job, "login", account, RATE_GIVE_BACK, &wait_ms),
         limit_of_account(job, "logins", account, RATE_GIVE_BACK, &wait_ms));
    return OUTCOME_DONE;
}

/* Hashes the password anew and stores that. *user becomes the copy that may be changed. */
static enum outcome renew_hash(struct job *job, struct str password, struct user **user)
{
    const struct str old = (*user)->password_hash;
    struct user *mine = NULL;
    struct str hash = STR_ABSENT;
    NEED(job, job_password_hash(job, password, &hash),
         user_by_id(job, (*user)->head.id, DOC_FOR_UPDATE, &mine));
    if (!mine || !str_eq(mine->password_hash, old))
        return OUTCOME_DONE; /* the hash was changed meanwhile, so it is a new one */
    mine->password_hash = hash;
    job_changed(job, mine);
    *user = mine;
    return OUTCOME_DONE;
}

static enum outcome log_in(struct job *job, const void *request, struct err *err)
{
    const struct auth_login_request *req = request;
    const struct str account = user_email_account(job_arena(job), req->email);
    struct user *user = NULL;
    TRY(count_try(job, account, err));
    NEED(job, user_by_email(job, req->email, DOC_READ, &user));

    bool matches = false;
    const struct str hash = user ? user->password_hash : STR_ABSENT;
    NEED(job, job_password_verify(job, hash, req->password, &matches));
    if (!user || !matches)
        return err_refuse(err, E_INVALID_CREDENTIALS, "wrong email or password");
    TRY(give_back_try(job, account));
    if (job_password_is_old(job, hash))
        TRY(renew_hash(job, req->password, &user));
    return reply(job, &login_schema, session_begin(job, user));
}

static const struct error_code *const errors[] = {E_INVALID_CREDENTIALS, NULL};

const struct operation auth_login = {
    .name = "auth.login",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_login_schema,
    .handle = log_in,
    .summary = "Begin a session by email and password",
    .reply = &login_schema,
    .errors = errors,
    .secret_reply = true,
    .hashes = true,
};
