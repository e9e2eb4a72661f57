/* stock.h - stock: one document per SKU, its rules, and the moves that orders make.
 *
 *   available = onHand - reserved,  0 <= reserved <= onHand
 *
 *             onHand  reserved  cause
 *   open        +q       0       product.create
 *   adjust      +d       0       inventory.set, inventory.adjust
 *   reserve      0      +q       order.place
 *   release      0      -q       order cancelled
 *   consume     -q      -q       order shipped
 *   offer        0       0       product.update: another price or status
 *
 * An order also rests on the price and the status of each product, which it reads from copies. Its
 * commit proves only its stocks. So whatever changes a price or a status also moves the stock's
 * version, and leaves in the stock the version that the product has since then (productVersion); an
 * order that finds an older copy reads the product anew.
 *
 * Every move has an entry in the stock ledger, which is written together with it. So what is in
 * stock can always be derived again, and the cause of every move can be found. */
#ifndef CARTWRIGHT_WORKERS_INVENTORY_STOCK_H
#define CARTWRIGHT_WORKERS_INVENTORY_STOCK_H

#include "engine/job.h"
#include "schemas/inventory.h"

/* Its error codes; those of the engine are in base/err.h. */
#define INVENTORY_ERROR_CODES(X)                                                                   \
    X(STALE_QUANTITY, 409, false)                                                                  \
    X(NEGATIVE_STOCK, 409, false)
INVENTORY_ERROR_CODES(DECLARE_ERROR_CODE)

/* A need; *out is NULL when there is no such stock. */
bool stock_by_sku(struct job *job, struct str sku, enum access access, struct stock **out);
/* The stock of a product. NOT_FOUND when there is no such product, BUG when it has no stock.
 * Returns NEED as a handler does. */
MUST_CHECK enum outcome stock_of_product(struct job *job, struct str product_id, enum access access,
                                         struct stock **out, struct err *err);

/* The stock on hand that is not reserved; 0 for NULL. */
int64_t stock_available(const struct stock *stock);
enum stock_status stock_status_of(int64_t available, int64_t low_threshold);
/* The wire form "StockRef": how a product shows its stock. */
struct stock_ref stock_ref_of(const struct job *job, int64_t available);

/* --- moves --------------------------------------------------------------------------------------- */

#define STOCK_STAYS ((enum stock_move) - 1) /* no move at all */

/* What a move of quantity 1 adds to each counter. */
struct stock_effect {
    int on_hand, reserved;
};
struct stock_effect stock_effect_of(enum stock_move move);

/* False when the quantity is not positive (STOCK_ADJUST may have any quantity) or a counter would
 * leave its range; then nothing is changed. */
MUST_CHECK bool stock_move(struct stock *stock, enum stock_move move, int64_t quantity);

/* The entry for a move that `stock` has just made. */
struct stock_movement stock_movement_of(const struct stock *stock, enum stock_move move,
                                        int64_t quantity, struct str cause);

/* The wire form "Stock", which is replied and emitted. */
struct stock_view *stock_view(struct job *job, const struct stock *stock);

/* The event to emit when the available stock went from `before` to `after`: "stock.out" when it
 * fell to 0, "stock.low" when it fell to the threshold or below, else NULL. */
const struct event_type *stock_alarm(int64_t before, int64_t after, int64_t low_threshold);

/* Makes the stock of a new product, its ledger entry and stock.changed. The SKU must have been
 * loaded DOC_FOR_UPDATE, and have no stock yet. */
struct stock *stock_open(struct job *job, struct str sku, struct str product_id, int64_t on_hand);
/* Must be called after stock_move() of a DOC_FOR_UPDATE stock. Marks the stock changed, appends to
 * the ledger, emits stock.changed and the event of stock_alarm(), and keeps product.in_stock in
 * step when availability begins or ends. That last step needs the product, so this is a need: when
 * it returns false, the handler must return OUTCOME_NEED, and the engine forgets what was changed.
 * Call it for all stocks first, so that one round loads all products. */
MUST_CHECK bool stock_moved(struct job *job, struct stock *stock, enum stock_move move,
                            int64_t quantity, struct str cause);

/* Must be called when the product has a new price or status since its version
 * `product_version`. Moves the version of the DOC_FOR_UPDATE stock, so that no order which read
 * the old ones can commit. */
void stock_offer(struct job *job, struct stock *stock, int64_t product_version);

/* The body of inventory.set and inventory.adjust: changes what is on hand in a DOC_FOR_UPDATE
 * stock, keeps who did it and why, and replies the stock. NEGATIVE_STOCK when less would be left
 * than is reserved. Returns NEED as a handler does. */
enum outcome stock_change(struct job *job, struct stock *stock, int64_t delta, struct str reason,
                          struct err *err);

extern const struct domain inventory_domain;

#endif
