/* user_get.c - user.get: the caller's own account, or any for an admin.
 *
 * To a customer, the account of another user looks like one that does not exist. */
#include "auth/operations.h"
#include "auth/user.h"

static enum outcome get_user(struct job *job, const void *request, struct err *err)
{
    const struct user_get_request *req = request;
    const struct caller *caller = job_caller(job);
    const struct str id = str_is_absent(req->user_id) ? caller->id : req->user_id;
    if (caller->role < ADMIN && !str_eq(id, caller->id))
        return err_refuse(err, E_NOT_FOUND, "no such user");

    struct user *user = NULL;
    NEED(job, user_by_id(job, id, DOC_READ, &user));
    if (!user)
        return err_refuse(err, E_NOT_FOUND, "no such user");
    return reply(job, &user_view_schema, user);
}

const struct operation user_get = {
    .name = "user.get",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &user_get_schema,
    .handle = get_user,
    .summary = "The caller's own account, or any for an admin",
    .reply = &user_view_schema,
};
