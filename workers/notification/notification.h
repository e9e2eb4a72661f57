/* notification.h - what a user is told: stored in-app messages, and messages for the channels.
 *
 * Made by subscribers of events, never by the commands themselves; ids are derived from the event's,
 * so a repeated event repeats nothing. */
#ifndef CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H
#define CARTWRIGHT_WORKERS_NOTIFICATION_NOTIFICATION_H

#include "worker/job.h"

struct notification {
    struct doc_head head;
    struct str user_id;
    struct str kind; /* "order_placed" */
    struct str subject;
    struct str text;
    struct str data; /* FIELD_RAW: JSON */
    bool read;
};

extern const struct doc_type notification_type;

/* Up to where a user has read everything: one small document, so that "all read" is one write
 * whatever the number. */
struct inbox {
    struct doc_head head; /* head.id is the user's id */
    int64_t read_until;   /* ms: older ones count as read */
};

extern const struct doc_type inbox_type;

extern const struct worker notification_worker;

#endif
