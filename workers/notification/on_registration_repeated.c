/* on_registration_repeated.c - user.registration_repeated: tell the owner of an address, by mail,
 * that somebody tried to register with it. The mail repeats nothing of what was typed. */
#include "notification/operations.h"
#include "notification/render.h"

static enum outcome tell_owner(struct job *job, const void *request, struct err *err)
{
    (void)err;                            /* an event cannot be refused */
    const struct user *told_of = request; /* as the account was when the event was emitted */
    struct user *user = NULL;
    NEED(job, user_by_id(job, told_of->head.id, DOC_READ, &user));
    if (!user)
        return OUTCOME_DONE;
    const struct notice notice = render_registration_repeated(job_arena(job));
    notice_mail(job, user, &notice);
    return OUTCOME_DONE;
}

const struct operation notification_registration_repeated = {
    .name = "notification.registration_repeated",
    .kind = SUBSCRIBER,
    .event = &user_registration_repeated,
    .handle = tell_owner,
    .summary = "Tell the owner of an address that somebody tried to register with it",
};
