/* order.h - the order: its life cycle and its rules.
 *
 *   pending ──> paid ──> processing ──> shipped ──> delivered
 *      │          │           │
 *      └──────────┴───────────┴──> cancelled
 *
 * Placing an order reserves stock, cancelling releases it, shipping consumes it. A customer may
 * cancel an order while it is pending or paid, an admin until it is shipped. */
#ifndef CARTWRIGHT_WORKERS_ORDER_ORDER_H
#define CARTWRIGHT_WORKERS_ORDER_ORDER_H

#include "engine/job.h"
#include "inventory/stock.h"
#include "schemas/order.h"

/* Its error codes; those of the engine are in base/err.h. */
#define ORDER_ERROR_CODES(X)                                                                       \
    X(CART_EMPTY, 409, false)                                                                      \
    X(PRICE_CHANGED, 409, false)                                                                   \
    X(ILLEGAL_TRANSITION, 409, false)                                                              \
    X(NOT_CANCELLABLE, 409, false)
ORDER_ERROR_CODES(DECLARE_ERROR_CODE)

/* True when the order is the caller's own or the caller is an admin. False for NULL. */
bool order_is_visible(const struct job *job, const struct order *order);

#define ORDER_NUMBER_PREFIX "CW-"
#define ORDER_NUMBER_CHARS  12

/* The UTC day, "YYYY-MM-DD", that is `days` days after `now` (ms). */
struct str order_delivery_date(struct arena *arena, int64_t now, int64_t days);
/* Gives the order a new status and adds that to its history. `at` is in ms, `by` a user id;
 * `note` may be absent. */
void order_add_step(struct arena *arena, struct order *order, enum order_status status, int64_t at,
                    struct str by, struct str note);

/* --- life cycle: a table that a test walks whole ---------------------------------------------------- */

/* One step of the life cycle and what it does to the stock of each line. */
struct order_edge {
    enum order_status from;
    enum order_status to;
    enum stock_move move;
};

/* NULL when an order may not go from `from` to `to`. */
const struct order_edge *order_edge(enum order_status from, enum order_status to);
bool order_may_cancel(enum order_status status, enum who who);

/* Moves the stock of all lines, with everything that follows from it. BUG when a stock does not
 * hold what the order says: the caller must have checked that. Returns NEED as a handler does. */
MUST_CHECK enum outcome order_move_stock(struct job *job, const struct order *order,
                                         enum stock_move move, struct err *err);
/* Moves a DOC_FOR_UPDATE order along an edge: moves its stock, adds to its history, emits
 * order.status_changed, and order.cancelled when it is cancelled, and replies the order. Returns
 * NEED as a handler does, BUG as order_move_stock() does. */
enum outcome order_move(struct job *job, struct order *order, const struct order_edge *edge,
                        struct str note, struct err *err);

/* What order.list asks for, before it is narrowed to a page: the orders of `owner` (absent:
 * everybody's) with `status` (-1: with any). */
struct query order_list_query(struct str owner, int status);

extern const struct domain order_domain;

#endif
