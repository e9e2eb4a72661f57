/* account.h - how an account is made, whichever operation asks for it. */
#ifndef CARTWRIGHT_WORKERS_AUTH_ACCOUNT_H
#define CARTWRIGHT_WORKERS_AUTH_ACCOUNT_H

#include "auth/user.h"

struct applicant {
    struct str name;
    struct str email;
    struct str password;
    enum who role;
};

/* Checks the address, the password, and that the address is free; then makes the account and emits
 * user.registered. Returns NEED as a handler does. Errors: VALIDATION_FAILED (/email),
 * WEAK_PASSWORD, and EMAIL_TAKEN, with which *out is the account that has the address. */
MUST_CHECK enum outcome account_create(struct job *job, const struct applicant *applicant,
                                       struct user **out, struct err *err);

/* Why the password is too weak, as the end of a sentence that begins with "the password"; NULL when
 * it is good enough. The schema checks its length. */
const char *password_weakness(const struct applicant *applicant);

#endif
