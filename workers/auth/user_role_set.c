/* user_role_set.c - user.role.set: give a user another role.
 *
 * At least one superadmin always remains: the roster's count is guarded by its version, so two
 * demotions at once cannot both pass. The user's sessions end, so that no token of the old role
 * stays good. */
#include "auth/operations.h"
#include "auth/user.h"

/* Nobody can be made a guest, so the schema has a list of roles of its own. */
static const enum who role_of[] = {
    [COMMON_ROLE_CUSTOMER] = CUSTOMER,
    [COMMON_ROLE_ADMIN] = ADMIN,
    [COMMON_ROLE_SUPERADMIN] = SUPERADMIN,
};

/* Keeps the count of superadmins in step; refuses with LAST_SUPERADMIN. */
static enum outcome move_roster(struct job *job, bool was, bool will_be, struct err *err)
{
    if (was == will_be)
        return OUTCOME_DONE;
    struct roster *roster = NULL;
    NEED(job, roster_of_superadmins(job, DOC_FOR_UPDATE, &roster));
    if (was && (!roster || roster->count <= 1))
        return err_refuse(err, E_LAST_SUPERADMIN, "this is the last superadmin");
    roster_add(job, roster, will_be ? 1 : -1);
    return OUTCOME_DONE;
}

static enum outcome set_role(struct job *job, const void *request, struct err *err)
{
    const struct user_role_set_request *req = request;
    const enum who role = role_of[req->role];
    struct user *user = NULL;
    NEED(job, user_by_id(job, req->user_id, DOC_FOR_UPDATE, &user));
    if (!user)
        return err_refuse(err, E_NOT_FOUND, "no such user");
    if (user->role == (int)role)
        return reply(job, &user_view_schema, user);

    TRY(move_roster(job, user->role == SUPERADMIN, role == SUPERADMIN, err));
    user->role = (int)role;
    user->generation++;
    job_changed(job, user);
    job_account_changed(job, user->head.id);
    return reply(job, &user_view_schema, user);
}

static const struct error_code *const errors[] = {E_LAST_SUPERADMIN, NULL};

const struct operation user_role_set = {
    .name = "user.role.set",
    .kind = COMMAND,
    .who = SUPERADMIN,
    .request = &user_role_set_schema,
    .handle = set_role,
    .summary = "Give a user another role; all the user's sessions end",
    .reply = &user_view_schema,
    .errors = errors,
};
