/* partitions.c - which workers are partitioned, and whether the settings make sense. */
#include "service/partitions.h"

#include <inttypes.h>

int64_t partitions_of(const struct engine_settings *settings, struct str worker)
{
    for (size_t i = 0; i < settings->partitions.count; i++)
        if (str_eq(settings->partitions.items[i].worker, worker))
            return settings->partitions.items[i].count;
    return 0;
}

bool pool_is_partitioned(const struct engine_settings *settings, const struct pool_settings *pool)
{
    for (size_t i = 0; i < pool->workers.count; i++)
        if (partitions_of(settings, pool->workers.items[i]) > 0)
            return true;
    return false;
}

static const struct worker *worker_named(const struct service *service, struct str name)
{
    for (size_t i = 0; service->workers[i]; i++)
        if (str_eq(str_of(service->workers[i]->name), name))
            return service->workers[i];
    return NULL;
}

static bool takes_requests(const struct worker *worker)
{
    for (size_t i = 0; worker->operations[i]; i++)
        if (worker->operations[i]->kind != SUBSCRIBER)
            return true;
    return false;
}

static enum outcome check_worker(const struct service *service,
                                 const struct engine_settings *settings, size_t i, struct err *err)
{
    const struct str name = settings->partitions.items[i].worker;
    const struct worker *worker = worker_named(service, name);
    if (!worker)
        return invalid(err, VALIDATION_FAILED, "partitions[%zu]: there is no worker '%.*s'", i,
                       STR_FMT(name));
    if (!takes_requests(worker))
        return invalid(err, VALIDATION_FAILED,
                       "partitions[%zu]: worker '%.*s' takes events only, and those are not "
                       "partitioned",
                       i, STR_FMT(name));
    for (size_t k = 0; k < i; k++)
        if (str_eq(settings->partitions.items[k].worker, name))
            return invalid(err, VALIDATION_FAILED, "partitions[%zu]: worker '%.*s' is there twice",
                           i, STR_FMT(name));
    return OUTCOME_DONE;
}

static enum outcome check_pool(const struct engine_settings *settings,
                               const struct pool_settings *pool, struct err *err)
{
    for (size_t i = 0; i < pool->workers.count; i++) {
        const int64_t count = partitions_of(settings, pool->workers.items[i]);
        if (count > 0 && pool->lanes > count)
            return invalid(err, VALIDATION_FAILED,
                           "pool %.*s: %" PRId64 " lanes for %" PRId64
                           " partitions of worker '%.*s'; a lane needs at least one",
                           STR_FMT(pool->name), pool->lanes, count,
                           STR_FMT(pool->workers.items[i]));
    }
    return OUTCOME_DONE;
}

enum outcome partitions_check(const struct service *service, const struct engine_settings *settings,
                              struct err *err)
{
    for (size_t i = 0; i < settings->partitions.count; i++)
        TRY(check_worker(service, settings, i, err));
    for (size_t i = 0; i < settings->pools.count; i++)
        TRY(check_pool(settings, &settings->pools.items[i], err));
    return OUTCOME_DONE;
}
