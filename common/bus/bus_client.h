/* bus_client.h - the other side: the broker, as a web tier sees it.
 *
 * A client publishes requests and matches replies by correlation id over direct reply-to, many in
 * flight. `cartwright call`, the demonstration, the benchmarks and the tests use it. */
#ifndef CARTWRIGHT_BUS_BUS_CLIENT_H
#define CARTWRIGHT_BUS_BUS_CLIENT_H

#include "bus/bus.h"

struct bus_client;

struct bus_request {
    struct str operation; /* routing key */
    struct str body;
    struct str token;      /* access token without "Bearer "; absent: none */
    struct str message_id; /* absent: a new one is made */
    int64_t deadline;      /* ms since the epoch; 0: none */
    struct str api_key;
    struct str partition_key; /* requests with the same key keep their order; at most
                                 PARTITION_KEY_MAX bytes; absent: none */
    struct str sealed;        /* header x-sealed: how secret members of the body are sealed */
};

struct bus_reply {
    uint64_t ticket; /* what bus_client_send returned */
    int status;      /* header status, 0 when missing */
    struct str body; /* valid until the next bus_client_* call */
    int64_t micros;  /* microseconds from sending to receiving, monotonic */
};

/* Connects. exchange: "cartwright.requests". Outcomes are those of bus_open. */
MUST_CHECK enum outcome bus_client_open(struct str uri, struct str exchange,
                                        struct bus_client **out, struct err *err);
void bus_client_close(struct bus_client *client);
/* Buffers a request, which bus_client_receive writes. Returns its ticket (1, 2, 3, ...). */
uint64_t bus_client_send(struct bus_client *client, const struct bus_request *request);
/* The next reply, in order of arrival. OUTCOME_RETRY on a timeout, a signal or a lost connection
 * (the fate of the requests in flight is then unknown: send them again with the same message ids).
 * OUTCOME_REFUSED with UNKNOWN_OPERATION for a request that came back because no queue takes it. */
MUST_CHECK enum outcome bus_client_receive(struct bus_client *client, int timeout_ms,
                                           struct bus_reply *out, struct err *err);
size_t bus_client_in_flight(const struct bus_client *client);
/* A descriptor that is readable when something arrived that bus_client_receive has not taken yet,
 * for a caller that waits for other things, too. Before waiting for it, call bus_client_receive
 * until it says that there is no reply. */
int bus_client_fd(const struct bus_client *client);
/* Sends one request and waits for its reply; nothing else may be in flight. */
MUST_CHECK enum outcome bus_client_call(struct bus_client *client,
                                        const struct bus_request *request, int timeout_ms,
                                        struct bus_reply *out, struct err *err);

#endif
