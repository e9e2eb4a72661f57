/* notification.h - what a user is told: stored in-app messages, and messages for the channels.
 *
 * Notifications are made by the subscribers of events, never by the commands themselves. A repeated
 * event is recognised by its id, so it makes no second notification. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H

#include "auth/user.h"
#include "engine/job.h"

struct notification {
    struct doc_head head;
    struct str user_id;
    int64_t seq;     /* 1, 2, 3... of this user */
    struct str kind; /* "order_placed" */
    struct str subject;
    struct str text;
    struct str data; /* FIELD_RAW: JSON */
    bool read;       /* marked one by one; see notification_is_read() */
};

extern const struct doc_type notification_type;
/* The wire form "Notification". */
extern const struct shape notification_view_shape;

/* A need; *out is NULL when there is no such notification. */
bool notification_by_id(struct job *job, struct str id, enum access access,
                        struct notification **out);

/* One small document per user. Every notification up to the number read_until is read, so that
 * "read all" is one write, however many there are. Numbers decide, which are given out under this
 * document's guard, and not times: a notification that is on its way while all are marked read
 * stays unread, and the count is exact. */
struct inbox {
    struct doc_head head; /* head.id is the user's id */
    int64_t last_seq;     /* the last number that was given out */
    int64_t read_until;   /* a seq; 0: none was marked in this way */
    int64_t unread;
};

extern const struct doc_type inbox_type;

/* A need; *out is NULL when the user has never been told anything. */
bool inbox_by_user(struct job *job, struct str user_id, enum access access, struct inbox **out);
/* True when the notification was marked as read, alone or with all others up to read_until. */
bool notification_is_read(const struct notification *notification, const struct inbox *inbox);

/* --- telling ---------------------------------------------------------------------------------- */

/* A rendered notification. */
struct notice {
    const char *kind;
    struct str subject; /* one line */
    struct str text;
    struct str data; /* JSON */
};

/* The name by which a user may be addressed; absent until the address is verified. Otherwise
 * anybody could register with the address of somebody else and send that person words of their
 * own in our name. */
struct str notice_name(const struct user *user);

/* Sends the notice to the user's email address only. */
void notice_mail(struct job *job, const struct user *user, const struct notice *notice);

/* Stores the notice and sends it by every channel. `inbox` is the user's, from DOC_FOR_UPDATE;
 * NULL when there is none yet. The handler must have met all its needs before, because this
 * only has effects. */
void notice_send(struct job *job, const struct user *user, struct inbox *inbox,
                 const struct notice *notice);

extern const struct domain notification_domain;

#endif
