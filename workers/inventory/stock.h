/* stock.h - stock: one document per SKU, its rules, and the moves that orders make.
 *
 *   available = onHand - reserved,  0 <= reserved <= onHand
 *
 *             onHand  reserved
 *   adjust      +d       0       inventory.set, inventory.adjust
 *   reserve      0      +q       order.place
 *   release      0      -q       order cancelled
 *   consume     -q      -q       order shipped
 *
 * The ledger: adjustments are kept as documents, the other moves are the history of their orders.
 * So what is on hand can always be derived again. */
#ifndef CARTWRIGHT_WORKERS_INVENTORY_STOCK_H
#define CARTWRIGHT_WORKERS_INVENTORY_STOCK_H

#include "worker/job.h"

enum stock_status { STOCK_IN, STOCK_LOW, STOCK_OUT };
extern const char *const stock_status_names[]; /* "in_stock", "low_stock", "out_of_stock" */

struct stock {
    struct doc_head head; /* head.id is the SKU */
    struct str product_id;
    int64_t on_hand;
    int64_t reserved;
};

extern const struct doc_type stock_type;

bool stock_by_sku(struct job *job, struct str sku, enum access access, struct stock **out);
/* The stock of a product: NEED; NOT_FOUND when there is no such product. */
MUST_CHECK enum outcome stock_of_product(struct job *job, struct str product_id, enum access access,
                                         struct stock **out, struct err *err);

/* NULL has nothing available. */
int64_t stock_available(const struct stock *stock);
enum stock_status stock_status_of(int64_t available, int64_t low_threshold);

/* The moves. Each is false and changes nothing when a counter would leave its range. Quantities are
 * positive. */
MUST_CHECK bool stock_adjust(struct stock *stock, int64_t delta);
MUST_CHECK bool stock_reserve(struct stock *stock, int64_t quantity);
MUST_CHECK bool stock_release(struct stock *stock, int64_t quantity);
MUST_CHECK bool stock_consume(struct stock *stock, int64_t quantity);

/* The wire form of inventory.get. */
struct stock_view {
    struct str product_id;
    struct str sku;
    int64_t on_hand;
    int64_t reserved;
    int64_t available;
    int64_t version;
};

extern const struct shape stock_view_shape;
struct stock_view *stock_view(struct job *job, const struct stock *stock);

/* The event that available stock fell from one figure to another tells: "stock.out" at 0,
 * "stock.low" where the threshold is crossed, else NULL. */
const char *stock_alarm(int64_t before, int64_t after, int64_t low_threshold);

/* Call after a move of a FOR_UPDATE stock, with what was available before: marks it changed, emits
 * stock.changed and what stock_alarm() says, and keeps product.in_stock in step when availability
 * begins or ends. That last needs the product, so this is a need: false when the handler must
 * return OUTCOME_NEED (the engine then forgets what was changed; call it for all stocks first, so
 * that one round loads all). */
MUST_CHECK bool stock_moved(struct job *job, struct stock *stock, int64_t available_before);

/* One line of the ledger: who changed what is on hand, by how much and why. Never changed. */
struct stock_adjustment {
    struct doc_head head;
    struct str sku;
    struct str by; /* user id */
    int64_t delta;
    int64_t on_hand;   /* afterwards */
    struct str reason; /* may be absent */
};

extern const struct doc_type stock_adjustment_type;

/* The body of inventory.set and inventory.adjust: moves what is on hand, writes the ledger and
 * replies the stock. */
enum outcome stock_change(struct job *job, struct stock *stock, int64_t delta, struct str reason,
                          struct err *err);

extern const struct worker inventory_worker;

#endif
