/* user.h - accounts and sessions: documents, rules, wire forms. */
#ifndef CARTWRIGHT_WORKERS_AUTH_USER_H
#define CARTWRIGHT_WORKERS_AUTH_USER_H

#include "worker/job.h"

struct user {
    struct doc_head head;
    struct str name;
    struct str email;         /* as given, trimmed */
    struct str email_key;     /* unique: lower case; how an account is found */
    struct str password_hash; /* FIELD_SECRET */
    int role;                 /* enum who */
    int64_t valid_after;      /* ms: tokens issued before are refused (log-out, role change) */
};

/* The wire form "User": its table leaves the secret and internal fields out. */
extern const struct shape user_view_shape;
extern const struct doc_type user_type;

bool user_by_id(struct job *job, struct str id, enum access access, struct user **out);
bool user_by_email(struct job *job, struct str email, enum access access, struct user **out);

/* One log-in and all its rotated refresh tokens ("family"). The refresh token is
 * "<id>.<43 characters>"; only its digest is stored. */
struct session {
    struct doc_head head;
    struct str user_id;
    struct str digest;  /* FIELD_SECRET: of the one token that is good now */
    int64_t idle_until; /* ms */
    int64_t expires_at; /* ms, absolute; a TTL index removes it */
    bool revoked;
};

extern const struct doc_type session_type;

/* How many superadmins there are: one document, so that two demotions cannot both pass. */
struct roster {
    struct doc_head head; /* head.id is "superadmin" */
    int64_t count;
};
extern const struct doc_type roster_type;

/* service.authorize: the account still exists, has the token's role, was not logged out since. */
enum outcome authorize_caller(struct job *job, struct err *err);

extern const struct worker auth_worker;

#endif
