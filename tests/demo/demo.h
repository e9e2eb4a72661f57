/* demo.h - the demonstration: a plan, a web tier that carries it out, somebody who listens, and
 * what came of it. The parts run one after the other: load, replay, late, rush, audit, summary. */
#ifndef CARTWRIGHT_DEMO_DEMO_H
#define CARTWRIGHT_DEMO_DEMO_H

#include "demo/audience.h"
#include "demo/plan.h"
#include "demo/web.h"

#define LATE_RIVALS     3 /* late shoppers for each wanted product */
#define LATE_SHOPPERS   (PLAN_WANTED * LATE_RIVALS)
#define DELIVERED_MAX   3 /* orders that the admin takes all the way */
#define DEMO_CHECKS_MAX 32
#define DEMO_PASSWORD   "a morning in december 2010" /* of all customers */

/* A product in the shop. `base` is what was there before the plan began, from an earlier run. */
struct shop_product {
    struct str id;
    int64_t base_reserved;
    size_t era;        /* whose price is in force, or on its way */
    size_t era_left;   /* order lines of this era not yet placed */
    bool price_is_set; /* false while the product.update is on its way */
    int64_t shipped;
    int64_t rush_stock; /* came for the rush hour */
    int64_t rush_sold;
    int64_t on_hand;  /* as read back at the end */
    int64_t reserved; /* as read back at the end */
};

struct shop_customer {
    struct session session;
    int64_t base_orders; /* of an earlier run */
    int64_t orders;      /* as read back at the end */
    int64_t total;       /* of the newest ones that this run placed, as read back */
    int64_t expected_orders;
    int64_t expected_total;
    int64_t pages; /* of the history, still to be read */
    int64_t left;  /* orders of the history still to be added up */
};

struct shop_order {
    struct str id;
    struct str number;
    size_t next_line;
    bool is_started;
    bool is_placed;
    bool agrees; /* total, lines, quantities and prices as in the file */
};

struct late_shopper {
    struct session session;
    int64_t wants; /* all that is left */
    bool got_it;
    bool was_refused; /* INSUFFICIENT_STOCK */
    struct str order_id;
};

/* A figure that must agree. */
struct check {
    const char *what;
    int64_t expected;
    int64_t found;
    bool is_money;
};

struct tally {
    int64_t placed;
    int64_t late_placed;
    int64_t refused;
    int64_t cancelled;
    int64_t delivered;
    int64_t status_changes; /* cancellations too */
    int64_t revenue;        /* of the replay's orders, as the shop replied */
    int64_t price_updates;
    int64_t stock_moves;
    int64_t load_us;
    int64_t rush_revenue; /* as the shop replied */
    int64_t rush_expected;
};

struct demo {
    struct arena arena;
    struct plan plan;
    struct web web;
    struct audience audience;
    struct session admin;
    struct shop_product *products;   /* as in the plan */
    struct shop_customer *customers; /* as in the plan */
    struct shop_order *orders;       /* as in the plan */
    struct late_shopper late[LATE_SHOPPERS];
    size_t late_count;
    struct str *categories; /* ids, as in plan_categories */
    struct tally tally;
    struct web_speed morning;
    int64_t rush_seconds;            /* 0: no rush hour */
    GROWING(struct str) rush_orders; /* ids */
    struct web_speed rush;
    struct check checks[DEMO_CHECKS_MAX];
    size_t check_count;
};

/* Each part leaves a failure in demo->web. */
void demo_load(struct demo *demo, struct str admin_email, struct str admin_password);
void demo_replay(struct demo *demo);
void demo_late(struct demo *demo);
void demo_rush(struct demo *demo);
void demo_audit(struct demo *demo);

/* True when every figure agrees; prints all of it. */
bool demo_summary(struct demo *demo);
void demo_hints(const struct demo *demo);

/* A body of one request, from printf; in the demo's arena of this moment. */
struct str demo_body(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The progress line: on a terminal it is written over, elsewhere only finished lines appear. */
void demo_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void demo_progress_done(void);

/* Registers, or logs in when an earlier run did: the cart is emptied then, and the orders that
 * are there already are counted into *base_orders (NULL: not wanted). */
void demo_enter(struct demo *demo, struct session *session, int64_t *base_orders, struct str email,
                struct str name);

#endif
