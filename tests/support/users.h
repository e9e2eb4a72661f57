/* users.h - as whom a test speaks to the broker: the rig gives an address for each user.
 *
 * Lanes are the worker (amqp.uri); these are the others. */
#ifndef CARTWRIGHT_TESTS_SUPPORT_USERS_H
#define CARTWRIGHT_TESTS_SUPPORT_USERS_H

#include "base/str.h"

/* Declares, and looks into queues: amqp.operatorUri. */
struct str users_operator(void);
/* A web tier: publishes requests, takes replies. */
struct str users_web(void);
/* Listens to events and notifications, and to nothing else. */
struct str users_reader(void);

#endif
