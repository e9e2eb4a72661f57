/* invariants.c - orders add up, have followed the edges of their life cycle, and have moved exactly
 * the stock that each edge says. */
#include "order/invariants.h"

#include "order/order.h"

/* --- the document itself ---------------------------------------------------------------------------------- */

static void check_line(struct check *check, const struct order *order, size_t i)
{
    const struct order_line *line = &order->items.items[i];
    struct money product = {0};
    if (line->quantity <= 0 || line->unit_price.amount < 0)
        check_found(check, order_type.collection, order->head.id,
                    "line %.*s has the quantity %" PRId64 " and the price %" PRId64,
                    STR_FMT(line->sku), line->quantity, line->unit_price.amount);
    if (!money_times(line->unit_price, line->quantity, &product) ||
        product.amount != line->line_total.amount ||
        strcmp(line->line_total.currency, order->total.currency) != 0 ||
        strcmp(line->unit_price.currency, order->total.currency) != 0)
        check_found(check, order_type.collection, order->head.id,
                    "line %.*s: %" PRId64 " at %" PRId64 " %s is not %" PRId64 " %s",
                    STR_FMT(line->sku), line->quantity, line->unit_price.amount,
                    line->unit_price.currency, line->line_total.amount, line->line_total.currency);
    for (size_t k = 0; k < i; k++)
        if (str_eq(order->items.items[k].sku, line->sku))
            check_found(check, order_type.collection, order->head.id,
                        "line %.*s stands there twice", STR_FMT(line->sku));
}

static void check_total(struct check *check, const struct order *order)
{
    int64_t sum = 0;
    bool fits = true;
    for (size_t i = 0; i < order->items.count; i++)
        fits &= !__builtin_add_overflow(sum, order->items.items[i].line_total.amount, &sum);
    if (order->items.count == 0)
        check_found(check, order_type.collection, order->head.id, "it has no lines");
    if (!fits || sum != order->total.amount)
        check_found(check, order_type.collection, order->head.id,
                    "the total is %" PRId64 ", its lines make %" PRId64, order->total.amount, sum);
}

static void check_history(struct check *check, const struct order *order)
{
    const size_t count = order->history.count;
    const struct order_step *steps = order->history.items;
    if (count == 0 || steps[0].status != ORDER_PENDING) {
        check_found(check, order_type.collection, order->head.id,
                    "its history does not begin as %s", order_status_names[ORDER_PENDING]);
        return;
    }
    for (size_t i = 1; i < count; i++)
        if (!order_edge((enum order_status)steps[i - 1].status, (enum order_status)steps[i].status))
            check_found(check, order_type.collection, order->head.id,
                        "its history goes from %s to %s", order_status_names[steps[i - 1].status],
                        order_status_names[steps[i].status]);
    if (order->status != steps[count - 1].status)
        check_found(check, order_type.collection, order->head.id,
                    "it is %s, its history ends as %s", order_status_names[order->status],
                    order_status_names[steps[count - 1].status]);
    if (order->head.version != (int64_t)count)
        check_found(check, order_type.collection, order->head.id,
                    "it is at version %" PRId64 " after %zu steps", order->head.version, count);
}

static void check_order(struct check *check, const void *doc)
{
    const struct order *order = doc;
    for (size_t i = 0; i < order->items.count; i++)
        check_line(check, order, i);
    check_total(check, order);
    check_history(check, order);
}

const struct invariant orders_invariant = {
    .name = "orders",
    .summary =
        "lines and total add up, the history is a path of the life cycle, one version a step",
    .type = &order_type,
    .visit = check_order,
};

/* --- orders and the stock ledger -------------------------------------------------------------------------- */

#define MOVES         (STOCK_CONSUME + 1)
#define EXPLAINED_MAX 16 /* findings; to explain one, the whole ledger is read anew */

/* Sums over the lines of an order for each kind of move: digests of (SKU, quantity), and the bare
 * quantities, as the order claims them (`should`) and as the ledger has them. */
struct claim {
    uint64_t should[MOVES], is[MOVES];
    int64_t pieces_should[MOVES], pieces[MOVES];
};

static uint64_t line_digest(struct str sku, int64_t quantity)
{
    return digest_int(digest_str(1, sku), quantity);
}

static void add_lines(struct claim *claim, const struct order *order, enum stock_move move)
{
    for (size_t i = 0; i < order->items.count; i++) {
        const struct order_line *line = &order->items.items[i];
        claim->should[move] += line_digest(line->sku, line->quantity);
        claim->pieces_should[move] += line->quantity;
    }
}

static enum stock_move move_of_step(const struct order *order, size_t i)
{
    if (i == 0)
        return STOCK_RESERVE; /* the order was placed */
    const struct order_step *steps = order->history.items;
    const struct order_edge *edge =
        order_edge((enum order_status)steps[i - 1].status, (enum order_status)steps[i].status);
    return edge ? edge->move : STOCK_STAYS;
}

static void begin_claim(void *row, const void *subject)
{
    const struct order *order = subject;
    for (size_t i = 0; i < order->history.count; i++)
        if (move_of_step(order, i) != STOCK_STAYS)
            add_lines(row, order, move_of_step(order, i));
}

