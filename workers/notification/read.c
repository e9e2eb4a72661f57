/* read.c - notification.read: mark some notifications, or all, as read.
 *
 * All or nothing: the request is refused when one of its ids is unknown or belongs to another
 * user. */
#include "notification/notification.h"
#include "notification/operations.h"

static enum outcome reply_unread(struct job *job, const struct inbox *inbox)
{
    struct unread_view *view = ARENA_NEW(job_arena(job), struct unread_view);
    view->unread = inbox ? inbox->unread : 0;
    return reply(job, &unread_view_schema, view);
}

static enum outcome read_all(struct job *job, struct inbox *inbox)
{
    if (inbox && inbox->unread > 0) {
        inbox->read_until = inbox->last_seq;
        inbox->unread = 0;
        job_changed(job, inbox);
    }
    return reply_unread(job, inbox);
}

/* A need: asks for all of them before it returns false, so that one round loads them. */
static bool load_all(struct job *job, const struct str *ids, size_t count,
                     struct notification **out)
{
    bool loaded = true;
    for (size_t i = 0; i < count; i++)
        loaded &= notification_by_id(job, ids[i], DOC_FOR_UPDATE, &out[i]);
    return loaded;
}

static enum outcome check_owner(struct job *job, struct notification *const *chosen, size_t count,
                                struct err *err)
{
    const struct str owner = job_caller(job)->id;
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; i < count; i++) {
        if (chosen[i] && str_eq(chosen[i]->user_id, owner))
            continue;
        if (outcome == OUTCOME_DONE)
            outcome = err_refuse(err, E_NOT_FOUND, "no such notification");
        err_field_add(err, job_arena(job), str_printf(job_arena(job), "/ids/%zu", i),
                      "no such notification");
    }
    return outcome;
}

static enum outcome read_some(struct job *job, const struct str *ids, size_t count,
                              struct inbox *inbox, struct err *err)
{
    struct notification **chosen = arena_array(job_arena(job), count, sizeof(*chosen));
    NEED(job, load_all(job, ids, count, chosen));
    TRY(check_owner(job, chosen, count, err));
    if (!inbox)
        return err_bug(err, "the user has notifications but no inbox");

    const int64_t before = inbox->unread;
    for (size_t i = 0; i < count; i++) {
        if (notification_is_read(chosen[i], inbox))
            continue;
        chosen[i]->read = true;
        job_changed(job, chosen[i]);
        inbox->unread--;
    }
    if (inbox->unread != before)
        job_changed(job, inbox);
    return reply_unread(job, inbox);
}

static enum outcome mark_read(struct job *job, const void *request, struct err *err)
{
    const struct notification_read_request *req = request;
    struct inbox *inbox = NULL;
    NEED(job, inbox_by_id(job, job_caller(job)->id, DOC_FOR_UPDATE, &inbox));
    if (req->ids.count == 0)
        return read_all(job, inbox);
    return read_some(job, req->ids.items, req->ids.count, inbox, err);
}

const struct operation notification_read = {
    .name = "notification.read",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &notification_read_schema,
    .handle = mark_read,
    .summary = "Mark some of the caller's notifications as read, or all",
    .reply = &unread_view_schema,
};
