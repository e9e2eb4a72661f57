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
 * An order rests on the price and the status of each product, too, and reads them from copies. Its
 * commit proves only its stocks; so whatever changes a price or a status also moves the stock's
 * version, and leaves in it the version that the product has since then (productVersion). Who
 * finds an older copy reads the product anew.
 *
 * Every move is an entry of the stock ledger, written with it; so what is in stock can always be
 * derived again, and who asks why finds the cause. */
#ifndef CARTWRIGHT_WORKERS_INVENTORY_STOCK_H
#define CARTWRIGHT_WORKERS_INVENTORY_STOCK_H

#include "engine/job.h"

enum stock_status { STOCK_IN, STOCK_LOW, STOCK_OUT };
extern const char *const stock_status_names[]; /* "in_stock", "low_stock", "out_of_stock" */

struct stock {
    struct doc_head head; /* head.id is the SKU */
    struct str product_id;
    int64_t on_hand;
    int64_t reserved;
    int64_t product_version; /* no older product has today's price and status; 0: not known */
};

extern const struct doc_type stock_type;

bool stock_by_sku(struct job *job, struct str sku, enum access access, struct stock **out);
/* The stock of a product: NEED; NOT_FOUND when there is no such product. */
MUST_CHECK enum outcome stock_of_product(struct job *job, struct str product_id, enum access access,
                                         struct stock **out, struct err *err);

/* NULL has nothing available. */
int64_t stock_available(const struct stock *stock);
enum stock_status stock_status_of(int64_t available, int64_t low_threshold);

/* --- moves --------------------------------------------------------------------------------------- */

enum stock_move {
    STOCK_STAYS = -1, /* no move at all */
    STOCK_OPEN,
    STOCK_ADJUST,
    STOCK_RESERVE,
    STOCK_RELEASE,
    STOCK_CONSUME,
    STOCK_OFFER, /* moves nothing but the version */
};
extern const char *const stock_move_names[]; /* "open", "adjust", ... */

/* What a move of quantity 1 adds to each counter. */
struct stock_effect {
    int on_hand, reserved;
};
struct stock_effect stock_effect_of(enum stock_move move);

/* False, and changes nothing, when a counter would leave its range. Quantities are positive; only
 * that of STOCK_ADJUST has a sign. */
MUST_CHECK bool stock_move(struct stock *stock, enum stock_move move, int64_t quantity);

/* An entry of the ledger. */
struct stock_movement {
    struct str sku;
    int64_t version;  /* of the stock after the move: 1, 2, 3... of each SKU */
    int move;         /* enum stock_move */
    struct str cause; /* id of the order, the adjustment or (open, offer) the product */
    int64_t d_on_hand, d_reserved;
    int64_t on_hand, reserved; /* after the move */
};

extern const struct doc_type stock_ledger;

/* The entry for a move that `stock` has just made. */
struct stock_movement stock_movement_of(const struct stock *stock, enum stock_move move,
                                        int64_t quantity, struct str cause);

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

/* The stock of a new product, with all that follows. The SKU is locked and has none yet. */
struct stock *stock_open(struct job *job, struct str sku, struct str product_id, int64_t on_hand);
/* Call after stock_move() of a DOC_FOR_UPDATE stock: marks it changed, writes the ledger, emits
 * stock.changed and what stock_alarm() says, and keeps product.in_stock in step when availability
 * begins or ends. That last needs the product, so this is a need: false when the handler must
 * return OUTCOME_NEED (the engine then forgets what was changed; call it for all stocks first, so
 * that one round loads all). */
MUST_CHECK bool stock_moved(struct job *job, struct stock *stock, enum stock_move move,
                            int64_t quantity, struct str cause);

/* The price or the status of its product is another one since version `product_version`: moves the
 * DOC_FOR_UPDATE stock's version, so that no order is committed that read what was before. */
void stock_offer(struct job *job, struct stock *stock, int64_t product_version);

/* Who changed what is on hand, by how much and why. Never changed. */
struct stock_adjustment {
    struct doc_head head;
    struct str sku;
    struct str by; /* user id */
    int64_t delta;
    int64_t on_hand;   /* afterwards */
    struct str reason; /* may be absent */
};

extern const struct doc_type stock_adjustment_type;

/* The body of inventory.set and inventory.adjust: moves what is on hand, keeps who did it and
 * replies the stock. */
enum outcome stock_change(struct job *job, struct stock *stock, int64_t delta, struct str reason,
                          struct err *err);

extern const struct domain inventory_domain;

#endif
