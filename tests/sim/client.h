/* client.h - those who send and wait for replies, and what they remember. */
#ifndef CARTWRIGHT_TESTS_SIM_CLIENT_H
#define CARTWRIGHT_TESTS_SIM_CLIENT_H

#include "base/str.h"
#include "sim/plan.h"
#include "sim/visitor.h"

struct sim;
struct shopper;

/* What a client asked for, and all that it was answered. */
struct call {
    const char *operation;
    int client;       /* index */
    int user;         /* index; -1: the admin; VISITOR */
    struct str token; /* that it goes with; absent: as a guest */
    struct visit visit;
    struct str message_id;
    struct str body;
    int64_t deadline; /* ms since 1970; 0: none */
    int sends;
    int copies;  /* that reached a queue */
    int replies; /* final ones */
    int status;  /* of the first final reply; 0: none */
    struct str reply;
    int64_t begun_us;      /* sent for the first time */
    int64_t answered_us;   /* the first final reply */
    bool is_gone;          /* its answer held secrets, and is not told any more */
    bool too_late;         /* it was told so */
    bool late_in_the_end;  /* when everything had settled */
    int arrived;           /* its first copy was so many-th to reach a queue; 0: none did */
    bool lost_place;       /* it failed and waited in the delays: it may come late */
    bool must_be_answered; /* sent when all faults were over */
    int64_t seen_version;  /* cart.get: of the cart, when it was asked */
    /* order.place: of each product, the last version that somebody was told before it was asked */
    int64_t told_versions[GOODS_MAX];
    struct call *next;
};

struct calls {
    struct call *first, *last;
    size_t count;
};

struct sim_client {
    struct sim *sim;
    int index;
    int user;
    struct visitor *visitor; /* of whom it is a tab; NULL: it shops */
    struct str queue;        /* of its replies */
    struct call *pending;
    int64_t deadline_us; /* of the pending call's reply */
    int calls_left;
    uint64_t ticket; /* of its next act */
    struct chance chance;
    bool is_encore; /* on its last call */
};

void client_start(struct sim_client *client);
bool clients_are_done(const struct sim *sim);
/* Wakes the clients that have mail. */
void clients_ring(struct sim *sim);
/* Sends calls that were answered, or told that they are too late, once more, of which nothing may come, and lets every client make
 * one more call: the shop must work again. */
void clients_encore(struct sim *sim);
/* The message went into the delays. */
void client_lost_place(struct sim *sim, struct str message_id);
/* It changes nothing: each time it is asked the answer is another one. */
bool call_is_query(const struct call *call);
/* NULL when no client sent it. */
struct call *client_call(const struct sim *sim, struct str message_id);
const struct shopper *sim_shopper(const struct sim *sim, int user);

#endif
