/* operation.c - finds the operation that a name stands for. */
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
