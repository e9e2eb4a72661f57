/* operation.c - finds operations: by their names, and the subscribers of one event. */
#include "service/operation.h"

const char *const who_names[] = {"guest", "customer", "admin", "superadmin", NULL};

const struct operation *domain_operation(const struct domain *domain, struct str name)
{
    for (size_t i = 0; domain->operations[i]; i++)
        if (str_eq(str_of(domain->operations[i]->name), name))
            return domain->operations[i];
    return NULL;
}

const struct operation *service_operation(const struct service *service, struct str name)
{
    for (size_t i = 0; service->domains[i]; i++) {
        const struct operation *operation = domain_operation(service->domains[i], name);
        if (operation)
            return operation;
    }
    return NULL;
}

static const struct operation *next_of(const struct operation *const *rows,
                                       const struct event_type *event)
{
    while (*rows && (*rows)->event != event)
        rows++;
    return *rows;
}

const struct operation *service_next_subscriber(const struct service *service,
                                                const struct operation *operation)
{
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++)
            if (service->domains[i]->operations[k] == operation)
                return next_of(&service->domains[i]->operations[k + 1], operation->event);
    return NULL;
}
