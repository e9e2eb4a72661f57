/* order.h - the order: document (which is also its wire form), life cycle, rules.
 *
 *   pending ──> paid ──> processing ──> shipped ──> delivered
 *      │          │           │
 *      └──────────┴───────────┴──> cancelled
 *
 * Placing reserves stock, cancelling releases it, shipping consumes it. A customer may cancel while
 * pending or paid, an admin until shipped. */
#ifndef CARTWRIGHT_WORKERS_ORDER_ORDER_H
#define CARTWRIGHT_WORKERS_ORDER_ORDER_H

#include "worker/job.h"

enum order_status {
    ORDER_PENDING,
    ORDER_PAID,
    ORDER_PROCESSING,
    ORDER_SHIPPED,
    ORDER_DELIVERED,
    ORDER_CANCELLED,
    ORDER_STATUSES
};
extern const char *const order_status_names[];

struct address {
    struct str name;
    struct str line1;
    struct str line2;
    struct str city;
    struct str region;
    struct str postcode;
    struct str country; /* ISO 3166 alpha-2 */
    struct str phone;
};

struct order_line {
    struct str product_id;
    struct str sku;
    struct str name;
    int64_t quantity;
    struct money unit_price; /* frozen when placed */
    struct money line_total;
};

struct order_step {
    int status;
    int64_t at;
    struct str by; /* user id */
    struct str note;
};

struct order {
    struct doc_head head;
    struct str number; /* unique, not guessable: "CW-" + 12 of Crockford's base 32 */
    struct str user_id;
    int status;
    LIST(struct order_line) items;
    struct money total;
    const struct address *shipping_address; /* may be NULL */
    struct str expected_delivery_date;      /* "YYYY-MM-DD" */
    LIST(struct order_step) history;
};

extern const struct shape order_shape; /* also the wire form "Order" */
extern const struct doc_type order_type;

/* The life cycle, as a table that a test walks whole. */
bool order_may_move(enum order_status from, enum order_status to);
bool order_may_cancel(enum order_status status, enum who who);
/* Moves a FOR_UPDATE order on, adds to its history, and moves the stock that goes with it (which
 * may NEED). Emits order.status_changed, and order.cancelled when cancelled. */
enum outcome order_move(struct job *job, struct order *order, enum order_status to, struct str note,
                        struct err *err);

bool order_by_id(struct job *job, struct str id, enum access access, struct order **out);

extern const struct worker order_worker;

#endif
