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
    LIST(struct str) domains;
};

struct settings {
    struct str uri, key, greeting;
    int64_t prefetch, retention_ms, body_max;
    bool tls;
    int level;
    LIST(struct str) tags;
    LIST(struct str) api_keys;
    LIST(int64_t) delays; /* ms */
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
     .fixed = true,
     .help = "keys"},
    {.name = "greeting",
     .kind = SETTING_STR,
     .offset = AT(greeting),
     .fallback = "",
     .fixed = true,
     .help = "-"},
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
    {.name = "delays",
     .kind = SETTING_DURATIONS,
     .offset = AT(delays),
     .fallback = "1s, 5m",
     .min = 100,
     .max = 3600000,
     .help = "ms"},
};

static const struct setting pool_items[] = {
    {.name = "name", .kind = SETTING_STR, .offset = POOL(name), .help = "its name"},
    {.name = "lanes", .kind = SETTING_INT, .offset = POOL(lanes), .fallback = "2", .help = "-"},
    {.name = "domains",
     .former = "workers",
     .kind = SETTING_STRS,
     .offset = POOL(domains),
     .fallback = "",
     .fixed = true,
     .help = "-"},
};

static const struct setting_table engine_table = {engine, sizeof(engine) / sizeof(engine[0])};
static const struct setting_table shop_table = {shop, sizeof(shop) / sizeof(shop[0])};
static const struct setting_table *const tables[] = {&engine_table, &shop_table};
static const struct setting_list lists[] = {
    {"pools", pool_items, 3, sizeof(struct pool), AT(pools)}};
static const struct config_schema schema = {tables, 2, lists, 1, sizeof(struct settings), NULL};

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
    static const char *const names[] = {"AMQP_URI",
                                        "AMQP_PREFETCH",
                                        "AMQP_PREFECH",
                                        "AUTH_MASTER_KEY",
                                        "AUTH_MASTER_KEY_FILE",
                                        "MONGODB_URI",
                                        "REDIS_URI",
                                        "AUTH_TOKEN_KEY",
                                        "TAGS",
                                        "DELAYS",
                                        "STORE_JOURNAL_RETENTION",
                                        "GREETING_FILE",
                                        "SERVICE_HOST",
                                        "PORT_80_TCP",
                                        "CONFIG",
                                        "AMQP_URI_FILE",
                                        "AMQP_OPERATOR_URI",
                                        "CLIENT_AMQP_URI",
                                        "READER_AMQP_URI",
                                        "LOG_LEVEL",
                                        "AUTH_API_KEYS"};
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
    assert_int_equal(world.settings->delays.count, 2);
    assert_int_equal(world.settings->delays.items[0], 1000);
    assert_int_equal(world.settings->delays.items[1], 300000);
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
                          "store: {journalRetention: 90s}\n"
                          "greeting: 'yes: \"no\"'\n"
                          "bodyMax: 19MiB\n"
                          "log:\n"
                          "tags: [x, \"y, z\"]\n"
                          "pools:\n"
                          "  - name: shop\n"
                          "    domains: [cart, order]\n"
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
    assert_int_equal(settings->pools.items[0].domains.count, 2);
    assert_string_equal(settings->pools.items[0].domains.items[1].ptr, "order");
    assert_int_equal(settings->pools.items[1].lanes, 1);
    end(&world);
}

