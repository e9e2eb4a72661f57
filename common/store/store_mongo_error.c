/* store_mongo_error.c - what an error of the driver or the server means for the batch.
 *
 * The code of an error counts before its labels. A duplicate key (11000, without a label) that was
 * ignored aborts the transaction, and the next operation then reports code 251 with
 * TransientTransactionError: a caller that looked only at labels would repeat the batch for
 * ever. */
#include <string.h>

#include "store/store_mongo.h"

struct code_meaning {
    int code;
    enum outcome outcome;
};

static const struct code_meaning code_meanings[] = {
    {11000, OUTCOME_CONFLICT}, /* DuplicateKey */
    {11001, OUTCOME_CONFLICT}, /* an older code of DuplicateKey */
    {12582, OUTCOME_CONFLICT}, /* another older code of it */
    {112, OUTCOME_CONFLICT},   /* WriteConflict */
    {244, OUTCOME_CONFLICT},   /* TransactionAborted */
    {246, OUTCOME_CONFLICT},   /* SnapshotUnavailable */
    {251, OUTCOME_CONFLICT},   /* NoSuchTransaction: the server has ended it */
    {6, OUTCOME_RETRY},        /* HostUnreachable */
    {7, OUTCOME_RETRY},        /* HostNotFound */
    {13, OUTCOME_RETRY},       /* Unauthorized: a right is missing; no message is to blame */
    {18, OUTCOME_RETRY},       /* AuthenticationFailed */
    {24, OUTCOME_RETRY},       /* LockTimeout: an index is being built */
    {50, OUTCOME_RETRY},       /* MaxTimeMSExpired */
    {63, OUTCOME_RETRY},       /* StaleShardVersion */
    {64, OUTCOME_RETRY},       /* WriteConcernFailed */
    {89, OUTCOME_RETRY},       /* NetworkTimeout */
    {91, OUTCOME_RETRY},       /* ShutdownInProgress */
    {100, OUTCOME_RETRY},      /* UnsatisfiableWriteConcern */
    {133, OUTCOME_RETRY},      /* FailedToSatisfyReadPreference */
    {134, OUTCOME_RETRY},      /* ReadConcernMajorityNotAvailableYet */
    {146, OUTCOME_RETRY},      /* ExceededMemoryLimit */
    {150, OUTCOME_RETRY},      /* StaleEpoch */
    {175, OUTCOME_RETRY},      /* QueryPlanKilled */
    {189, OUTCOME_RETRY},      /* PrimarySteppedDown */
    {262, OUTCOME_RETRY},      /* ExceededTimeLimit */
    {290, OUTCOME_RETRY},      /* TransactionExceededLifetimeLimitSeconds */
    {9001, OUTCOME_RETRY},     /* SocketException */
    {10107, OUTCOME_RETRY},    /* NotWritablePrimary */
    {11600, OUTCOME_RETRY},    /* InterruptedAtShutdown */
    {11601, OUTCOME_RETRY},    /* Interrupted */
    {11602, OUTCOME_RETRY},    /* InterruptedDueToReplStateChange */
    {13435, OUTCOME_RETRY},    /* NotPrimaryNoSecondaryOk */
    {13436, OUTCOME_RETRY},    /* NotPrimaryOrSecondary */
    {14031, OUTCOME_RETRY},    /* OutOfDiskSpace */
};

/* The domains of errors by which a command did not reach the server, or no answer came back. */
static const uint32_t away_domains[] = {MONGOC_ERROR_STREAM, MONGOC_ERROR_SERVER_SELECTION,
                                        MONGOC_ERROR_PROTOCOL, MONGOC_ERROR_SASL,
                                        MONGOC_ERROR_SCRAM};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static bool is_away(const bson_error_t *error)
{
    for (size_t i = 0; i < LENGTH(away_domains); i++)
        if (error->domain == away_domains[i])
            return true;
    /* A server that does not answer the driver's own greeting is reported as a "client" error. */
    return error->domain == MONGOC_ERROR_CLIENT &&
           (error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE ||
            error->code == MONGOC_ERROR_STREAM_CONNECT);
}

static const struct code_meaning *meaning_of_code(int code)
{
    for (size_t i = 0; i < LENGTH(code_meanings); i++)
        if (code_meanings[i].code == code)
            return &code_meanings[i];
    return NULL;
}

enum outcome mongo_meaning(const bson_t *reply, const bson_error_t *error)
{
    if (is_away(error))
        return OUTCOME_RETRY;
    const struct code_meaning *known = meaning_of_code((int)error->code);
    if (known)
        return known->outcome;
    const bool transient = mongoc_error_has_label(reply, "TransientTransactionError") ||
                           mongoc_error_has_label(reply, "RetryableWriteError");
    return transient ? OUTCOME_RETRY : OUTCOME_BUG;
}

/* The length of the text up to the values of a duplicate key, which may be an e-mail address. */
static int text_len(const char *message)
{
    const char *values = strstr(message, " dup key:");
    return (int)(values ? (size_t)(values - message) : strlen(message));
}

enum outcome mongo_fault(const bson_t *reply, const bson_error_t *error, const char *what,
                         struct err *err)
{
    const enum outcome outcome = mongo_meaning(reply, error);
    return err_set(err, outcome, outcome == OUTCOME_BUG ? E_INTERNAL : E_BUSY, __FILE__, __LINE__,
                   "%s: %.*s (code %u)", what, text_len(error->message), error->message,
                   error->code);
}

/* Reads {code, errmsg} of one error in a reply. */
static bool read_error(const bson_iter_t *at, uint32_t domain, bson_error_t *out)
{
    bson_iter_t code, text;
    if (!bson_iter_recurse(at, &code) || !bson_iter_find(&code, "code"))
        return false;
    const bool has_text = bson_iter_recurse(at, &text) && bson_iter_find(&text, "errmsg") &&
                          BSON_ITER_HOLDS_UTF8(&text);
    bson_set_error(out, domain, (uint32_t)bson_iter_as_int64(&code), "%s",
                   has_text ? bson_iter_utf8(&text, NULL) : "no text");
    return true;
}

enum outcome mongo_write_result(const bson_t *reply, const char *what, struct err *err)
{
    bson_iter_t at, first;
    bson_error_t error = {0};
    if (bson_iter_init_find(&at, reply, "writeErrors") && bson_iter_recurse(&at, &first) &&
        bson_iter_next(&first) && read_error(&first, MONGOC_ERROR_SERVER, &error))
        return mongo_fault(reply, &error, what, err);
    if (bson_iter_init_find(&at, reply, "writeConcernError") &&
        read_error(&at, MONGOC_ERROR_WRITE_CONCERN, &error))
        return mongo_fault(reply, &error, what, err);
    return OUTCOME_DONE;
}
