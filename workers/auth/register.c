/* register.c - auth.register: open a customer's account and log in.
 *
 * The role is never taken from the request. A client that asks for many addresses that have
 * accounts is limited, because the answers tell which addresses do. With auth.hideTaken they do not
 * tell: both answers are 202, the work is the same, and the owner of a taken address is told by
 * mail; whoever has registered must then log in. */
#include "auth/account.h"
#include "auth/limits.h"
#include "auth/operations.h"
#include "auth/session.h"
#include "schemas/auth.h"
#include "settings.h"

/* Limit of the mails to one owner, however many clients try to register. */
#define OWNER_MAILS_BURST     3
#define OWNER_MAILS_PERIOD_MS (20 * 60 * 1000)

static enum outcome tell_owner(struct job *job, const struct user *owner)
{
    int64_t wait_ms = 0;
    const struct bucket mails = {
        .key = str_printf(job_arena(job), "registered:%.*s", STR_FMT(owner->head.id)),
        .burst = OWNER_MAILS_BURST,
        .period_ms = OWNER_MAILS_PERIOD_MS};
    NEED(job, job_rate(job, &mails, RATE_TAKE, &wait_ms));
    if (wait_ms == 0)
        emit(job, &user_registration_repeated, owner, owner);
    return OUTCOME_DONE;
}

/* `err` already says EMAIL_TAKEN. */
static enum outcome answer_taken(struct job *job, const struct auth_register_request *req,
                                 const struct user *owner)
{
    int64_t wait_ms = 0;
    struct str hash = STR_ABSENT;
    NEED(job, limit_of_client(job, "register", RATE_TAKE, &wait_ms));
    if (!shop_settings(job)->hide_taken)
        return OUTCOME_REFUSED;
    NEED(job, job_password_hash(job, req->password, &hash));
    TRY(tell_owner(job, owner));
    return reply_accepted(job);
}

static enum outcome open_account(struct job *job, const void *request, struct err *err)
{
    const struct auth_register_request *req = request;
    const struct applicant applicant = {
        .name = req->name, .email = req->email, .password = req->password, .role = CUSTOMER};
    struct user *user = NULL;
    int64_t wait_ms = 0;
    NEED(job, limit_of_client(job, "register", RATE_PEEK, &wait_ms));
    if (wait_ms > 0)
        return refuse_for_now(job, err, wait_ms,
                              "too many registrations of addresses that are taken");
    const enum outcome outcome = account_create(job, &applicant, &user, err);
    if (outcome == OUTCOME_REFUSED && err->code == E_EMAIL_TAKEN)
        return answer_taken(job, req, user);
    TRY(outcome);
    if (shop_settings(job)->hide_taken)
        return reply_accepted(job);
    return reply(job, &login_schema, session_begin(job, user));
}

static const struct error_code *const errors[] = {E_EMAIL_TAKEN, E_WEAK_PASSWORD, NULL};

const struct operation auth_register = {
    .name = "auth.register",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_register_schema,
    .handle = open_account,
    .summary = "Open a customer's account and log in",
    .reply = &login_schema,
    .status = 201,
    .errors = errors,
    .secret_reply = true,
    .hashes = true,
};
