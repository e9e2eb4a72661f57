/* Settings from defaults, YAML and the environment; what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

struct pool {
    struct str name;
    int64_t lanes;
    LIST(struct str) workers;
};

struct settings {
    struct str uri, key, greeting;
    int64_t prefetch, retention_ms, body_max;
    bool tls;
    int level;
    LIST(struct str) tags;
    LIST(struct str) api_keys;
    LIST(struct pool) pools;
};

#define AT(member)   offsetof(struct settings, member)
#define POOL(member) offsetof(struct pool, member)

static const char *const levels[] = {"debug", "info", NULL};

static const struct setting engine[] = {
    {.name = "amqp.uri", .kind = SETTING_STR, .offset = AT(uri), .help = "the broker"},
    {.name = "amqp.prefetch",
     .kind = SETTING_INT,
     .offset = AT(prefetch),
     .fallback = "200",
     .min = 1,
     .max = 1000,
     .help = "messages"},
    {.name = "amqp.tls", .kind = SETTING_BOOL, .offset = AT(tls), .fallback = "false", .help = "-"},
    {.name = "store.journalRetention",
     .kind = SETTING_DURATION,
     .offset = AT(retention_ms),
     .fallback = "30d",
     .min = 1000,
     .max = 1LL << 40,
     .help = "ms"},
};

static const struct setting shop[] = {
    {.name = "auth.masterKey", .kind = SETTING_SECRET, .offset = AT(key), .help = "the key"},
    {.name = "auth.apiKeys",
     .kind = SETTING_SECRETS,
     .offset = AT(api_keys),
     .fallback = "",
     .help = "keys"},
    {.name = "greeting", .kind = SETTING_STR, .offset = AT(greeting), .fallback = "", .help = "-"},
    {.name = "bodyMax",
     .kind = SETTING_SIZE,
     .offset = AT(body_max),
     .fallback = "256KiB",
     .help = "bytes"},
    {.name = "log.level",
     .kind = SETTING_ENUM,
     .offset = AT(level),
     .fallback = "info",
     .names = levels,
     .help = "-"},
    {.name = "tags", .kind = SETTING_STRS, .offset = AT(tags), .fallback = "a, b", .help = "-"},
};

static const struct setting pool_items[] = {
    {.name = "name", .kind = SETTING_STR, .offset = POOL(name), .help = "its name"},
    {.name = "lanes", .kind = SETTING_INT, .offset = POOL(lanes), .fallback = "2", .help = "-"},
    {.name = "workers", .kind = SETTING_STRS, .offset = POOL(workers), .fallback = "", .help = "-"},
};

static const struct setting_table engine_table = {engine, sizeof(engine) / sizeof(engine[0])};
static const struct setting_table shop_table = {shop, sizeof(shop) / sizeof(shop[0])};
static const struct setting_table *const tables[] = {&engine_table, &shop_table};
static const struct setting_list lists[] = {
    {"pools", pool_items, 3, sizeof(struct pool), AT(pools)}};
static const struct config_schema schema = {tables, 2, lists, 1, sizeof(struct settings)};

struct world {
    struct arena arena;
    char folder[32];
    char path[64];
    struct config config;
    const struct settings *settings;
    struct err err;
};

/* Variables of earlier cases, and of the shell, must not be seen. */
static void clear_variables(void)
{
    static const char *const names[] = {"AMQP_URI",        "AMQP_PREFETCH",        "AMQP_PREFECH",
                                        "AUTH_MASTER_KEY", "AUTH_MASTER_KEY_FILE", "MONGODB_URI",
                                        "REDIS_URI",       "AUTH_TOKEN_KEY",       "TAGS",
                                        "STORE_JOURNAL_RETENTION",                 "GREETING_FILE",
                                        "SERVICE_HOST",    "PORT_80_TCP",          "CONFIG",
                                        "AMQP_URI_FILE",   "LOG_LEVEL",            "AUTH_API_KEYS"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "CARTWRIGHT_%s", names[i]);
        unsetenv(name);
    }
}

