/* operations.h - the operations of accounts and sessions; each is in the file of its name. */
#ifndef CARTWRIGHT_WORKERS_AUTH_OPERATIONS_H
#define CARTWRIGHT_WORKERS_AUTH_OPERATIONS_H

#include "service/operation.h"

extern const struct operation admin_add;
extern const struct operation auth_login;
extern const struct operation auth_logout;
extern const struct operation auth_refresh;
extern const struct operation auth_register;
extern const struct operation user_get;
extern const struct operation user_role_set;

#endif
