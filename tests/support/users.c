/* users.c - as whom a test speaks to the broker. */
#include "support/users.h"

#include <stdlib.h>

/* A broker that is not the rig's may have one user for all. */
static struct str address_of(const char *name)
{
    const char *uri = getenv(name);
    return str_of(uri && *uri ? uri : getenv("CARTWRIGHT_AMQP_URI"));
}

struct str users_operator(void)
{
    return address_of("CARTWRIGHT_AMQP_OPERATOR_URI");
}

struct str users_web(void)
{
    return address_of("CARTWRIGHT_CLIENT_AMQP_URI");
}

struct str users_reader(void)
{
    return address_of("CARTWRIGHT_READER_AMQP_URI");
}
