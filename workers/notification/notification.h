/* notification.h - what a user is told: stored in-app messages, and messages for the channels.
 *
 * Notifications are made by the subscribers of events, never by the commands themselves. A repeated
 * event is recognised by its id, so it makes no second notification.
 *
 * The inbox is one small document per user. Every notification up to the number readUntil is read,
 * so that "read all" is one write, however many there are. Numbers decide, which are given out under
 * the guard of the inbox, and not times: a notification that is on its way while all are marked read
 * stays unread, and the count is exact. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H

#include "auth/user.h"
#include "engine/job.h"
#include "schemas/notification.h"

/* True when the notification was marked as read, alone or with all others up to read_until. */
bool notification_is_read(const struct notification *notification, const struct inbox *inbox);

/* What notification.list asks for, before it is narrowed to a page. */
struct query notification_list_query(struct str user_id, const struct inbox *inbox,
                                     bool unread_only);

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
