/* account.h - how an account is made, whoever asks for it. */
#ifndef CARTWRIGHT_WORKERS_AUTH_ACCOUNT_H
#define CARTWRIGHT_WORKERS_AUTH_ACCOUNT_H

#include "auth/user.h"

struct applicant {
    struct str name;
    struct str email;
    struct str password;
    enum who role;
};

/* Checks the email, the password, that the email is free, and makes the account; emits user.registered.
 * VALIDATION_FAILED (/email), WEAK_PASSWORD, EMAIL_TAKEN (then *out is who has it); NEED as a handler. */
MUST_CHECK enum outcome account_create(struct job *job, const struct applicant *applicant,
                                       struct user **out, struct err *err);

/* Why a password will not do, for people; NULL when it will. Its length is the schema's concern. */
const char *password_weakness(const struct applicant *applicant);

#endif
