/* shop.h - the whole shop as the engine sees it: its domains, documents and settings. */
#ifndef CARTWRIGHT_WORKERS_SHOP_H
#define CARTWRIGHT_WORKERS_SHOP_H

#include "config/config.h"
#include "service/operation.h"
#include "service/settings.h"
#include "settings.h"

/* Everything that can be configured. */
struct app_settings {
    struct engine_settings engine;
    struct shop_settings shop;
};

extern const struct config_schema app_config;

/* The service with these settings, which must outlive it. */
struct service shop_service(const struct app_settings *settings);

#endif
