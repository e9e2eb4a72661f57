/* stock_ledger.c - what each kind of move does to a stock, and how the ledger keeps it. */
#include "inventory/stock.h"

static const struct stock_effect effects[] = {
    [STOCK_OPEN] = {+1, 0},    [STOCK_ADJUST] = {+1, 0},   [STOCK_RESERVE] = {0, +1},
    [STOCK_RELEASE] = {0, -1}, [STOCK_CONSUME] = {-1, -1}, [STOCK_OFFER] = {0, 0},
};

struct stock_effect stock_effect_of(enum stock_move move)
{
    return effects[move];
}

static bool times_add(int64_t base, int64_t sign, int64_t quantity, int64_t *out)
{
    int64_t product;
    return !__builtin_mul_overflow(sign, quantity, &product) &&
           !__builtin_add_overflow(base, product, out);
}

bool stock_move(struct stock *stock, enum stock_move move, int64_t quantity)
{
    int64_t on_hand, reserved;
    if (quantity <= 0 && move != STOCK_ADJUST)
        return false;
    if (!times_add(stock->on_hand, effects[move].on_hand, quantity, &on_hand) ||
        !times_add(stock->reserved, effects[move].reserved, quantity, &reserved))
        return false;
    if (reserved < 0 || reserved > on_hand)
        return false;
    stock->on_hand = on_hand;
    stock->reserved = reserved;
    return true;
}

struct stock_movement stock_movement_of(const struct stock *stock, enum stock_move move,
                                        int64_t quantity, struct str cause)
{
    return (struct stock_movement){
        .sku = stock->head.id,
        .version = stock->head.version,
        .move = (int)move,
        .cause = cause,
        .d_on_hand = effects[move].on_hand * quantity,
        .d_reserved = effects[move].reserved * quantity,
        .on_hand = stock->on_hand,
        .reserved = stock->reserved,
    };
}
