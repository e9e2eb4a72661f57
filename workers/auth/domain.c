/* domain.c - the domains "auth" (sessions, accounts, roles), "password" and "admin". The
 * operations that hash passwords have a queue and lanes of their own, so that no cheap operation
 * ever waits behind them. */
#include "auth/invariants.h"
#include "auth/operations.h"
#include "auth/user.h"

AUTH_ERROR_CODES(DEFINE_ERROR_CODE)

/* A backstop, in messages: the lanes turn waiting messages away long before. */
#define PASSWORD_LENGTH_MAX 10000

const struct domain auth_domain = {
    .name = "auth",
    .prefixes = (const char *const[]){"user", NULL},
    .operations =
        (const struct operation *const[]){
            &auth_refresh,
            &auth_logout,
            &user_get,
            &user_role_set,
            NULL,
        },
    .invariants =
        (const struct invariant *const[]){&sessions_invariant, &superadmins_invariant, NULL},
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