void test_config__says_where_values_come_from(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    setenv("CARTWRIGHT_STORE_JOURNAL_RETENTION", "2h", 1);
    setenv("CARTWRIGHT_AUTH_API_KEYS", "one,two", 1);
    assert_loaded(&world, "store:\n  journalRetention: 5m\n"
                          "tags: [x, y]\n"
                          "pools:\n- name: shop\n");
    assert_true(world.settings->retention_ms == 2 * 3600 * 1000);
    assert_int_equal(world.settings->api_keys.count, 2);
    const struct {
        const char *setting, *value, *from; /* from: a line of the file when it begins with ':' */
    } cases[] = {
        {"store.journalRetention", "2h", "CARTWRIGHT_STORE_JOURNAL_RETENTION"},
        {"auth.masterKey", "***", "CARTWRIGHT_AUTH_MASTER_KEY"},
        {"auth.apiKeys", "***", "CARTWRIGHT_AUTH_API_KEYS"},
        {"amqp.prefetch", "200", "default"},
        {"tags", "x,y", ":3"},
        {"pools[0].name", "shop", ":5"},
        {"pools[0].lanes", "2", "default"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_source *got = source(&world, cases[i].setting);
        const bool in_file = cases[i].from[0] == ':';
        assert_string_equal(got->value.ptr, cases[i].value);
        assert_string_equal(got->from.ptr + (in_file ? strlen(world.path) : 0), cases[i].from);
    }
    end(&world);
}

void test_config__empty_files_are_fine(void **state)
{
    static const char *const files[] = {
        "",           "# only a comment\n", "---\n",     "{}",         "null\n",      "amqp:\n",
        "amqp: {}\n", "pools:\n",           "pools: []", "tags: []\n", "greeting: ''"};
    (void)state;
    struct world world;
    begin(&world);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        assert_loaded(&world, files[i]);
    end(&world);
}

/* long because it is one table: every refusal with its exact words */
void test_config__refuses_wrong_files(void **state)
{
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"amqp:\n  prefech: 1\n", ":2: unknown key 'amqp.prefech'; did you mean 'amqp.prefetch'?"},
        {"amqpp:\n  uri: x\n", ":2: unknown key 'amqpp.uri'; did you mean 'amqp.uri'?"},
        {"pool:\n", ":1: unknown key 'pool'; did you mean 'pools'?"},
        {"pools:\n- lane: 1\n", ":2: unknown key 'pools[0].lane'; did you mean 'pools[0].lanes'?"},
        {"pools:\n- workers: [a]\n", ":2: 'pools[0].workers' is called 'pools[0].domains' now"},
        {"workers: [a]\n", ":1: unknown key 'workers'"},
        {"zebra: 1\n", ":1: unknown key 'zebra'"},
        {"amqp.prefetch: 1\n", ":1: the key 'amqp.prefetch' is not a word of letters and digits"},
        {"greeting: a\ngreeting: b\n", ":2: duplicate key 'greeting'"},
        {"amqp: {tls: true}\namqp: {prefetch: 1}\n", ":2: duplicate key 'amqp'"},
        {"pools:\n- {name: a, name: b}\n", ":2: duplicate key 'name'"},
        {"greeting: &x a\n", ":1: anchors and aliases are not used here"},
        {"amqp: &x {tls: true}\n", ":1: anchors and aliases are not used here"},
        {"greeting: *x\n", ":1: anchors and aliases are not used here"},
        {"greeting: !!str a\n", ":1: tags are not used here"},
        {"a: 1\n---\nb: 1\n", ":2: one document per file, please"},
        {"- a\n", ":1: the file must be a map"},
        {"text\n", ":1: the file must be a map"},
        {"? [a]\n: b\n", ":1: a key must be a word"},
        {"a: {b: {c: {d: {e: {f: {g: {h: {i: {j: 1}}}}}}}}}\n", ":1: nested too deeply"},
        {"tags: [[a]]\n", ":1: the items of 'tags' must be all texts or all maps"},
        {"pools: [a, {name: b}]\n", ":1: the items of 'pools' must be all texts or all maps"},
        {"pools: [{name: b}, a]\n", ":1: the items of 'pools' must be all texts or all maps"},
        {"pools: [a]\n", ":1: 'pools' must be a list of maps"},
        {"pools: x\n", ":1: 'pools' must be a list of maps"},
        {"pools:\n- lanes: 1\n", ": pools[0].name is required (its name)"},
        {"pools:\n- {}\n", ": pools[0].name is required (its name)"},
        {"pools:\n- name: ''\n", ":2: pools[0].name must not be empty"},
        {"tags:\n- {a: 1}\n", ":2: 'tags' does not take a list of maps"},
        {"tags: ['']\n", ":1: tags: an item is empty"},
        {"delays: [1s, soon]\n",
         ":1: delays: 'soon' is not a duration such as 250ms, 10s, 5m, 2h or 30d"},
        {"delays: [1s, '']\n", ":1: delays: an item is empty"},
        {"delays: [1s, 99ms]\n", ":1: delays: 99 ms is not from 100 to 3600000 ms"},
        {"delays: [2h]\n", ":1: delays: 7200000 ms is not from 100 to 3600000 ms"},
        {"greeting: [a]\n", ":1: greeting: a list is not a text without NUL"},
        {"greeting: {a: 1}\n", ":1: unknown key 'greeting.a'; did you mean 'greeting'?"},
        {"greeting: \"a\\0b\"\n", NULL},
        {"amqp: {prefetch: x}\n", ":1: amqp.prefetch: 'x' is not an integer"},
        {"amqp: {prefetch: 1.5}\n", ":1: amqp.prefetch: '1.5' is not an integer"},
        {"amqp: {prefetch: 99999999999999999999}\n",
         ":1: amqp.prefetch: '99999999999999999999' is not an integer"},
        {"amqp: {prefetch: 0}\n", ":1: amqp.prefetch: 0 is not from 1 to 1000"},
        {"amqp: {prefetch: 1001}\n", ":1: amqp.prefetch: 1001 is not from 1 to 1000"},
        {"amqp: {tls: yes}\n", ":1: amqp.tls: 'yes' is not true or false"},
        {"log: {level: loud}\n", ":1: log.level: 'loud' is not one of debug, info"},
        {"bodyMax: 19MB\n", ":1: bodyMax: '19MB' is not a size such as 512B, 64KiB, 19MiB or 2GiB"},
        {"bodyMax: -1KiB\n",
         ":1: bodyMax: '-1KiB' is not a size such as 512B, 64KiB, 19MiB or 2GiB"},
        {"bodyMax: 9999999999GiB\n",
         ":1: bodyMax: '9999999999GiB' is not a size such as 512B, 64KiB, 19MiB or 2GiB"},
        {"store: {journalRetention: 5}\n",
         ":1: store.journalRetention: '5' is not a duration such as 250ms, 10s, 5m, 2h or 30d"},
        {"store: {journalRetention: 250ms}\n",
         ":1: store.journalRetention: 250 ms is not from 1000 to 1099511627776 ms"},
        {"auth: {masterKey: [hidden]}\n", ":1: auth.masterKey: a list is not a text without NUL"},
        {"a: [\n", NULL},
        {"a: \"b\n", NULL},
        {"\ta: b\n", NULL},
        {"a: \xff\n", NULL},
    };
    (void)state;
    struct world world;
    begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s", cases[i].yaml);
        if (cases[i].text)
            assert_refused(&world, cases[i].yaml, cases[i].text);
        else
            assert_int_equal(load(&world, cases[i].yaml), OUTCOME_INVALID);
    }
    end(&world);
}

