/* errors.h - the shop's own error codes. */
#ifndef CARTWRIGHT_WORKERS_ERRORS_H
#define CARTWRIGHT_WORKERS_ERRORS_H

#include "base/err.h"

#define SHOP_ERROR_CODES(X)                                                                        \
    X(EMAIL_TAKEN, 409, false)                                                                     \
    X(WEAK_PASSWORD, 422, false)                                                                   \
    X(INVALID_CREDENTIALS, 401, false)                                                             \
    X(TOKEN_INVALID, 401, false)                                                                   \
    X(TOKEN_REUSED, 401, false)                                                                    \
    X(LAST_SUPERADMIN, 409, false)                                                                 \
    X(DUPLICATE_SLUG, 409, false)                                                                  \
    X(CYCLE, 409, false)                                                                           \
    X(DUPLICATE_SKU, 409, false)                                                                   \
    X(STALE_QUANTITY, 409, false)                                                                  \
    X(NEGATIVE_STOCK, 409, false)                                                                  \
    X(INSUFFICIENT_STOCK, 409, false)                                                              \
    X(NOT_PURCHASABLE, 409, false)                                                                 \
    X(QUANTITY_LIMIT, 409, false)                                                                  \
    X(CART_EMPTY, 409, false)                                                                      \
    X(PRICE_CHANGED, 409, false)                                                                   \
    X(ILLEGAL_TRANSITION, 409, false)                                                              \
    X(NOT_CANCELLABLE, 409, false)

SHOP_ERROR_CODES(DECLARE_ERROR_CODE)

#endif
