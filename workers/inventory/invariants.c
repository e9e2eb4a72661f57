/* invariants.c - every stock is what its ledger says, movement by movement.
 *
 * Each movement leads from one state of its stock (version, on hand, reserved) to the next. The sum
 * of the digests of the states that movements lead to, less the sum of the digests of those that
 * they come from, is the digest of the last state less that of the first; when a movement is
 * missing, doubled or changed, it is not. So one number per SKU proves a ledger of any length. Only
 * where that number is wrong are the movements looked at one by one. */
#include "inventory/invariants.h"

#include "inventory/stock.h"

/* --- stock ------------------------------------------------------------------------------------------------ */

#define WINDOW        16384 /* movements that are looked at together: 2.25 MiB */
#define EXPLAINED_MAX 16    /* findings; to explain one, the whole ledger is read anew */

struct tally {
    int64_t version, on_hand, reserved;   /* of the stock */
    uint64_t path;                        /* proves the movements up to that version */
    int64_t count, d_on_hand, d_reserved; /* of movements up to that version */
    int64_t newest;                       /* highest version in the whole ledger */
    bool is_odd;                          /* some movement is impossible by itself */
};

static uint64_t state_digest(int64_t version, int64_t on_hand, int64_t reserved)
{
    return digest_int(digest_int(digest_int(1, version), on_hand), reserved);
}

static bool are_in_range(int64_t on_hand, int64_t reserved)
{
    return reserved >= 0 && reserved <= on_hand;
}

/* True when the movement is possible by itself: it adds what its kind of move adds, leaves counters
 * within their range, and opens the stock at version 1 and only there. */
static bool is_sound(const struct stock_movement *movement)
{
    const struct stock_effect effect = stock_effect_of((enum stock_move)movement->move);
    const int64_t quantity = effect.on_hand ? movement->d_on_hand * effect.on_hand
                                            : movement->d_reserved * effect.reserved;
    const bool is_open = movement->move == STOCK_OPEN;
    const bool may_be_empty =
        is_open || movement->move == STOCK_ADJUST || movement->move == STOCK_OFFER;
    if (movement->d_on_hand != effect.on_hand * quantity ||
        movement->d_reserved != effect.reserved * quantity)
        return false;
    return (quantity > 0 || may_be_empty) && is_open == (movement->version == 1) &&
           are_in_range(movement->on_hand, movement->reserved);
}

static void begin_tally(void *row, const void *subject)
{
    const struct stock *stock = subject;
    *(struct tally *)row = (struct tally){
        .version = stock->head.version, .on_hand = stock->on_hand, .reserved = stock->reserved};
}

static void add_movement(struct tally *tally, const struct stock_movement *movement)
{
    if (movement->version > tally->newest)
        tally->newest = movement->version;
    if (movement->version > tally->version)
        return;
    tally->path += state_digest(movement->version, movement->on_hand, movement->reserved) -
                   state_digest(movement->version - 1, movement->on_hand - movement->d_on_hand,
                                movement->reserved - movement->d_reserved);
    tally->count++;
    tally->d_on_hand += movement->d_on_hand;
    tally->d_reserved += movement->d_reserved;
    tally->is_odd |= !is_sound(movement);
}

static void visit_page(struct join_pass *pass, const void *part)
{
    const struct ledger_page *page = part;
    for (size_t i = 0; i < page->entries.count; i++) {
        const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
        struct tally *tally = join_row(pass, movement->sku);
        if (tally)
            add_movement(tally, movement);
    }
}

static enum join_verdict judge_tally(const void *row)
{
    const struct tally *tally = row;
    const uint64_t path =
        state_digest(tally->version, tally->on_hand, tally->reserved) - state_digest(0, 0, 0);
    if (tally->path != path || tally->is_odd || !are_in_range(tally->on_hand, tally->reserved))
        return JOIN_DISAGREES;
    return tally->newest > tally->version ? JOIN_NEWER : JOIN_AGREES;
}

static bool covers_tally(const void *row, const void *subject)
{
    return doc_head(subject)->version >= ((const struct tally *)row)->newest;
}

/* --- one by one ------------------------------------------------------------------------------------------- */