void test_config__names_the_missing_file(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    assert_int_equal(
        config_load(&schema, "/nonexistent.yaml", &world.arena, &world.config, &world.err),
        OUTCOME_INVALID);
    assert_string_equal(world.err.text, "/nonexistent.yaml: No such file or directory");
    end(&world);
}

void test_config__says_what_to_set(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    unsetenv("CARTWRIGHT_AMQP_URI");
    assert_refused(&world, "",
                   "amqp.uri is required (the broker): set it in the file, or CARTWRIGHT_AMQP_URI");
    setenv("CARTWRIGHT_AMQP_URI", "", 1);
    assert_refused(&world, "", "CARTWRIGHT_AMQP_URI: amqp.uri must not be empty");
    setenv("CARTWRIGHT_AMQP_URI", "x", 1);
    unsetenv("CARTWRIGHT_AUTH_MASTER_KEY");
    assert_refused(&world, NULL,
                   "auth.masterKey is required (the key): set it in the file, or "
                   "CARTWRIGHT_AUTH_MASTER_KEY or the same with _FILE");
    end(&world);
}

void test_config__refuses_unknown_variables(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    setenv("CARTWRIGHT_AMQP_PREFECH", "1", 1);
    assert_refused(&world, NULL,
                   "unknown variable CARTWRIGHT_AMQP_PREFECH; did you mean "
                   "'CARTWRIGHT_AMQP_PREFETCH'?");
    unsetenv("CARTWRIGHT_AMQP_PREFECH");
    setenv("CARTWRIGHT_GREETING_FILE", "/etc/passwd", 1); /* not a secret */
    assert_int_equal(load(&world, NULL), OUTCOME_INVALID);
    unsetenv("CARTWRIGHT_GREETING_FILE");
    setenv("CARTWRIGHT_CONFIG", "x", 1);
    setenv("CARTWRIGHT_SERVICE_HOST", "10.0.0.1", 1);
    setenv("CARTWRIGHT_CLIENT_AMQP_URI", "amqp://web@h", 1);
    setenv("CARTWRIGHT_PORT_80_TCP", "tcp://10.0.0.1:80", 1);
    assert_loaded(&world, NULL);
    end(&world);
}

void test_config__checks_variables_like_the_file(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    setenv("CARTWRIGHT_AMQP_PREFETCH", "many", 1);
    assert_refused(&world, NULL,
                   "CARTWRIGHT_AMQP_PREFETCH: amqp.prefetch: 'many' is not an integer");
    setenv("CARTWRIGHT_AMQP_PREFETCH", "9", 1);
    setenv("CARTWRIGHT_TAGS", "x , y,z", 1);
    assert_loaded(&world, "amqp: {prefetch: 8}\n");
    assert_int_equal(world.settings->prefetch, 9);
    assert_int_equal(world.settings->tags.count, 3);
    assert_string_equal(world.settings->tags.items[0].ptr, "x");
    setenv("CARTWRIGHT_DELAYS", "100ms, 1h", 1);
    assert_loaded(&world, "delays: [2s]\n");
    assert_int_equal(world.settings->delays.count, 2);
    assert_int_equal(world.settings->delays.items[1], 3600000);
    setenv("CARTWRIGHT_TAGS", "x,,z", 1);
    assert_refused(&world, NULL, "CARTWRIGHT_TAGS: tags: an item is empty");
    end(&world);
}