static bool is_of_order(const struct stock_movement *movement)
{
    return movement->move == STOCK_RESERVE || movement->move == STOCK_RELEASE ||
           movement->move == STOCK_CONSUME;
}

/* How many pieces a sound movement moved. */
static int64_t pieces_of(const struct stock_movement *movement)
{
    return movement->d_reserved < 0 ? -movement->d_reserved : movement->d_reserved;
}

static void visit_page(struct join_pass *pass, const void *part)
{
    const struct ledger_page *page = part;
    for (size_t i = 0; i < page->entries.count; i++) {
        const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
        struct claim *claim = is_of_order(movement) ? join_row(pass, movement->cause) : NULL;
        if (!claim)
            continue;
        claim->is[movement->move] += line_digest(movement->sku, pieces_of(movement));
        claim->pieces[movement->move] += pieces_of(movement);
    }
}

static enum join_verdict judge_claim(const void *row)
{
    const struct claim *claim = row;
    return memcmp(claim->is, claim->should, sizeof(claim->is)) == 0 ? JOIN_AGREES : JOIN_DISAGREES;
}

/* --- line by line ----------------------------------------------------------------------------------------- */

/* The pieces of one line that the ledger moved, for each kind of move. The element behind the last
 * line is for SKUs that are in no line. */
struct line_moves {
    int64_t pieces[MOVES];
};

static size_t line_of(const struct order *order, struct str sku)
{
    size_t i = 0;
    while (i < order->items.count && !str_eq(order->items.items[i].sku, sku))
        i++;
    return i;
}

static enum outcome sum_lines(struct check *check, const struct order *order,
                              struct line_moves *lines, struct err *err)
{
    struct check_cursor cursor = check_cursor(check, &stock_ledger, STR_ABSENT);
    const void *doc;
    for (;;) {
        TRY(check_next(&cursor, &doc, err));
        const struct ledger_page *page = doc;
        if (!page)
            return OUTCOME_DONE;
        for (size_t i = 0; i < page->entries.count; i++) {
            const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
            if (is_of_order(movement) && str_eq(movement->cause, order->head.id))
                lines[line_of(order, movement->sku)].pieces[movement->move] += pieces_of(movement);
        }
    }
}

static void report_line(struct check *check, const struct order *order, size_t i,
                        const struct line_moves *moves)
{
    struct line_moves should = {0};
    const bool is_line = i < order->items.count;
    const struct str sku = is_line ? order->items.items[i].sku : STR("another");
    for (size_t k = 0; is_line && k < order->history.count; k++)
        if (move_of_step(order, k) != STOCK_STAYS)
            should.pieces[move_of_step(order, k)] += order->items.items[i].quantity;
    for (int move = STOCK_RESERVE; move < MOVES; move++)
        if (moves->pieces[move] != should.pieces[move])
            check_found(check, order_type.collection, order->head.id,
                        "%s, line %.*s: %s %" PRId64 " in the ledger, should be %" PRId64,
                        order_status_names[order->status], STR_FMT(sku), stock_move_names[move],
                        moves->pieces[move], should.pieces[move]);
}

static enum outcome explain(struct check *check, const struct order *found, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 4096);
    const struct order *order = shape_copy(order_type.shape, &arena, found);
    struct line_moves *lines = arena_array(&arena, order->items.count + 1, sizeof(*lines));
    const enum outcome outcome = sum_lines(check, order, lines, err);
    for (size_t i = 0; outcome == OUTCOME_DONE && i <= order->items.count; i++)
        report_line(check, order, i, &lines[i]);
    arena_release(&arena);
    return outcome;
}

static enum outcome report_claim(struct check *check, struct str id, const void *row,
                                 struct err *err)
{
    const struct claim *claim = row;
    const int64_t before = check_findings(check);
    const void *order = NULL;
    if (before < EXPLAINED_MAX)
        TRY(check_find_one(check, &order_type, id, &order, err));
    if (order)
        TRY(explain(check, order, err));
    for (int move = STOCK_RESERVE; move < MOVES && check_findings(check) == before; move++)
        if (claim->is[move] != claim->should[move])
            check_found(check, order_type.collection, id,
                        "%s %" PRId64 " pieces in the ledger, should be %" PRId64
                        ", or of other products",
                        stock_move_names[move], claim->pieces[move], claim->pieces_should[move]);
    return OUTCOME_DONE;
}

static const struct join order_stock_join = {
    .subjects = &order_type,
    .parts = &stock_ledger,
    .row_size = sizeof(struct claim),
    .orphans = "movements of stock",
    .begin = begin_claim,
    .visit = visit_page,
    .judge = judge_claim,
    .report = report_claim,
};

static enum outcome verify_order_stock(struct check *check, struct err *err)
{
    return check_join(check, &order_stock_join, err);
}

const struct invariant order_stock_invariant = {
    .name = "orders.stock",
    .summary = "every order reserved, released and consumed its lines, each once; nothing else did",
    .verify = verify_order_stock,
};