struct found_movement {
    int64_t count;
    struct stock_movement movement;
    char page[ID_TEXT + 1], other_page[ID_TEXT + 1];
};

/* At most WINDOW movements of one SKU, from version `first` on. */
struct window {
    struct arena arena;
    struct found_movement *found;
    int64_t first;
};

static void keep_movement(struct window *window, const struct ledger_page *page,
                          const struct stock_movement *movement)
{
    const int64_t at = movement->version - window->first;
    if (at < 0 || at >= WINDOW)
        return;
    struct found_movement *found = &window->found[at];
    memcpy(found->count ? found->other_page : found->page, page->head.id.ptr, ID_TEXT);
    if (found->count++ == 0)
        found->movement = *movement;
}

static enum outcome fill_window(struct check *check, struct window *window, struct str sku,
                                struct err *err)
{
    struct check_cursor cursor = check_cursor(check, &stock_ledger, STR_ABSENT);
    const void *doc;
    memset(window->found, 0, WINDOW * sizeof(*window->found));
    for (;;) {
        TRY(check_next(&cursor, &doc, err));
        const struct ledger_page *page = doc;
        if (!page)
            return OUTCOME_DONE;
        for (size_t i = 0; i < page->entries.count; i++) {
            const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
            if (str_eq(movement->sku, sku))
                keep_movement(window, page, movement);
        }
    }
}

/* True when the movement is the next one after *state, which then becomes the state after it;
 * otherwise reports why not. */
static bool follows(struct check *check, struct str sku, const struct found_movement *found,
                    struct tally *state)
{
    const struct stock_movement *movement = &found->movement;
    const int64_t version = state->version + 1;
    const char *name = found->count ? stock_move_names[movement->move] : "";
    const char *collection = stock_type.collection;
    if (found->count == 0)
        check_found(check, collection, sku, "movement %" PRId64 " is not in the ledger", version);
    else if (found->count > 1)
        check_found(check, collection, sku,
                    "movement %" PRId64 " is in the ledger %" PRId64 " times: pages %s, %s",
                    version, found->count, found->page, found->other_page);
    else if (movement->on_hand != state->on_hand + movement->d_on_hand ||
             movement->reserved != state->reserved + movement->d_reserved)
        check_found(check, collection, sku,
                    "movement %" PRId64 " (%s, page %s) adds %" PRId64 " on hand, %" PRId64
                    " reserved to %" PRId64 ", %" PRId64 " and has %" PRId64 ", %" PRId64,
                    version, name, found->page, movement->d_on_hand, movement->d_reserved,
                    state->on_hand, state->reserved, movement->on_hand, movement->reserved);
    else if (!is_sound(movement))
        check_found(check, collection, sku,
                    "movement %" PRId64 " (page %s) is no '%s': it adds %" PRId64
                    " on hand, %" PRId64 " reserved and leaves %" PRId64 ", %" PRId64,
                    version, found->page, name, movement->d_on_hand, movement->d_reserved,
                    movement->on_hand, movement->reserved);
    else {
        state->version = version;
        state->on_hand = movement->on_hand;
        state->reserved = movement->reserved;
        return true;
    }
    return false;
}

/* Follows the movements up to `version`; *broken tells that the ledger breaks on the way, which
 * is then reported. */
static enum outcome walk(struct check *check, struct window *window, struct str sku,
                         int64_t version, struct tally *state, bool *broken, struct err *err)
{
    *broken = false;
    while (state->version < version) {
        window->first = state->version + 1;
        TRY(fill_window(check, window, sku, err));
        for (size_t i = 0; i < WINDOW && state->version < version; i++)
            if (!follows(check, sku, &window->found[i], state)) {
                *broken = true;
                return OUTCOME_DONE;
            }
    }
    return OUTCOME_DONE;
}

static enum outcome explain(struct check *check, struct str sku, const struct tally *tally,
                            bool *explained, struct err *err)
{
    struct window window = {0};
    struct tally state = {0};
    arena_init(&window.arena, 1024);
    window.found = arena_array(&window.arena, WINDOW, sizeof(*window.found));
    const enum outcome outcome = walk(check, &window, sku, tally->version, &state, explained, err);
    arena_release(&window.arena);
    return outcome;
}

