/* auth_worker.c - the worker "auth": accounts, sessions, roles. */
#include "auth/operations.h"
#include "auth/user.h"

static const struct operation *const operations[] = {
    &auth_register, &auth_login, &auth_refresh, &auth_logout, &user_get, &user_role_set, NULL,
};

const struct worker auth_worker = {
    .name = "auth",
    .prefixes = (const char *const[]){"auth", "user", NULL},
    .operations = operations,
};

const struct worker admin_worker = {
    .name = "admin",
    .prefixes = (const char *const[]){NULL},
    .operations = (const struct operation *const[]){&admin_add, NULL},
};
