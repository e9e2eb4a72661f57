/* money.c - amounts in minor units with an ISO 4217 code. */
#include "base/money.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"

bool money_eq(struct money a, struct money b)
{
    return a.amount == b.amount && memcmp(a.currency, b.currency, sizeof(a.currency)) == 0;
}

bool money_add(struct money a, struct money b, struct money *out)
{
    int64_t sum;
    if (strcmp(a.currency, b.currency) != 0 || __builtin_add_overflow(a.amount, b.amount, &sum))
        return false;
    a.amount = sum;
    *out = a;
    return true;
}

bool money_times(struct money unit, int64_t count, struct money *out)
{
    int64_t product;
    if (__builtin_mul_overflow(unit.amount, count, &product))
        return false;
    unit.amount = product;
    *out = unit;
    return true;
}

int money_digits(const char *currency)
{
    static const struct {
        char code[4];
        int digits;
    } exceptions[] = {
        {"BHD", 3}, {"BIF", 0}, {"CLF", 4}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"IQD", 3},
        {"ISK", 0}, {"JOD", 3}, {"JPY", 0}, {"KMF", 0}, {"KRW", 0}, {"KWD", 3}, {"LYD", 3},
        {"OMR", 3}, {"PYG", 0}, {"RWF", 0}, {"TND", 3}, {"UGX", 0}, {"UYI", 0}, {"UYW", 4},
        {"VND", 0}, {"VUV", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0},
    };
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (strcmp(exceptions[i].code, currency) == 0)
            return exceptions[i].digits;
    return 2;
}

struct str money_text(struct arena *arena, struct money m)
{
    const int digits = money_digits(m.currency);
    uint64_t scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    /* The sign is written separately: -50 pence are "-0.50", but the quotient 0 has no sign. */
    const char *sign = m.amount < 0 ? "-" : "";
    const uint64_t size = m.amount < 0 ? 0u - (uint64_t)m.amount : (uint64_t)m.amount;
    if (digits == 0)
        return str_printf(arena, "%s%" PRIu64 " %s", sign, size, m.currency);
    return str_printf(arena, "%s%" PRIu64 ".%0*" PRIu64 " %s", sign, size / scale, digits,
                      size % scale, m.currency);
}
