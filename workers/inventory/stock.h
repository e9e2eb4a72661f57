/* stock.h - stock: one document per SKU, its rules, and the moves that orders make.
 *
 *   available = onHand - reserved,  0 <= reserved <= onHand
 *
 *             onHand  reserved
 *   adjust      +d       0       inventory.set, inventory.adjust
 *   reserve      0      +q       order.place
 *   release      0      -q       order cancelled
 *   consume     -q      -q       order shipped
 */
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

/* NULL has nothing available. */
int64_t stock_available(const struct stock *stock);
enum stock_status stock_status_of(int64_t available, int64_t low_threshold);

/* The moves. Each is false and changes nothing when a counter would leave its range. */
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

/* Call after a move of a FOR_UPDATE stock, with what was available before: marks it changed, emits
 * stock.changed, stock.low and stock.out where the threshold is crossed downwards, and keeps
 * product.in_stock in step when availability begins or ends. That last needs the product, so it is
 * a need: true when done, false when the handler must return OUTCOME_NEED. Call it for all lines
 * inside one NEED-like loop before anything else is changed. */
bool stock_moved(struct job *job, struct stock *stock, int64_t available_before);

extern const struct worker inventory_worker;

#endif
