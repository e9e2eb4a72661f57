/* names.c - what exchanges and queues are called, and which operations are
 * carried out from which queue. */
#include "service/names.h"

#include <inttypes.h>

static struct str dotted(struct arena *arena, struct str prefix, const char *middle,
                         struct str last)
{
    return str_printf(arena, "%.*s.%s%.*s", STR_FMT(prefix), middle, STR_FMT(last));
}

struct str name_requests(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "requests", STR(""));
}

struct str name_events(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "events", STR(""));
}

/* True for "<prefix>.<last>". */
static bool is_dotted(struct str name, struct str prefix, struct str last)
{
    if (name.len != prefix.len + 1 + last.len || !str_starts_with(name, prefix))
        return false;
    const struct str rest = {name.ptr + prefix.len + 1, last.len};
    return name.ptr[prefix.len] == '.' && str_eq(rest, last);
}

bool name_is_events(struct str exchange, struct str prefix)
{
    return is_dotted(exchange, prefix, STR("events"));
}

struct str name_notifications(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "notifications", STR(""));
}

struct str name_unrouted(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "unrouted", STR(""));
}

struct str name_delay(struct arena *arena, struct str prefix, int level)
{
    return str_printf(arena, "%.*s.delay.%02d", STR_FMT(prefix), level);
}

struct str name_delay_end(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "delay.end", STR(""));
}

/* True for a name that begins with "<prefix><middle>". */
static bool is_below(struct str name, struct str prefix, struct str middle)
{
    return str_starts_with(name, prefix) &&
           str_starts_with((struct str){name.ptr + prefix.len, name.len - prefix.len}, middle);
}

bool name_is_delay(struct str exchange, struct str prefix)
{
    return is_below(exchange, prefix, STR(".delay."));
}

bool name_is_reply(struct str queue, struct str prefix)
{
    return is_below(queue, prefix, STR(".reply."));
}

struct str name_unknown(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, UNKNOWN_DOMAIN, STR(""));
}

struct str name_died(struct arena *arena, struct str prefix)
{
    return dotted(arena, prefix, "died", STR(""));
}

bool name_is_died(struct str name, struct str prefix)
{
    return is_dotted(name, prefix, STR("died"));
}

struct str name_queue(struct arena *arena, struct str prefix, struct str domain)
{
    return dotted(arena, prefix, "", domain);
}

struct str name_event_queue(struct arena *arena, struct str prefix, struct str domain)
{
    return str_printf(arena, "%.*s.%.*s.events", STR_FMT(prefix), STR_FMT(domain));
}

struct str name_dead(struct arena *arena, struct str prefix, struct str domain)
{
    return dotted(arena, prefix, "dead.", domain);
}

struct str name_partitions(struct arena *arena, struct str prefix, struct str domain)
{
    return str_printf(arena, "%.*s.%.*s.partitions", STR_FMT(prefix), STR_FMT(domain));
}

struct str name_partition(struct arena *arena, struct str prefix, struct str domain, int64_t k)
{
    return str_printf(arena, "%.*s.%.*s.%" PRId64, STR_FMT(prefix), STR_FMT(domain), k);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct str name_without_partition(struct str queue)
{
    size_t len = queue.len;
    while (len > 0 && is_digit(queue.ptr[len - 1]))
        len--;
    const bool is_partition = len < queue.len && len > 1 && queue.ptr[len - 1] == '.';
    return is_partition ? (struct str){queue.ptr, len - 1} : queue;
}

#define EVENTS STR(".events")

bool name_is_event_queue(struct str queue)
{
    return queue.len > EVENTS.len &&
           memcmp(queue.ptr + queue.len - EVENTS.len, EVENTS.ptr, EVENTS.len) == 0;
}

struct str name_dead_of_queue(struct arena *arena, struct str prefix, struct str queue)
{
    if (name_is_died(queue, prefix))
        return name_dead(arena, prefix, STR(UNKNOWN_DOMAIN));
    queue = name_without_partition(queue);
    struct str domain = {queue.ptr + prefix.len + 1, queue.len - prefix.len - 1};
    if (name_is_event_queue(domain))
        domain.len -= EVENTS.len;
    return name_dead(arena, prefix, domain);
}

/* --- subscriptions --------------------------------------------------------------------------------- */

bool domain_subscribes(const struct domain *domain)
{
    for (size_t i = 0; domain->operations[i]; i++)
        if (domain->operations[i]->kind == SUBSCRIBER)
            return true;
    return false;
}

/* True for "<prefix>.<domain>.events", whatever the prefix. */
static bool is_event_queue_of(struct str queue, const struct domain *domain)
{
    const struct str name = str_of(domain->name);
    if (!name_is_event_queue(queue) || queue.len <= name.len + EVENTS.len + 1)
        return false;
    const struct str middle = {queue.ptr + queue.len - EVENTS.len - name.len, name.len};
    return middle.ptr[-1] == '.' && str_eq(middle, name);
}

const struct operation *service_subscriber(const struct service *service, struct str queue,
                                           struct str event)
{
    for (size_t i = 0; service->domains[i]; i++) {
        const struct domain *domain = service->domains[i];
        for (size_t k = 0; is_event_queue_of(queue, domain) && domain->operations[k]; k++) {
            const struct operation *operation = domain->operations[k];
            if (operation->kind == SUBSCRIBER && str_eq(str_of(operation->event->name), event))
                return operation;
        }
    }
    return NULL;
}

bool service_takes_from(const struct service *service, struct str prefix, struct str queue)
{
    const struct str of_domain = name_is_event_queue(queue)
                                     ? (struct str){queue.ptr, queue.len - EVENTS.len}
                                     : name_without_partition(queue);
    if (is_dotted(queue, prefix, STR(UNKNOWN_DOMAIN)))
        return true;
    for (size_t i = 0; service->domains[i]; i++)
        if (is_dotted(of_domain, prefix, str_of(service->domains[i]->name)))
            return true;
    return false;
}

static const struct operation *requested(const struct operation *operation)
{
    return operation && operation->kind != SUBSCRIBER ? operation : NULL;
}

const struct operation *service_operation_from(const struct service *service, struct str prefix,
                                               struct str queue, struct str name)
{
    const struct str requests = name_without_partition(queue);
    if (is_dotted(queue, prefix, STR(UNKNOWN_DOMAIN)))
        return requested(service_operation(service, name));
    for (size_t i = 0; service->domains[i]; i++) {
        const struct domain *domain = service->domains[i];
        const struct operation *operation = domain_operation(domain, name);
        if (is_dotted(requests, prefix, str_of(domain->name)))
            return requested(operation);
        if (is_event_queue_of(queue, domain))
            return operation && operation->kind == SUBSCRIBER ? operation : NULL;
    }
    return NULL;
}
