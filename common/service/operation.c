/* operation.c - finding what serves a name. */
#include "service/operation.h"

const char *const who_names[] = {"guest", "customer", "admin", "superadmin", NULL};

const struct operation *worker_operation(const struct worker *worker, struct str name)
{
    for (size_t i = 0; worker->operations[i]; i++)
        if (str_eq(str_of(worker->operations[i]->name), name))
            return worker->operations[i];
    return NULL;
}

const struct operation *service_operation(const struct service *service, struct str name)
{
    for (size_t i = 0; service->workers[i]; i++) {
        const struct operation *operation = worker_operation(service->workers[i], name);
        if (operation)
            return operation;
    }
    return NULL;
}
