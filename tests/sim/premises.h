/* premises.h - what all seeds share: settings, tables, names. */
#ifndef CARTWRIGHT_TESTS_SIM_PREMISES_H
#define CARTWRIGHT_TESTS_SIM_PREMISES_H

#include "bus/bus.h"
#include "crypto/auth.h"
#include "shop.h"

#define DOMAINS_MAX 16 /* with the queue of what nobody serves */

struct premises {
    struct arena arena;
    struct app_settings settings;
    struct service service;
    struct str domain_names[DOMAINS_MAX];
    size_t domain_count;
    struct auth_keys keys;
    struct bus_topology topology;
    struct str requests; /* exchange */
    struct str spy;      /* queue that every event and notification reaches */
};

/* Of a shop as it is, and of one whose carts and orders are partitioned. */
#define PREMISES 2

bool premises_is_dead_queue(const struct premises *premises, struct str queue);

MUST_CHECK enum outcome premises_open(struct premises premises[PREMISES], struct err *err);
void premises_close(struct premises premises[PREMISES]);

#endif