static void begin(struct world *world)
{
    *world = (struct world){.folder = "/tmp/test-config-XXXXXX"};
    arena_init(&world->arena, 4096);
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/c.yaml", world->folder);
    clear_variables();
    setenv("CARTWRIGHT_AMQP_URI", "amqp://h", 1);
    setenv("CARTWRIGHT_AUTH_MASTER_KEY", "secret", 1);
}

static void end(struct world *world)
{
    clear_variables();
    unlink(world->path);
    rmdir(world->folder);
    arena_release(&world->arena);
}

static void write_file(struct world *world, const void *bytes, size_t len)
{
    FILE *file = fopen(world->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static enum outcome load(struct world *world, const char *yaml)
{
    if (yaml)
        write_file(world, yaml, strlen(yaml));
    const enum outcome outcome =
        config_load(&schema, yaml ? world->path : NULL, &world->arena, &world->config, &world->err);
    world->settings = world->config.settings;
    return outcome;
}

static void assert_loaded(struct world *world, const char *yaml)
{
    const enum outcome outcome = load(world, yaml);
    assert_string_equal(outcome == OUTCOME_DONE ? "" : world->err.text, "");
}

/* `text` after the path of the file. */
static void assert_refused(struct world *world, const char *yaml, const char *text)
{
    assert_int_equal(load(world, yaml), OUTCOME_INVALID);
    const char *got = world->err.text;
    if (strncmp(got, world->path, strlen(world->path)) == 0)
        got += strlen(world->path);
    assert_string_equal(got, text);
}

static const struct config_source *source(const struct world *world, const char *setting)
{
    for (size_t i = 0; i < world->config.sources.count; i++)
        if (strcmp(world->config.sources.items[i].setting, setting) == 0)
            return &world->config.sources.items[i];
    fail_msg("no source of %s", setting);
    return NULL;
}

void test_config__defaults(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    assert_loaded(&world, NULL);
    assert_string_equal(world.settings->uri.ptr, "amqp://h");
    assert_int_equal(world.settings->prefetch, 200);
    assert_false(world.settings->tls);
    assert_true(world.settings->retention_ms == 30LL * 24 * 3600 * 1000);
    assert_int_equal(world.settings->body_max, 256 * 1024);
    assert_int_equal(world.settings->level, 1);
    assert_int_equal(world.settings->greeting.len, 0);
    assert_int_equal(world.settings->tags.count, 2);
    assert_string_equal(world.settings->tags.items[1].ptr, "b");
    assert_int_equal(world.settings->pools.count, 0);
    assert_string_equal(source(&world, "amqp.prefetch")->from.ptr, "default");
    end(&world);
}

void test_config__reads_a_file(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    assert_loaded(&world, "# comment\n"
                          "amqp:\n"
                          "  prefetch: 7\n"
                          "  tls: true\n"
                          "store: {journalRetention: 250ms0}\n" + 0 == NULL
                              ? NULL
                              : "# comment\n"
                                "amqp:\n"
                                "  prefetch: 7\n"
                                "  tls: true\n"
                                "store: {journalRetention: 90s}\n"
                                "greeting: 'yes: \"no\"'\n"
                                "bodyMax: 19MiB\n"
                                "log:\n"
                                "tags: [x, \"y, z\"]\n"
                                "pools:\n"
                                "  - name: shop\n"
                                "    workers: [cart, order]\n"
                                "  - {name: auth, lanes: 1}\n");
    const struct settings *settings = world.settings;
    assert_int_equal(settings->prefetch, 7);
    assert_true(settings->tls);
    assert_int_equal(settings->retention_ms, 90000);
    assert_string_equal(settings->greeting.ptr, "yes: \"no\"");
    assert_int_equal(settings->body_max, 19 * 1024 * 1024);
    assert_int_equal(settings->level, 1);
    assert_int_equal(settings->tags.count, 2);
    assert_string_equal(settings->tags.items[1].ptr, "y, z");
    assert_int_equal(settings->pools.count, 2);
    assert_string_equal(settings->pools.items[0].name.ptr, "shop");
    assert_int_equal(settings->pools.items[0].lanes, 2);
    assert_int_equal(settings->pools.items[0].workers.count, 2);
    assert_string_equal(settings->pools.items[0].workers.items[1].ptr, "order");
    assert_int_equal(settings->pools.items[1].lanes, 1);
    end(&world);
}
