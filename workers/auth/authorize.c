/* authorize.c - a signed token is not enough: its account and its session must still be as they
 * were. A log-out or a new role takes effect as soon as the engine asks again. */
#include "auth/session.h"
#include "auth/user.h"

enum outcome authorize_caller(struct job *job, struct err *err)
{
    const struct caller *caller = job_caller(job);
    struct user *user = NULL;
    struct session *session = NULL;
    NEED(job, user_by_id(job, caller->id, DOC_READ, &user),
         session_by_id(job, caller->session, DOC_READ, &session));

    if (!session || !session_is_live(session, user, job_now(job)))
        return err_refuse(err, E_UNAUTHENTICATED, "this session has ended");
    if (user->role != (int)caller->role)
        return err_refuse(err, E_UNAUTHENTICATED, "the role has changed since the log-in");
    return OUTCOME_DONE;
}
