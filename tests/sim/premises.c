/* premises.c - what all seeds share: settings, tables, names. */
#include "sim/sim.h"

#include <stdlib.h>

#include "service/names.h"
#include "service/topology.h"
#include "wire/json.h"

#define ARENA_BLOCK (64 * 1024)

/* The addresses mean nothing, but the settings ask for them. */
static void offer_settings(void)
{
    static const char *const values[][2] = {
        {"CARTWRIGHT_AMQP_URI", "fake"},
        {"CARTWRIGHT_MONGODB_URI", "fake"},
        {"CARTWRIGHT_REDIS_URI", "fake"},
        {"CARTWRIGHT_PREFIX", "sim"},
        {"CARTWRIGHT_AUTH_MASTER_KEY",
         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
        {"CARTWRIGHT_AUTH_TOKEN_KEY",
         "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"},
        /* Short, so that what takes minutes in a shop takes seconds here. */
        {"CARTWRIGHT_LOCK_LEASE", "1s"},
        {"CARTWRIGHT_RELAY_AGE", "1s"},
        {"CARTWRIGHT_AMQP_TIMEOUT", "1s"},
        {"CARTWRIGHT_DRAIN_TIMEOUT", "5s"},
        {"CARTWRIGHT_RETRY_DELAYS", "100ms,1s,2s"},
        {"CARTWRIGHT_AUTH_ACCOUNT_CHECK", "1s"},
        {"CARTWRIGHT_AUTH_REFRESH_GRACE", "1s"},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        setenv(values[i][0], values[i][1], 1);
}

static void name_everything(struct premises *premises)
{
    struct arena *arena = &premises->arena;
    const struct str prefix = premises->settings.engine.prefix;
    while (premises->service.domains[premises->domain_count]) {
        if (premises->domain_count + 1 >= DOMAINS_MAX)
            panic("more than %d domains", DOMAINS_MAX - 1);
        premises->domain_names[premises->domain_count] =
            str_of(premises->service.domains[premises->domain_count]->name);
        premises->domain_count++;
    }
    premises->domain_names[premises->domain_count++] = STR("unknown");
    premises->requests = name_requests(arena, prefix);
    premises->spy = STR("spy");
}

static void partition(struct engine_settings *settings)
{
    static struct partition_settings partitions[] = {{{"cart", 4}, 4}, {{"order", 5}, 3}};
    settings->partitions.items = partitions;
    settings->partitions.count = sizeof(partitions) / sizeof(partitions[0]);
}

static enum outcome open_one(struct premises *premises, bool partitioned, struct err *err)
{
    struct config config;
    *premises = (struct premises){0};
    arena_init(&premises->arena, ARENA_BLOCK);
    TRY(config_load(&app_config, NULL, &premises->arena, &config, err));
    premises->settings = *(const struct app_settings *)config.settings;
    /* Below what the settings allow: argon2id would take longer than all the rest. */
    premises->settings.engine.password_opslimit = 1;
    premises->settings.engine.password_memlimit = 8192;
    if (partitioned)
        partition(&premises->settings.engine);
    premises->service = shop_service(&premises->settings);
    premises->service.domains = poison_domains(premises->service.domains, &premises->arena);
    TRY(auth_keys_load(premises->settings.engine.master_key, premises->settings.engine.token_key,
                       &premises->keys, err));
    TRY(service_prepare(&premises->service, err));
    name_everything(premises);
    return topology_of(&premises->service, &premises->settings.engine, &premises->arena,
                       &premises->topology, err);
}

enum outcome premises_open(struct premises premises[PREMISES], struct err *err)
{
    json_init();
    TRY(auth_init(err));
    offer_settings();
    TRY(open_one(&premises[0], false, err));
    return open_one(&premises[1], true, err);
}

void premises_close(struct premises premises[PREMISES])
{
    for (int i = 0; i < PREMISES; i++)
        arena_release(&premises[i].arena);
}

bool premises_is_dead_queue(const struct premises *premises, struct str queue)
{
    const struct str prefix = premises->settings.engine.prefix;
    return queue.len > prefix.len &&
           str_starts_with((struct str){queue.ptr + prefix.len, queue.len - prefix.len},
                           STR(".dead."));
}
