/* order.h - the order: its document (which is also its wire form), its life cycle and its rules.
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
#include "schemas/common.h"

enum order_status {
    ORDER_PENDING = COMMON_ORDER_STATUS_PENDING,
    ORDER_PAID = COMMON_ORDER_STATUS_PAID,
    ORDER_PROCESSING = COMMON_ORDER_STATUS_PROCESSING,
    ORDER_SHIPPED = COMMON_ORDER_STATUS_SHIPPED,
    ORDER_DELIVERED = COMMON_ORDER_STATUS_DELIVERED,
    ORDER_CANCELLED = COMMON_ORDER_STATUS_CANCELLED,
    ORDER_STATUSES
};

struct order_line {
    struct str product_id;
    struct str sku;
    struct str name;
    int64_t quantity;
    struct money unit_price; /* frozen when placed */
    struct money line_total;
    struct str kept; /* fields that a newer release wrote (base/fields.h) */
};

struct order_step {
    int status;
    int64_t at;    /* ms */
    struct str by; /* user id */
    struct str note;
    struct str kept; /* fields that a newer release wrote (base/fields.h) */
};

struct order {
    struct doc_head head;
    struct str number; /* unique, not guessable: "CW-" + 12 of Crockford's base 32 (60 bits) */
    struct str user_id;
    int status;
    LIST(struct order_line) items;
    struct money total;
    const struct common_address *shipping_address; /* may be NULL */
    struct str expected_delivery_date;             /* "YYYY-MM-DD" */
    LIST(struct order_step) history;               /* every status that it had, oldest first */
};

extern const struct shape order_shape; /* also the wire form "Order" */
extern const struct doc_type order_type;

/* A need; *out is NULL when there is no such order. */
bool order_by_id(struct job *job, struct str id, enum access access, struct order **out);
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

extern const struct domain order_domain;

#endif
