/* audience.h - somebody who listens: takes every event and every notification off a queue of its
 * own and remembers which ones came, so that the demonstration can say that each came. */
#ifndef CARTWRIGHT_DEMO_AUDIENCE_H
#define CARTWRIGHT_DEMO_AUDIENCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "bus/bus.h"

struct audience {
    struct arena arena;
    struct bus *bus;
    struct map heard; /* "email.order_placed/<order id>/<status>" and the like, each once */
    struct map ids;   /* of messages: a message may come twice, it counts once */
    int64_t inapp;
    int64_t email;
    int64_t events;
    int64_t events_placed;
    int64_t repeated; /* a second message for the same thing: must stay 0 */
    bool is_lost;
};

/* Declares the queue and binds it, as an operator would; then listens, as who may do no more, and throws
 * away what an earlier run left in it. */
MUST_CHECK enum outcome audience_open(struct audience *audience, struct str prefix,
                                      struct err *err);
void audience_close(struct audience *audience);
/* Takes what is there; waits up to timeout_ms for the first. */
void audience_listen(struct audience *audience, int timeout_ms);
/* kind: "email.order_placed"; status: absent but for order_status_changed. */
bool audience_heard(const struct audience *audience, const char *kind, struct str order_id,
                    const char *status);

#endif
