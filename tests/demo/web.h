/* web.h - a web tier over AMQP: many requests in flight, each with what to do with its answer.
 *
 * Single-threaded: web_run() hands out answers one by one, and whoever gets one may send the next
 * request. The first thing that must not happen (no broker, an answer that nobody expected) is kept
 * in `failure` and stops everything. */
#ifndef CARTWRIGHT_DEMO_WEB_H
#define CARTWRIGHT_DEMO_WEB_H

#include "base/arena.h"
#include "base/err.h"
#include "bus/bus_client.h"
#include "demo/plan.h"
#include "wire/json.h"

#define WEB_WINDOW      256 /* requests in flight at once */
#define WEB_MESSAGE_MAX 512

/* Somebody who is logged in. */
struct session {
    struct str access;
    struct str refresh;
    int64_t expires_us; /* monotonic */
};

struct answer {
    int status;
    struct str code;         /* of the error; absent when it is ok */
    const struct json *data; /* NULL when it is not; valid while the answer is handled */
    struct str text;         /* the whole reply */
};

struct web;

/* item: which one of many the answer is about. */
typedef void answered(void *context, size_t item, const struct answer *answer);

struct ask {
    const char *operation;
    struct session *session; /* NULL: a guest */
    struct str body;         /* copied */
    answered *then;
    void *context;
    size_t item;
};

struct call {
    struct arena arena; /* what the request needs to be sent again, and its answer */
    uint64_t ticket;    /* 0: free */
    struct ask ask;
    struct str message_id;
    int attempts;
};

typedef GROWING(int64_t) web_times;

/* What was measured of one stretch of time. */
struct web_speed {
    web_times times;   /* microseconds from request to answer, all operations */
    web_times placing; /* of order.place alone */
    int64_t micros;    /* how long it took */
};

struct web {
    struct arena arena; /* sessions, times */
    struct bus_client *client;
    struct bus_client *desk; /* for the odd request that has to wait for its answer */
    struct call calls[WEB_WINDOW];
    size_t in_flight;
    uint64_t sent;
    char run[17];              /* part of all message ids */
    struct web_speed *measure; /* where the times of answers go; NULL: nowhere */
    uint64_t resent;
    bool failed;
    char failure[WEB_MESSAGE_MAX];
    void (*idle)(void *context); /* called often; may be NULL */
    void *idle_context;
};

MUST_CHECK enum outcome web_open(struct web *web, struct str uri, struct str exchange,
                                 struct err *err);
void web_close(struct web *web);

/* There must be room. A session about to expire is refreshed first. */
void web_send(struct web *web, const struct ask *ask);
bool web_has_room(const struct web *web);
/* Starts what `start` has to start (it sends at most one request at each call, false: nothing now)
 * and hands out answers, until nothing is in flight and nothing starts, or something failed. */
void web_run(struct web *web, bool (*start)(void *context), void *context);
void web_fail(struct web *web, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fails unless the answer is ok. */
bool web_expect(struct web *web, const char *what, const struct answer *answer);

/* Takes tokens out of the answer of auth.login, auth.register or auth.refresh. */
void web_take_tokens(struct web *web, struct session *session, const struct json *data);
/* The share-th part (0.5: the median) of the times, in microseconds; sorts them. */
int64_t web_percentile(web_times *times, double share);

#endif
