/* shop.c - the tables that make the shop: its domains and its settings. */
#include "shop.h"

#include "auth/session.h"
#include "auth/user.h"
#include "cart/cart.h"
#include "catalog/catalog.h"
#include "inventory/stock.h"
#include "notification/notification.h"
#include "order/order.h"
#include "schemas/all.h"
#include "wishlist/wishlist.h"

/* clang-format off */
static const struct domain *const domains[] = {
    &auth_domain,
    &password_domain,
    &catalog_domain,
    &inventory_domain,
    &cart_domain,
    &order_domain,
    &notification_domain,
    &wishlist_domain,
    NULL,
};
/* clang-format on */

#define AT(member) offsetof(struct app_settings, shop.member)

/* clang-format off */
static const struct setting rows[] = {
    {.name = "shop.currencies", .kind = SETTING_STRS, .offset = AT(currencies), .fallback = "",
     .fixed = true, .help = "ISO 4217 codes of prices, the default first; empty: shop.currency"},
    {.name = "shop.currency", .kind = SETTING_STR, .offset = AT(currency), .fallback = "GBP",
     .fixed = true, .help = "the only currency, where shop.currencies is empty"},
    {.name = "shop.locale", .kind = SETTING_STR, .offset = AT(locale), .fallback = "en-GB",
     .fixed = true, .help = "BCP 47 tag; lists by name are sorted as in its language"},
    {.name = "shop.lowStock", .kind = SETTING_INT, .offset = AT(low_stock), .fallback = "5",
     .max = 1000000, .help = "at or below it stock is low"},
    {.name = "shop.deliveryDays", .kind = SETTING_INT, .offset = AT(delivery_days),
     .fallback = "5", .max = 365, .help = "expected delivery, days after the order"},
    {.name = "shop.listCache", .kind = SETTING_DURATION, .offset = AT(list_cache_ms),
     .fallback = "60s", .min = 1000, .max = 3600000, .help = "life of a cached page"},
    {.name = "auth.accessToken", .kind = SETTING_DURATION, .offset = AT(access_token_ms),
     .fallback = "10m", .min = 10000, .max = 86400000, .help = "life of an access token"},
    {.name = "auth.refreshIdle", .kind = SETTING_DURATION, .offset = AT(refresh_idle_ms),
     .fallback = "14d", .min = 60000, .max = 31536000000, .help = "life of an unused refresh token"},
    {.name = "auth.refreshAbsolute", .kind = SETTING_DURATION, .offset = AT(refresh_absolute_ms),
     .fallback = "30d", .min = 60000, .max = 31536000000, .help = "life of a log-in"},
    {.name = "auth.hideTaken", .kind = SETTING_BOOL, .offset = AT(hide_taken), .fallback = "false",
     .help = "auth.register answers 202 whether or not the address has an account; its owner gets a mail"},
    {.name = "auth.refreshGrace", .kind = SETTING_DURATION, .offset = AT(refresh_grace_ms),
     .fallback = "10s", .max = 60000,
     .help = "a spent refresh token is answered with its successor for so long; 0s: never"},
    {.name = "auth.loginBurst", .kind = SETTING_INT, .offset = AT(login_burst), .fallback = "10",
     .min = 1, .max = 1000, .help = "failures at once of one client at one account or session"},
    {.name = "auth.loginPeriod", .kind = SETTING_DURATION, .offset = AT(login_period_ms),
     .fallback = "12s", .min = 100, .max = 3600000, .help = "then one such failure per such time"},
    {.name = "auth.accountBurst", .kind = SETTING_INT, .offset = AT(account_burst),
     .fallback = "100", .min = 1, .max = 100000,
     .help = "failed log-ins at once of all clients at one account"},
    {.name = "auth.accountPeriod", .kind = SETTING_DURATION, .offset = AT(account_period_ms),
     .fallback = "12s", .min = 100, .max = 3600000, .help = "then one failed log-in per such time"},
    {.name = "auth.clientBurst", .kind = SETTING_INT, .offset = AT(client_burst),
     .fallback = "30", .min = 1, .max = 1000000, .help = "failures at once from one client address"},
    {.name = "auth.clientPeriod", .kind = SETTING_DURATION, .offset = AT(client_period_ms),
     .fallback = "10s", .min = 1, .max = 3600000, .help = "then one such failure per such time"},
    {.name = "auth.keyBurst", .kind = SETTING_INT, .offset = AT(key_burst),
     .fallback = "1000", .min = 1, .max = 1000000,
     .help = "failures at once from an API key that tells no client address"},
    {.name = "auth.keyPeriod", .kind = SETTING_DURATION, .offset = AT(key_period_ms),
     .fallback = "100ms", .min = 1, .max = 3600000, .help = "then one such failure per such time"},
};
/* clang-format on */

static const struct setting_table shop_settings_table = {rows, sizeof(rows) / sizeof(rows[0])};

static const struct setting_table *const tables[] = {&engine_settings_table, &shop_settings_table};

const struct config_schema app_config = {
    .tables = tables,
    .table_count = 2,
    .lists = engine_lists,
    .list_count = ENGINE_LISTS,
    .size = sizeof(struct app_settings),
};

struct service shop_service(const struct app_settings *settings)
{
    return (struct service){
        .domains = domains,
        .types = all_types,
        .invalidations = catalog_invalidations,
        .invalidation_count = catalog_invalidation_count,
        .authorize = authorize_caller,
        .settings = &settings->shop,
        .locale = settings->shop.locale,
        .access_token_ms = settings->shop.access_token_ms,
        .cache_ms = settings->shop.list_cache_ms,
    };
}
