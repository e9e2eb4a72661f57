/* partitions.c - which domains are partitioned, and whether the settings make sense. */
#include "service/partitions.h"

#include <inttypes.h>

int64_t partitions_of(const struct engine_settings *settings, struct str domain)
{
    for (size_t i = 0; i < settings->partitions.count; i++)
        if (str_eq(settings->partitions.items[i].domain, domain))
            return settings->partitions.items[i].count;
    return 0;
}

bool pool_is_partitioned(const struct engine_settings *settings, const struct pool_settings *pool)
{
    for (size_t i = 0; i < pool->domains.count; i++)
        if (partitions_of(settings, pool->domains.items[i]) > 0)
            return true;
    return false;
}

static const struct domain *domain_named(const struct service *service, struct str name)
{
    for (size_t i = 0; service->domains[i]; i++)
        if (str_eq(str_of(service->domains[i]->name), name))
            return service->domains[i];
    return NULL;
}

static bool takes_requests(const struct domain *domain)
{
    for (size_t i = 0; domain->operations[i]; i++)
        if (domain->operations[i]->kind != SUBSCRIBER)
            return true;
    return false;
}

static enum outcome check_domain(const struct service *service,
                                 const struct engine_settings *settings, size_t i, struct err *err)
{
    const struct str name = settings->partitions.items[i].domain;
    const struct domain *domain = domain_named(service, name);
    if (!domain)
        return err_invalid(err, E_VALIDATION_FAILED, "partitions[%zu]: there is no domain '%.*s'",
                           i, STR_FMT(name));
    if (!takes_requests(domain))
        return err_invalid(err, E_VALIDATION_FAILED,
                           "partitions[%zu]: domain '%.*s' takes events only, and those are not "
                           "partitioned",
                           i, STR_FMT(name));
    for (size_t k = 0; k < i; k++)
        if (str_eq(settings->partitions.items[k].domain, name))
            return err_invalid(err, E_VALIDATION_FAILED,
                               "partitions[%zu]: domain '%.*s' is there twice", i, STR_FMT(name));
    return OUTCOME_DONE;
}

static enum outcome check_pool(const struct engine_settings *settings,
                               const struct pool_settings *pool, struct err *err)
{
    for (size_t i = 0; i < pool->domains.count; i++) {
        const int64_t count = partitions_of(settings, pool->domains.items[i]);
        if (count > 0 && pool->lanes > count)
            return err_invalid(err, E_VALIDATION_FAILED,
                               "pool %.*s: %" PRId64 " lanes for %" PRId64
                               " partitions of domain '%.*s'; a lane needs at least one",
                               STR_FMT(pool->name), pool->lanes, count,
                               STR_FMT(pool->domains.items[i]));
    }
    return OUTCOME_DONE;
}

enum outcome partitions_check(const struct service *service, const struct engine_settings *settings,
                              struct err *err)
{
    for (size_t i = 0; i < settings->partitions.count; i++)
        TRY(check_domain(service, settings, i, err));
    for (size_t i = 0; i < settings->pools.count; i++)
        TRY(check_pool(settings, &settings->pools.items[i], err));
    return OUTCOME_DONE;
}
