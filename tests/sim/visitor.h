/* visitor.h - one who registers, logs in and out, and refreshes tokens, in several tabs at once; now and
 * then with a token that was spent, or that we never issued. */
#ifndef CARTWRIGHT_TESTS_SIM_VISITOR_H
#define CARTWRIGHT_TESTS_SIM_VISITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct call;
struct json;
struct sim;
struct sim_client;

#define VISITOR (-2) /* in place of the index of a shopper */

/* The tokens that one reply told. */
struct ticket {
    struct str refresh;
    struct str access;
    struct str session;
    int64_t rotation;
    int64_t told_us;
    struct ticket *next;
};

/* What a call of the visitor offers. */
struct visit {
    const struct ticket *ticket; /* the session that it is about; NULL: none */
    struct str refresh;          /* in the body; absent: none */
    bool is_forged;
    bool was_decided_first; /* before the session of the ticket ended, or just by its end */
    int64_t lapse_us;       /* of the answer: when a log-out was last told to nobody, perhaps */
};

/* A session that is over. */
struct ended {
    struct str session;
    struct ended *next;
};

struct visitor {
    struct str email, password;
    struct str user_id;           /* absent: it has not been told of an account */
    struct ticket *tickets;       /* all, the latest first */
    const struct ticket *current; /* in the browser, for all its tabs; NULL: logged out */
    struct ended *ended;
};

void visitor_open(struct sim *sim);
/* Chooses what a tab does next. */
void visitor_ask(struct sim_client *client, struct call *call);
/* The first final reply, which call->status and ->reply hold. */
void visitor_learn(struct sim *sim, struct call *call, const struct json *reply);
/* It was told that its answer is not repeated any more: that must be due. */
void visitor_check_gone(struct sim *sim, const struct call *call);
/* False when the text is no refresh token. */
bool ticket_read(struct sim *sim, struct str refresh, struct ticket *out);

#endif
