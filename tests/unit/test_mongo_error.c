/* Which errors of the driver are an outage: those stop the lane; a wrong guess sends messages that
 * are not to blame to the delays and dead letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store_mongo.h"

void test_mongo_error__what_means_that_the_server_is_away(void **state)
{
    (void)state;
    static const struct {
        uint32_t domain, code;
        enum outcome outcome;
    } rows[] = {
        {MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, OUTCOME_RETRY},
        {MONGOC_ERROR_SERVER_SELECTION, MONGOC_ERROR_SERVER_SELECTION_FAILURE, OUTCOME_RETRY},
        /* "socket timeout calling hello": a server that is frozen. */
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_STREAM_CONNECT, OUTCOME_RETRY},
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE, OUTCOME_RETRY},
        {MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_TOO_BIG, OUTCOME_BUG},
        {MONGOC_ERROR_SERVER, 91, OUTCOME_RETRY},
        {MONGOC_ERROR_SERVER, 112, OUTCOME_CONFLICT},
        {MONGOC_ERROR_SERVER, 11000, OUTCOME_CONFLICT},
        {MONGOC_ERROR_SERVER, 9, OUTCOME_BUG}, /* FailedToParse */
    };
    bson_t reply = BSON_INITIALIZER;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const bson_error_t error = {.domain = rows[i].domain, .code = rows[i].code};
        const enum outcome outcome = mongo_meaning(&reply, &error);
        if (outcome != rows[i].outcome)
            fail_msg("domain %u, code %u: %s", error.domain, error.code, outcome_name(outcome));
    }
    bson_destroy(&reply);
}
