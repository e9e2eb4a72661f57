/* service_prepare.c - what a shop's tables must hold before they serve. */
#include "service/operation.h"

/* --- names that may stand once only ------------------------------------------------------------- */

/* BUG when one of the `count` names stands there twice. */
static enum outcome check_names(const char *what, const char *const *names, size_t count,
                                struct err *err)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[i], names[k]) == 0)
                return err_bug(err, "two %s are called '%s'", what, names[i]);
    return OUTCOME_DONE;
}

/* Calls `visit` for every operation until that fails. */
static enum outcome each_operation(const struct service *service,
                                   enum outcome (*visit)(const struct service *service,
                                                         const struct domain *domain,
                                                         const struct operation *operation,
                                                         struct err *err),
                                   struct err *err)
{
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++)
            TRY(visit(service, service->domains[i], service->domains[i]->operations[k], err));
    return OUTCOME_DONE;
}

static enum outcome check_domain_names(const struct service *service, struct arena *arena,
                                       struct err *err)
{
    size_t count = 0;
    while (service->domains[count])
        count++;
    const char **names = arena_array(arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = service->domains[i]->name;
    return check_names("domains", names, count, err);
}

static enum outcome check_collections(const struct service *service, struct arena *arena,
                                      struct err *err)
{
    size_t count = 0;
    while (service->types[count])
        count++;
    const char **names = arena_array(arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = service->types[i]->collection;
    return check_names("collections", names, count, err);
}

static enum outcome check_operation_name(const struct service *service, const struct domain *domain,
                                         const struct operation *operation, struct err *err)
{
    (void)domain;
    if (service_operation(service, str_of(operation->name)) == operation)
        return OUTCOME_DONE;
    return err_bug(err, "two operations are called '%s'", operation->name);
}

/* --- each operation ----------------------------------------------------------------------------- */

static enum outcome check_kind(const struct service *service, const struct domain *domain,
                               const struct operation *operation, struct err *err)
{
    (void)service;
    (void)domain;
    const bool is_subscriber = operation->kind == SUBSCRIBER;
    if (!operation->handle || !operation->summary)
        return err_bug(err, "%s has no handler or no summary", operation->name);
    if (is_subscriber != (operation->event != NULL) ||
        is_subscriber == (operation->request != NULL))
        return err_bug(err, "%s: a subscriber has an event, every other operation has a request",
                       operation->name);
    if (is_subscriber && operation->reply)
        return err_bug(err, "%s: nobody gets the reply of a subscriber", operation->name);
    return OUTCOME_DONE;
}

/* True for "cart.item.add" and the prefix "cart". */
static bool is_below(struct str name, struct str prefix)
{
    return str_starts_with(name, prefix) && name.len > prefix.len && name.ptr[prefix.len] == '.';
}

/* Prefixes bind patterns, so the message of an operation that begins with the prefix of another
 * domain would come to both queues. */
static enum outcome check_route(const struct service *service, const struct domain *domain,
                                const struct operation *operation, struct err *err)
{
    for (size_t i = 0; operation->kind != SUBSCRIBER && service->domains[i]; i++)
        for (size_t k = 0; service->domains[i] != domain && service->domains[i]->prefixes[k]; k++)
            if (is_below(str_of(operation->name), str_of(service->domains[i]->prefixes[k])))
                return err_bug(err, "%s of domain %s would also come to domain %s (prefix %s)",
                               operation->name, domain->name, service->domains[i]->name,
                               service->domains[i]->prefixes[k]);
    return OUTCOME_DONE;
}

static enum outcome prepare_schema(const struct service *service, const struct domain *domain,
                                   const struct operation *operation, struct err *err)
{
    (void)service;
    (void)domain;
    return schema_prepare(operation_schema(operation), err);
}

static enum outcome check_tables(const struct service *service, struct arena *arena,
                                 struct err *err)
{
    TRY(check_domain_names(service, arena, err));
    TRY(check_collections(service, arena, err));
    TRY(each_operation(service, check_operation_name, err));
    TRY(each_operation(service, check_kind, err));
    TRY(each_operation(service, check_route, err));
    if (service->invalidation_count > INVALIDATIONS_MAX)
        return err_bug(err, "more than %d invalidations", INVALIDATIONS_MAX);
    return OUTCOME_DONE;
}

enum outcome service_prepare(const struct service *service, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 4096);
    const enum outcome outcome = check_tables(service, &arena, err);
    arena_release(&arena);
    TRY(outcome);
    return each_operation(service, prepare_schema, err);
}
