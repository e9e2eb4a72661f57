/* connections.c - how the servers are reached, from the settings. */
#include "service/connections.h"

#include "base/clock.h"

struct store_options store_options_of(const struct service *service,
                                      const struct engine_settings *settings)
{
    size_t count = 0;
    while (service->types[count])
        count++;
    return (struct store_options){
        .uri = settings->mongodb_uri,
        .timeout_ms = (int)settings->mongodb_timeout_ms,
        .journal_retention_s = settings->journal_retention_ms / MS_PER_SECOND,
        .locale = service->locale,
        .types = service->types,
        .type_count = count,
    };
}

struct lock_options lock_options_of(const struct engine_settings *settings)
{
    return (struct lock_options){
        .uri = settings->redis_uri,
        .prefix = settings->prefix,
        .timeout_ms = (int)settings->redis_timeout_ms,
    };
}

struct bus_options bus_options_of(const struct engine_settings *settings, const char *name)
{
    return (struct bus_options){
        .uri = settings->amqp_uri,
        .name = name,
        .heartbeat_s = (int)(settings->amqp_heartbeat_ms / MS_PER_SECOND),
        .timeout_ms = (int)settings->amqp_timeout_ms,
        .body_max = (size_t)settings->body_max,
    };
}

struct bus_options operator_options_of(const struct engine_settings *settings, const char *name)
{
    struct bus_options options = bus_options_of(settings, name);
    if (settings->amqp_operator_uri.len)
        options.uri = settings->amqp_operator_uri;
    return options;
}
