/* config.h - one table of settings; YAML files and the environment fill it.
 *
 * Order: default < file < environment (CARTWRIGHT_AMQP_URI for amqp.uri). A secret may also be in a
 * file that the environment names (CARTWRIGHT_AUTH_MASTER_KEY_FILE). An unknown key or variable, a
 * wrong type or a value out of range refuses to start and says where (file:line or variable). The
 * only room with yaml.h. */
#ifndef CARTWRIGHT_CONFIG_CONFIG_H
#define CARTWRIGHT_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

enum setting_kind {
    SETTING_STR,       /* struct str */
    SETTING_SECRET,    /* struct str; printed as *** */
    SETTING_INT,       /* int64_t, min..max */
    SETTING_BOOL,      /* bool */
    SETTING_DURATION,  /* int64_t ms; "250ms", "10s", "5m", "2h", "30d" */
    SETTING_SIZE,      /* int64_t bytes; "64KiB", "19MiB" */
    SETTING_ENUM,      /* int, index into names */
    SETTING_STRS,      /* LIST(struct str); in the environment comma-separated */
    SETTING_SECRETS,   /* the same; printed as *** */
    SETTING_DURATIONS, /* LIST(int64_t) ms, each min..max; written like STRS */
};

struct setting {
    const char *name; /* "amqp.uri"; the YAML path, and the variable CARTWRIGHT_AMQP_URI */
    enum setting_kind kind;
    size_t offset;        /* in the settings struct */
    const char *fallback; /* the default, as it would be written; NULL: required, not empty */
    int64_t min, max;     /* INT, DURATION(S), SIZE; both 0: no limit. SECRETS: min is in bytes */
    const char *const *names;
    bool fixed;         /* a reload may not change it, only a restart */
    const char *help;   /* one line, with the unit */
    const char *former; /* what it was called in files of an earlier release; NULL: the same */
};

struct setting_table {
    const struct setting *settings;
    size_t count;
};

/* A list of objects in YAML ("pools:"); only the file can set it. */
struct setting_list {
    const char *name;            /* "pools" */
    const struct setting *items; /* names relative to the object: "lanes" */
    size_t item_count;
    size_t item_size;
    size_t offset; /* of a LIST(T) in the settings struct */
};

struct config_schema {
    const struct setting_table *const *tables; /* engine, shop: each part brings its own */
    size_t table_count;
    const struct setting_list *lists;
    size_t list_count;
    size_t size; /* of the settings struct */
    /* The required settings that must be set, ended by NULL; NULL: all. Who needs only some of them
     * loads with a copy that names them; the others may stay empty. */
    const char *const *needed;
};

struct config_source {
    const char *setting;
    struct str value; /* as printed: secrets are *** */
    struct str from;  /* "default", "config/dev.yaml:12", "CARTWRIGHT_AMQP_URI"; absent: not set */
    const char *help;
};

struct config {
    const void *settings; /* the struct */
    LIST(struct config_source) sources;
};

/* path NULL: only defaults and environment. Everything lives in the arena. OUTCOME_INVALID with a
 * text that names the place. */
MUST_CHECK enum outcome config_load(const struct config_schema *schema, const char *path,
                                    struct arena *arena, struct config *out, struct err *err);

/* First of all in a process: moves our variables, which may be secrets, out of the block that the kernel
 * shows as /proc/PID/environ, of this process and of all that it forks. getenv() still finds them. */
void config_hide_environment(void);

/* The fixed settings that differ between two settings structs of the schema: "prefix,
 * pools[0].domains", in the arena; "" when there is none. Lists are compared item by item. */
struct str config_fixed_changes(const struct config_schema *schema, const void *before,
                                const void *after, struct arena *arena);

#endif
