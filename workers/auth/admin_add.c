/* admin_add.c - admin.add: make a superadmin.
 *
 * It asks for no caller, because no service that takes messages has it (user.h). Only the
 * executable runs it, for an operator who has the keys and the database anyway. */
#include "auth/account.h"
#include "auth/operations.h"
#include "schemas/admin.h"

static enum outcome add_superadmin(struct job *job, const void *request, struct err *err)
{
    const struct admin_add_request *req = request;
    const struct applicant applicant = {
        .name = req->name, .email = req->email, .password = req->password, .role = SUPERADMIN};
    struct roster *roster = NULL;
    struct user *user = NULL;
    NEED(job, roster_of_superadmins(job, DOC_FOR_UPDATE, &roster));
    TRY(account_create(job, &applicant, &user, err));
    roster_add(job, roster, 1);
    return reply(job, &user_view_schema, user);
}

static const struct error_code *const errors[] = {E_EMAIL_TAKEN, E_WEAK_PASSWORD, NULL};

const struct operation admin_add = {
    .name = "admin.add",
    .kind = COMMAND,
    .who = GUEST,
    .request = &admin_add_schema,
    .handle = add_superadmin,
    .summary = "Make a superadmin",
    .reply = &user_view_schema,
    .status = 201,
    .errors = errors,
};
