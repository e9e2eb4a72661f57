/* register.c - auth.register: open a customer's account and log in.
 *
 * The role is never taken from the request. */
#include "auth/account.h"
#include "auth/operations.h"
#include "auth/session.h"
#include "errors.h"
#include "schemas/auth.h"

static enum outcome open_account(struct job *job, const void *request, struct err *err)
{
    const struct auth_register_request *req = request;
    const struct applicant applicant = {
        .name = req->name, .email = req->email, .password = req->password, .role = CUSTOMER};
    struct user *user = NULL;
    TRY(account_create(job, &applicant, &user, err));
    return reply(job, &login_shape, session_begin(job, user));
}

static const struct error_code *const errors[] = {EMAIL_TAKEN, WEAK_PASSWORD, NULL};

const struct operation auth_register = {
    .name = "auth.register",
    .kind = COMMAND,
    .who = GUEST,
    .request = &auth_register_schema,
    .handle = open_account,
    .summary = "Open a customer's account and log in",
    .reply = &login_shape,
    .status = 201,
    .errors = errors,
    .secret_reply = true,
    .hashes = true,
};
