/* notification.c - how notifications are stored, counted and sent: one stored document, one message
 * per channel. */
#include "notification/notification.h"

static const struct field notification_fields[] = {
    DOC_FIELDS(struct notification, FIELD_ID),
    {.name = "userId", .kind = FIELD_ID, .offset = offsetof(struct notification, user_id)},
    {.name = "seq", .kind = FIELD_INT, .offset = offsetof(struct notification, seq)},
    {.name = "kind", .kind = FIELD_STR, .offset = offsetof(struct notification, kind)},
    {.name = "subject", .kind = FIELD_STR, .offset = offsetof(struct notification, subject)},
    {.name = "text", .kind = FIELD_STR, .offset = offsetof(struct notification, text)},
    {.name = "data", .kind = FIELD_RAW, .offset = offsetof(struct notification, data)},
    {.name = "read", .kind = FIELD_BOOL, .offset = offsetof(struct notification, read)},
};

static const struct shape notification_shape =
    DOC_SHAPE("NotificationDocument", struct notification, notification_fields);

static const struct doc_index notification_indexes[] = {
    {.name = "userSeq", .keys = "userId:1,seq:-1", .flags = INDEX_UNIQUE},
};

const struct doc_type notification_type = {.collection = "notifications",
                                           .shape = &notification_shape,
                                           .indexes = notification_indexes,
                                           .index_count = 1};

static const struct field view_fields[] = {
    {.name = "id",
     .kind = FIELD_ID,
     .flags = FIELD_KEY,
     .offset = offsetof(struct notification, head.id)},
    {.name = "kind", .kind = FIELD_STR, .offset = offsetof(struct notification, kind)},
    {.name = "subject", .kind = FIELD_STR, .offset = offsetof(struct notification, subject)},
    {.name = "text", .kind = FIELD_STR, .offset = offsetof(struct notification, text)},
    {.name = "data", .kind = FIELD_RAW, .offset = offsetof(struct notification, data)},
    {.name = "read", .kind = FIELD_BOOL, .offset = offsetof(struct notification, read)},
    {.name = "createdAt",
     .kind = FIELD_TIME,
     .offset = offsetof(struct notification, head.created_at)},
};

const struct shape notification_view_shape =
    SHAPE("Notification", struct notification, view_fields);

bool notification_by_id(struct job *job, struct str id, enum access access,
                        struct notification **out)
{
    void *doc = NULL;
    if (!job_doc(job, &notification_type, id, access, &doc))
        return false;
    *out = doc;
    return true;
}

/* --- the inbox -------------------------------------------------------------------------------- */

static const struct field inbox_fields[] = {
    DOC_FIELDS(struct inbox, FIELD_ID),
    {.name = "lastSeq", .kind = FIELD_INT, .offset = offsetof(struct inbox, last_seq)},
    {.name = "readUntil", .kind = FIELD_INT, .offset = offsetof(struct inbox, read_until)},
    {.name = "unread", .kind = FIELD_INT, .offset = offsetof(struct inbox, unread)},
};

static const struct shape inbox_shape = DOC_SHAPE("Inbox", struct inbox, inbox_fields);

const struct doc_type inbox_type = {.collection = "inboxes", .shape = &inbox_shape};

bool inbox_by_user(struct job *job, struct str user_id, enum access access, struct inbox **out)
{
    void *doc = NULL;
    if (!job_doc(job, &inbox_type, user_id, access, &doc))
        return false;
    *out = doc;
    return true;
}

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

struct recipient {
    struct str user_id;
    struct str name;
    struct str email;
};

static const struct field recipient_fields[] = {
    {.name = "userId", .kind = FIELD_ID, .offset = offsetof(struct recipient, user_id)},
    {.name = "name",
     .kind = FIELD_STR,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct recipient, name)},
    {.name = "email", .kind = FIELD_STR, .offset = offsetof(struct recipient, email)},
};

static const struct shape recipient_shape = SHAPE("Recipient", struct recipient, recipient_fields);

/* The body of a message that goes to the notifications exchange. */
struct channel_message {
    struct str id;
    struct str kind;
    struct str channel;
    struct recipient to;
    struct str subject;
    struct str text;
    struct str data;
    int64_t created_at;
};

static const struct field message_fields[] = {
    {.name = "id", .kind = FIELD_ID, .offset = offsetof(struct channel_message, id)},
    {.name = "kind", .kind = FIELD_STR, .offset = offsetof(struct channel_message, kind)},
    {.name = "channel", .kind = FIELD_STR, .offset = offsetof(struct channel_message, channel)},
    {.name = "to",
     .kind = FIELD_EMBED,
     .offset = offsetof(struct channel_message, to),
     .shape = &recipient_shape},
    {.name = "subject", .kind = FIELD_STR, .offset = offsetof(struct channel_message, subject)},
    {.name = "text", .kind = FIELD_STR, .offset = offsetof(struct channel_message, text)},
    {.name = "data", .kind = FIELD_RAW, .offset = offsetof(struct channel_message, data)},
    {.name = "createdAt",
     .kind = FIELD_TIME,
     .offset = offsetof(struct channel_message, created_at)},
};

static const struct shape message_shape =
    SHAPE("NotificationMessage", struct channel_message, message_fields);

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
    notify(job, channel, notice->kind, id, &message_shape, message);
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
