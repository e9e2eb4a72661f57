/* user.h - accounts: documents, wire form, and who may still come in. */
#ifndef CARTWRIGHT_WORKERS_AUTH_USER_H
#define CARTWRIGHT_WORKERS_AUTH_USER_H

#include "engine/job.h"

struct user {
    struct doc_head head;
    struct str name;
    struct str email;     /* as given */
    struct str email_key; /* unique: lower case; how the release before finds an account */
    /* unique: email.h. Absent: that release made it, or another account has it */
    struct str email_form;
    struct str password_hash; /* FIELD_SECRET */
    bool email_verified;      /* its owner has shown that it is his */
    int role;                 /* enum who */
    int64_t generation;       /* of sessions: one more ends all that were begun before */
};

/* The wire form "User": its table leaves the secret and internal fields out. */
extern const struct shape user_view_shape;
extern const struct doc_type user_type;

bool user_by_id(struct job *job, struct str id, enum access access, struct user **out);
/* However `email` is spelled: whose address differs in case alone (a to z), else whose has its form. */
bool user_by_email(struct job *job, struct str email, enum access access, struct user **out);
/* Gives a new account its address. */
void user_set_email(struct arena *arena, struct user *user, struct str email);
/* What all spellings that find one account have in common, whether or not there is one. */
struct str user_email_account(struct arena *arena, struct str email);

/* How many superadmins there are: one document, so that two demotions cannot both pass. */
struct roster {
    struct doc_head head; /* head.id is ROSTER_SUPERADMINS */
    int64_t count;
};

#define ROSTER_SUPERADMINS STR("superadmin")

extern const struct doc_type roster_type;

/* *out is NULL as long as there never was a superadmin. */
bool roster_of_superadmins(struct job *job, enum access access, struct roster **out);
/* `roster` came from DOC_FOR_UPDATE and may be NULL. */
void roster_add(struct job *job, struct roster *roster, int64_t delta);

/* service.authorize: the account still exists, has the token's role, and the session goes on. */
MUST_CHECK enum outcome authorize_caller(struct job *job, struct err *err);

extern const struct domain auth_domain;
extern const struct domain password_domain;
/* admin.add, run by the executable itself: no queue is bound to it, so no message reaches it. It
 * must not be listed in a service that takes messages. */
extern const struct domain admin_domain;

#endif
