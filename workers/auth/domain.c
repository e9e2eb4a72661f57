/* auth_domain.c - the workers "auth" (sessions, accounts, roles) and "password": what hashes passwords
 * has a queue and lanes of its own, so that nothing cheap ever stands behind it. */
#include "auth/operations.h"
#include "auth/user.h"

/* A backstop: what waits is turned away by the lanes long before. */
#define PASSWORD_LENGTH_MAX 10000

static const struct operation *const operations[] = {
    &auth_refresh, &auth_logout, &user_get, &user_role_set, NULL,
};

const struct domain auth_domain = {
    .name = "auth",
    .prefixes = (const char *const[]){"user", NULL},
    .operations = operations,
    .former = (const char *const[]){"auth.#", NULL},
};

const struct domain password_domain = {
    .name = "password",
    .prefixes = (const char *const[]){NULL},
    .operations = (const struct operation *const[]){&auth_register, &auth_login, NULL},
    .length_max = PASSWORD_LENGTH_MAX,
};

const struct domain admin_domain = {
    .name = "admin",
    .prefixes = (const char *const[]){NULL},
    .operations = (const struct operation *const[]){&admin_add, NULL},
};
