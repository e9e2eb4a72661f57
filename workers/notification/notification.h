/* notification.h - what a user is told: stored in-app messages, and messages for the channels.
 *
 * Made by subscribers of events, never by the commands themselves. A repeated event is known by its
 * id, so it repeats nothing. */
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
    bool read;
};

extern const struct doc_type notification_type;
/* The wire form "Notification". */
extern const struct shape notification_view_shape;

bool notification_by_id(struct job *job, struct str id, enum access access,
                        struct notification **out);

/* One small document per user. Up to read_until everything is read, so "all read" is one write
 * whatever the number. Both go by numbers that are given out under this document's guard, not by
 * times: what is on its way while all is marked read stays unread, and the count is exact. */
struct inbox {
    struct doc_head head; /* head.id is the user's id */
    int64_t last_seq;
    int64_t read_until; /* a seq */
    int64_t unread;
};

extern const struct doc_type inbox_type;

/* *out is NULL when the user was never told anything. */
bool inbox_by_user(struct job *job, struct str user_id, enum access access, struct inbox **out);
bool notification_is_read(const struct notification *notification, const struct inbox *inbox);

/* --- telling ---------------------------------------------------------------------------------- */

/* A rendered notification. */
struct notice {
    const char *kind;
    struct str subject; /* one line */
    struct str text;
    struct str data; /* JSON */
};

/* How a user may be addressed. Whoever registers with somebody else's address must not be able to send
 * him words of his own in our name: so nobody is named before the address is verified. */
struct str notice_name(const struct user *user);

/* Sends it to the address only. */
void notice_mail(struct job *job, const struct user *user, const struct notice *notice);

/* Stores it and sends it by every channel. `inbox` is the user's, DOC_FOR_UPDATE; NULL when there is
 * none yet. All needs must be met: this only has effects. */
void notice_send(struct job *job, const struct user *user, struct inbox *inbox,
                 const struct notice *notice);

extern const struct domain notification_domain;

#endif
