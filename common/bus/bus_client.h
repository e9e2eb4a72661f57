/* bus_client.h - the other side: a web tier's view of the broker.
 *
 * Publishes requests and matches replies by correlation id over direct reply-to, many in flight.
 * Used by `cartwright call`, the demonstration, the benchmarks and the tests. */
#ifndef CARTWRIGHT_BUS_BUS_CLIENT_H
#define CARTWRIGHT_BUS_BUS_CLIENT_H

#include "bus/bus.h"

struct bus_client;

struct bus_request {
    struct str operation; /* routing key */
    struct str body;
    struct str token;      /* access token without "Bearer "; absent: none */
    struct str message_id; /* absent: a new one is made */
    int64_t deadline;      /* ms since epoch, > 0 */
    struct str api_key;
    struct str partition_key; /* requests with the same one keep their order, at most
                                 PARTITION_KEY_MAX bytes; absent: none */
    struct str sealed;        /* header x-sealed: how secret members of the body are sealed */
};

struct bus_reply {
    uint64_t ticket; /* what bus_client_send returned */
    int status;      /* header status, 0 when missing */
    struct str body; /* valid until the next bus_client_* call */
    int64_t micros;  /* from send to here, monotonic */
};

/* exchange: "cartwright.requests". */
MUST_CHECK enum outcome bus_client_open(struct str uri, struct str exchange,
                                        struct bus_client **out, struct err *err);
void bus_client_close(struct bus_client *client);
/* Buffered; written by bus_client_receive. Returns the ticket (1, 2, 3, ...). */
uint64_t bus_client_send(struct bus_client *client, const struct bus_request *request);
/* The next reply, in order of arrival. OUTCOME_RETRY on a timeout or a lost connection (the fate of
 * what is in flight is then unknown: send again with the same message id). OUTCOME_REFUSED with
 * UNKNOWN_OPERATION for a request that came back because no queue takes it. */
MUST_CHECK enum outcome bus_client_receive(struct bus_client *client, int timeout_ms,
                                           struct bus_reply *out, struct err *err);
size_t bus_client_in_flight(const struct bus_client *client);
/* Readable when something arrived that bus_client_receive has not taken yet: for a caller that waits
 * for other things, too. First let bus_client_receive say that there is no reply. */
int bus_client_fd(const struct bus_client *client);
/* Send one, wait for its reply; nothing else may be in flight. */
MUST_CHECK enum outcome bus_client_call(struct bus_client *client,
                                        const struct bus_request *request, int timeout_ms,
                                        struct bus_reply *out, struct err *err);

#endif