void test_config__reads_secrets_from_files(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    unsetenv("CARTWRIGHT_AUTH_MASTER_KEY");
    write_file(&world, "  from file \r\n", 14);
    setenv("CARTWRIGHT_AUTH_MASTER_KEY_FILE", world.path, 1);
    assert_loaded(&world, NULL);
    assert_string_equal(world.settings->key.ptr, "from file");
    assert_string_equal(source(&world, "auth.masterKey")->from.ptr,
                        "CARTWRIGHT_AUTH_MASTER_KEY_FILE");
    assert_string_equal(source(&world, "auth.masterKey")->value.ptr, "***");
    setenv("CARTWRIGHT_AUTH_MASTER_KEY", "too", 1);
    assert_int_equal(load(&world, NULL), OUTCOME_INVALID);
    assert_true(strncmp(world.err.text, "both CARTWRIGHT_AUTH_MASTER_KEY", 31) == 0);
    unsetenv("CARTWRIGHT_AUTH_MASTER_KEY");
    write_file(&world, " \n", 2);
    assert_refused(&world, NULL,
                   "CARTWRIGHT_AUTH_MASTER_KEY_FILE: auth.masterKey must not be empty");
    setenv("CARTWRIGHT_AUTH_MASTER_KEY_FILE", "/nonexistent", 1);
    assert_refused(&world, NULL,
                   "CARTWRIGHT_AUTH_MASTER_KEY_FILE: cannot read /nonexistent: "
                   "No such file or directory");
    assert_int_equal(truncate(world.path, 1 << 20), 0);
    setenv("CARTWRIGHT_AUTH_MASTER_KEY_FILE", world.path, 1);
    assert_int_equal(load(&world, NULL), OUTCOME_INVALID);
    assert_non_null(strstr(world.err.text, "File too large"));
    end(&world);
}

/* --- what a reload may not change ----------------------------------------------------------------- */

static const char *fixed_changes(struct world *world, const char *before, const char *after)
{
    assert_loaded(world, before);
    const void *settings = world->settings;
    assert_loaded(world, after);
    return config_fixed_changes(&schema, settings, world->settings, &world->arena).ptr;
}

void test_config__a_reload_may_not_change_what_is_fixed(void **state)
{
    (void)state;
    static const struct {
        const char *before, *after, *names;
    } rows[] = {
        {"greeting: hi\n", "greeting: hi\n", ""},
        {"greeting: hi\n", "greeting: ho\n", "greeting"},
        {"amqp: {prefetch: 8}\n", "amqp: {prefetch: 9}\n", ""},
        {"auth: {apiKeys: [a, b]}\n", "auth: {apiKeys: [a, c]}\n", "auth.apiKeys"},
        {"auth: {apiKeys: [a, b]}\n", "auth: {apiKeys: [a]}\n", "auth.apiKeys"},
        {"pools: [{name: x, lanes: 1}]\n", "pools: [{name: x, lanes: 3}]\n", ""},
        {"pools: [{name: x, domains: [a]}, {name: y, domains: [b]}]\n",
         "pools: [{name: x, domains: [a]}, {name: y, domains: [c]}]\n", "pools[1].domains"},
        {"pools: [{name: x}]\n", "pools: [{name: x}, {name: y}]\n", "pools"},
        {"greeting: hi\npools: [{name: x, domains: [a]}]\n", "pools: [{name: x, domains: [b]}]\n",
         "greeting, pools[0].domains"},
    };
    struct world world;
    begin(&world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(fixed_changes(&world, rows[i].before, rows[i].after), rows[i].names);
    end(&world);
}

void test_config__requires_only_what_is_needed(void **state)
{
    (void)state;
    static const char *const nothing[] = {NULL};
    static const char *const other[] = {"auth.masterKey", NULL};
    static const char *const one[] = {"auth.masterKey", "amqp.uri", NULL};
    static const struct {
        const char *const *needed;
        enum outcome outcome;
    } rows[] = {{NULL, OUTCOME_INVALID},
                {one, OUTCOME_INVALID},
                {other, OUTCOME_DONE},
                {nothing, OUTCOME_DONE}};
    struct world world;
    begin(&world);
    unsetenv("CARTWRIGHT_AMQP_URI");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_schema some = schema;
        some.needed = rows[i].needed;
        assert_int_equal(config_load(&some, NULL, &world.arena, &world.config, &world.err),
                         rows[i].outcome);
    }
    assert_true(str_is_absent(source(&world, "amqp.uri")->from));
    end(&world);
}
