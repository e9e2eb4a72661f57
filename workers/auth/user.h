/* user.h - accounts: how they are found, and the check of callers against them. Their forms stand in
 * schemas/user/. */
#ifndef CARTWRIGHT_WORKERS_AUTH_USER_H
#define CARTWRIGHT_WORKERS_AUTH_USER_H

#include "engine/job.h"
#include "schemas/user.h"

/* Its error codes; those of the engine are in base/err.h. */
#define AUTH_ERROR_CODES(X)                                                                        \
    X(EMAIL_TAKEN, 409, false)                                                                     \
    X(WEAK_PASSWORD, 422, false)                                                                   \
    X(INVALID_CREDENTIALS, 401, false)                                                             \
    X(TOKEN_INVALID, 401, false)                                                                   \
    X(TOKEN_REUSED, 401, false)                                                                    \
    X(LAST_SUPERADMIN, 409, false)
AUTH_ERROR_CODES(DECLARE_ERROR_CODE)

/* A need: the account with this address, however `email` is spelled; *out is NULL when there is
 * none. An account whose address differs in the case of a to z alone comes before one whose address
 * has the same form. */
bool user_by_email(struct job *job, struct str email, enum access access, struct user **out);
/* Gives a new account its address, with the key and the form. */
void user_set_email(struct arena *arena, struct user *user, struct str email);
/* A text that all spellings which find one account share, whether or not the account exists. */
struct str user_email_account(struct arena *arena, struct str email);

/* The number of superadmins. It is one document, so that two demotions at once cannot both pass. */
#define ROSTER_SUPERADMINS STR("superadmin")

/* A need; *out is NULL as long as there has never been a superadmin. */
bool roster_of_superadmins(struct job *job, enum access access, struct roster **out);
/* Adds `delta` to the count. `roster` must come from DOC_FOR_UPDATE; NULL: one is inserted. */
void roster_add(struct job *job, struct roster *roster, int64_t delta);

/* service.authorize: refuses with UNAUTHENTICATED unless the account still exists and has the
 * token's role, and the session is still live. Returns NEED as a handler does. */
MUST_CHECK enum outcome authorize_caller(struct job *job, struct err *err);

extern const struct domain auth_domain;
extern const struct domain password_domain;
/* Has admin.add, which the executable runs itself: no queue is bound to it, so no message reaches
 * it. It must not be listed in a service that takes messages. */
extern const struct domain admin_domain;

#endif
