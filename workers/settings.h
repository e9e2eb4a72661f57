/* settings.h - the shop's part of the configuration; handlers read it through shop_settings(). */
#ifndef CARTWRIGHT_WORKERS_SETTINGS_H
#define CARTWRIGHT_WORKERS_SETTINGS_H

#include "engine/job.h"

/* Each comment names the setting and ends with its default. */
struct shop_settings {
    LIST(struct str) currencies; /* shop.currencies: see shop_currencies(); empty */
    struct str currency;         /* shop.currency: the only currency when that list is empty; GBP */
    struct str locale;           /* shop.locale: the language of lists by name; en-GB */
    int64_t low_stock;           /* shop.lowStock: stock is low at this number or below; 5 */
    int64_t delivery_days;       /* shop.deliveryDays: days from the order to its delivery; 5 */
    int64_t list_cache_ms;       /* shop.listCache: life of a cached page; 60s */
    int64_t access_token_ms;     /* auth.accessToken: life of an access token; 10m */
    int64_t refresh_idle_ms;     /* auth.refreshIdle: life of an unused refresh token; 14d */
    int64_t refresh_absolute_ms; /* auth.refreshAbsolute: life of a log-in; 30d */
    bool hide_taken; /* auth.hideTaken: no answer tells whether an address is taken; false */
    int64_t refresh_grace_ms; /* auth.refreshGrace: how long a spent token is still answered; 10s */
    int64_t login_burst;     /* auth.loginBurst: failures at once of one client at one target; 10 */
    int64_t login_period_ms; /* auth.loginPeriod: then one such failure per period; 12s */
    int64_t account_burst;   /* auth.accountBurst: failures of all clients at one account; 100 */
    int64_t account_period_ms; /* auth.accountPeriod: then one per period; 12s */
    int64_t client_burst;      /* auth.clientBurst: failures at once from one address; 30 */
    int64_t client_period_ms;  /* auth.clientPeriod: then one per period; 10s */
    int64_t key_burst;     /* auth.keyBurst: failures at once from a key without address; 1000 */
    int64_t key_period_ms; /* auth.keyPeriod: then one per period; 100ms */
};

/* The currencies in which the shop sells, at least one. A cart none of whose lines decides its
 * currency is in the first one. */
struct currencies {
    const struct str *items;
    size_t count;
};

static inline struct currencies shop_currencies(const struct shop_settings *settings)
{
    if (settings->currencies.count)
        return (struct currencies){settings->currencies.items, settings->currencies.count};
    return (struct currencies){&settings->currency, 1};
}

static inline bool shop_sells_in(const struct shop_settings *settings, const char *currency)
{
    const struct currencies all = shop_currencies(settings);
    for (size_t i = 0; i < all.count; i++)
        if (str_eq(all.items[i], str_of(currency)))
            return true;
    return false;
}

static inline const struct shop_settings *shop_settings(const struct job *job)
{
    return job_settings(job);
}

#endif
