/* plan.h - what a seed has in store: how large the shop is, and which faults strike how often.
 *
 * Each seed draws some kinds of fault and leaves out the others ("swarm testing": rare combinations
 * come up, and a fault does not always stand in the shadow of a worse one). */
#ifndef CARTWRIGHT_TESTS_SIM_PLAN_H
#define CARTWRIGHT_TESTS_SIM_PLAN_H

#include "support/chance.h"

/* kind, text in traces and totals, strikes once in so many occasions of a seed that has it */
#define FAULT_KINDS(X)                                                                             \
    /* each time a lane touches the world */                                                       \
    X(CRASH, "lane crashes", 250)                                                                  \
    X(STALL, "lane is stopped for a while", 500)                                                   \
    X(SLOW_CALL, "slow call", 100)                                                                 \
    X(CLOCK_STEP, "clock steps", 300)                                                              \
    /* when a message first comes to its handler; from then on each time */                        \
    X(POISON, "message ends its handler", 60)                                                      \
    /* when a lane dies */                                                                         \
    X(TRANSACTION_LEFT, "dead lane's transaction stays open", 2)                                   \
    X(CONNECTION_LINGERS, "broker notices the death late", 2)                                      \
    /* the broker: calls, then the whole of it */                                                  \
    X(CONNECTION_LOST, "connection to the broker lost", 100)                                       \
    X(FLUSH_CUT, "flush cut short", 30)                                                            \
    X(CONFIRM_LATE, "confirm comes late", 8)                                                       \
    X(CONFIRM_REFUSED, "confirm says no", 30)                                                      \
    X(BROKER_RESTART, "broker restarts", 30)                                                       \
    X(BROKER_BLOCKS, "broker blocks publishers", 30)                                               \
    /* the database */                                                                             \
    X(STORE_REFUSES, "database refuses a call", 50)                                                \
    X(STORE_ANSWER_LOST, "database's answer lost", 50)                                             \
    X(STORE_AWAY, "database away", 30)                                                             \
    X(COMMIT_REFUSED, "commit refused", 20)                                                        \
    X(COMMIT_CONFLICT, "commit meets a conflict", 20)                                              \
    X(COMMIT_UNCERTAIN, "answer of a commit lost", 8)                                              \
    X(COMMIT_SLOW, "commit takes long", 15)                                                        \
    X(COMMIT_BUG, "commit refused for good", 60)                                                   \
    /* Redis */                                                                                    \
    X(LOCK_REFUSES, "Redis refuses a call", 40)                                                    \
    X(LOCK_ANSWER_LOST, "Redis' answer lost", 40)                                                  \
    X(LOCK_LIES, "lease granted twice", 10)                                                        \
    X(INVALIDATION_LOST, "Redis fails over and has lost an invalidation", 4)                       \
    X(LOCK_AWAY, "Redis away", 30)                                                                 \
    X(LOCK_WIPED, "Redis wiped", 30)                                                               \
    /* rolling restarts */                                                                         \
    X(DRAIN, "lane is drained and replaced", 30)                                                   \
    /* too many locks were met */                                                                  \
    X(ASIDE, "lane stands aside or takes part again", 15)                                          \
    /* between clients and broker */                                                               \
    X(REQUEST_LOST, "request lost", 10)                                                            \
    X(REQUEST_TWICE, "request sent twice", 8)                                                      \
    X(REQUEST_LATE, "request comes late", 8)                                                       \
    X(REPLY_LOST, "reply lost", 8)

#define FAULT_NAME_(kind, text, odds) FAULT_##kind,
enum fault_kind { FAULT_KINDS(FAULT_NAME_) FAULTS };

extern const char *const fault_texts[FAULTS];

#define LANES_MAX   3
#define CLIENTS_MAX 5
#define TABS_MAX    3 /* of the one who logs in and out: visitor.h */
#define USERS_MAX   3
#define GOODS_MAX   3

struct plan {
    int64_t odds[FAULTS]; /* one in so many; 0: never */
    int lanes, clients, users, goods;
    int tabs;
    int calls; /* of each client */
    int stock; /* of each product, at first */
    int batch_max, prefetch;
    bool partitioned; /* carts and orders are */
};

struct plan plan_of(uint64_t seed);
/* No faults from here on. */
void plan_heal(struct plan *plan);

#endif