static enum outcome report_tally(struct check *check, struct str sku, const void *row,
                                 struct err *err)
{
    const struct tally *tally = row;
    bool explained = false;
    if (check_findings(check) < EXPLAINED_MAX)
        TRY(explain(check, sku, tally, &explained, err));
    if (!explained && tally->newest > tally->version)
        check_found(check, stock_type.collection, sku,
                    "it is at version %" PRId64 ", the ledger goes on to %" PRId64, tally->version,
                    tally->newest);
    else if (!explained)
        check_found(check, stock_type.collection, sku,
                    "at version %" PRId64 " it has %" PRId64 " on hand, %" PRId64
                    " reserved; its %" PRId64 " movements make %" PRId64 ", %" PRId64,
                    tally->version, tally->on_hand, tally->reserved, tally->count, tally->d_on_hand,
                    tally->d_reserved);
    return OUTCOME_DONE;
}

static const struct join stock_join = {
    .subjects = &stock_type,
    .parts = &stock_ledger,
    .row_size = sizeof(struct tally),
    .orphans = "movements",
    .begin = begin_tally,
    .visit = visit_page,
    .judge = judge_tally,
    .covers = covers_tally,
    .report = report_tally,
};

static enum outcome verify_stock(struct check *check, struct err *err)
{
    return check_join(check, &stock_join, err);
}

const struct invariant stock_invariant = {
    .name = "stock",
    .summary = "every stock is what its ledger leaves, without a gap; 0 <= reserved <= onHand",
    .verify = verify_stock,
};

/* --- adjustments ------------------------------------------------------------------------------------------ */

struct adjusted {
    uint64_t claimed, found;
    int64_t delta, on_hand;
    int64_t count, d_on_hand;
};

static uint64_t adjustment_digest(struct str sku, int64_t delta, int64_t on_hand)
{
    return digest_int(digest_int(digest_str(1, sku), delta), on_hand);
}

static void begin_adjusted(void *row, const void *subject)
{
    const struct stock_adjustment *adjustment = subject;
    *(struct adjusted *)row = (struct adjusted){
        .claimed = adjustment_digest(adjustment->sku, adjustment->delta, adjustment->on_hand),
        .delta = adjustment->delta,
        .on_hand = adjustment->on_hand,
    };
}

static void visit_adjustments(struct join_pass *pass, const void *part)
{
    const struct ledger_page *page = part;
    for (size_t i = 0; i < page->entries.count; i++) {
        const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
        struct adjusted *adjusted =
            movement->move == STOCK_ADJUST ? join_row(pass, movement->cause) : NULL;
        if (!adjusted)
            continue;
        adjusted->found += adjustment_digest(movement->sku, movement->d_on_hand, movement->on_hand);
        adjusted->count++;
        adjusted->d_on_hand += movement->d_on_hand;
    }
}

static enum join_verdict judge_adjusted(const void *row)
{
    const struct adjusted *adjusted = row;
    return adjusted->found == adjusted->claimed ? JOIN_AGREES : JOIN_DISAGREES;
}

static enum outcome report_adjusted(struct check *check, struct str id, const void *row,
                                    struct err *err)
{
    const struct adjusted *adjusted = row;
    (void)err;
    check_found(check, stock_adjustment_type.collection, id,
                "it adds %" PRId64 " and leaves %" PRId64
                " on hand; the ledger has other movements of it: %" PRId64 ", adding %" PRId64,
                adjusted->delta, adjusted->on_hand, adjusted->count, adjusted->d_on_hand);
    return OUTCOME_DONE;
}

static const struct join adjustment_join = {
    .subjects = &stock_adjustment_type,
    .parts = &stock_ledger,
    .row_size = sizeof(struct adjusted),
    .orphans = "movements",
    .begin = begin_adjusted,
    .visit = visit_adjustments,
    .judge = judge_adjusted,
    .report = report_adjusted,
};

static enum outcome verify_adjustments(struct check *check, struct err *err)
{
    return check_join(check, &adjustment_join, err);
}

const struct invariant adjustments_invariant = {
    .name = "adjustments",
    .summary = "every adjustment is one movement of the ledger, and the other way round",
    .verify = verify_adjustments,
};
