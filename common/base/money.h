/* money.h - amounts in minor units (pence, cents) with an ISO 4217 code; never a double.
 *
 * Every sum and product is checked for overflow. False means that the result does not fit in int64
 * or that the currencies differ; the caller then refuses the request. */
#ifndef CARTWRIGHT_BASE_MONEY_H
#define CARTWRIGHT_BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct money {
    int64_t amount;   /* minor units */
    char currency[4]; /* "GBP"; "" means absent */
};

static inline bool money_is_absent(struct money m)
{
    return m.currency[0] == '\0';
}

bool money_eq(struct money a, struct money b);
MUST_CHECK bool money_add(struct money a, struct money b, struct money *out);
/* Computes a line total: unit price times count. */
MUST_CHECK bool money_times(struct money unit, int64_t count, struct money *out);
/* Returns the digits after the decimal point of a currency (ISO 4217), 2 for an unknown one. */
int money_digits(const char *currency);
/* Returns a text such as "12.50 GBP" or "300 JPY". */
struct str money_text(struct arena *arena, struct money m);

#endif
