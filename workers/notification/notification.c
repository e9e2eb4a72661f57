/* notification.c - how notifications are stored, counted and sent: one stored document, one message
 * per channel. */
#include "notification/notification.h"

/* --- the inbox -------------------------------------------------------------------------------- */

bool notification_is_read(const struct notification *notification, const struct inbox *inbox)
{
    return notification->read || notification->seq <= inbox->read_until;
}

/* Counts one more unread notification and gives its number; makes the inbox when it is NULL. */
static int64_t inbox_take(struct job *job, struct str user_id, struct inbox *inbox)
{
    if (inbox) {
        inbox->last_seq++;
        inbox->unread++;
        job_changed(job, inbox);
        return inbox->last_seq;
    }
    struct inbox *first = ARENA_NEW(job_arena(job), struct inbox);
    first->head.id = user_id;
    first->last_seq = 1;
    first->unread = 1;
    job_insert(job, &inbox_type, first);
    return first->last_seq;
}

/* --- sending ---------------------------------------------------------------------------------- */

struct str notice_name(const struct user *user)
{
    return user->email_verified ? user->name : STR_ABSENT;
}

static void send_by(struct job *job, const char *channel, struct str id, const struct user *user,
                    struct str name, const struct notice *notice)
{
    struct channel_message *message = ARENA_NEW(job_arena(job), struct channel_message);
    *message = (struct channel_message){
        .id = id,
        .kind = str_of(notice->kind),
        .channel = str_of(channel),
        /* The message always has a name; it is empty where nobody is named. */
        .to = {.user_id = user->head.id,
               .name = str_is_absent(name) ? STR("") : name,
               .email = user->email},
        .subject = notice->subject,
        .text = notice->text,
        .data = notice->data,
        .created_at = job_now(job),
    };
    notify(job, channel, notice->kind, id, &channel_message_schema, message);
}

void notice_mail(struct job *job, const struct user *user, const struct notice *notice)
{
    send_by(job, "email", job_new_id(job), user, notice_name(user), notice);
}

void notice_send(struct job *job, const struct user *user, struct inbox *inbox,
                 const struct notice *notice)
{
    struct notification *stored = ARENA_NEW(job_arena(job), struct notification);
    *stored = (struct notification){
        .head.id = job_new_id(job),
        .user_id = user->head.id,
        .seq = inbox_take(job, user->head.id, inbox),
        .kind = str_of(notice->kind),
        .subject = notice->subject,
        .text = notice->text,
        .data = notice->data,
    };
    job_insert(job, &notification_type, stored);
    send_by(job, "inapp", stored->head.id, user, user->name, notice);
    notice_mail(job, user, notice);
}
