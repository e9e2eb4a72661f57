/* config.h - tables of settings, which a YAML file and the environment fill.
 *
 * The file overrides the defaults, and the environment overrides the file (CARTWRIGHT_AMQP_URI for
 * amqp.uri). A secret may also be in a file that the environment names
 * (CARTWRIGHT_AUTH_MASTER_KEY_FILE). An unknown key or variable, a wrong type or a value out of
 * range is an error that names its place (file:line or variable), so the program does not start.
 * Only this room includes yaml.h. */
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
    SETTING_STRS,      /* LIST(struct str); a YAML list, or one text with commas */
    SETTING_SECRETS,   /* the same; printed as *** */
    SETTING_DURATIONS, /* LIST(int64_t) ms, each min..max; written like SETTING_STRS */
};

struct setting {
    const char *name; /* "amqp.uri"; the YAML path, and the variable CARTWRIGHT_AMQP_URI */
    enum setting_kind kind;
    size_t offset;        /* in the settings struct */
    const char *fallback; /* the default, as written in a file; NULL: required and not empty */
    int64_t min, max;     /* INT, DURATION(S), SIZE; both 0: no limit. SECRETS: min bytes of each */
    const char *const *names; /* ENUM: ended by NULL */
    bool fixed;               /* only a restart may change it, not a reload */
    const char *help;         /* one line, with the unit */
    const char *former;       /* its name in files of an earlier release; NULL: the same name */
};

struct setting_table {
    const struct setting *settings;
    size_t count;
};

/* A list of objects in YAML ("pools:"); only the file can set it. */
struct setting_list {
    const char *name;            /* "pools" */
    const struct setting *items; /* of each object; their names are relative to it: "lanes" */
    size_t item_count;
    size_t item_size;
    size_t offset; /* of a LIST(T) in the settings struct */
};

struct config_schema {
    const struct setting_table *const *tables; /* one of the engine, one of the shop */
    size_t table_count;
    const struct setting_list *lists;
    size_t list_count;
    size_t size; /* of the settings struct */
    /* The required settings that must be set, ended by NULL; NULL: all. A command that needs only
     * some of them loads with a copy of the schema that names these; the others may stay unset. */
    const char *const *needed;
};

struct config_source {
    const char *setting;
    struct str value; /* as it is printed: *** for a secret */
    struct str from;  /* "default", "config/dev.yaml:12", "CARTWRIGHT_AMQP_URI"; absent: not set */
    const char *help;
};

struct config {
    const void *settings; /* the struct */
    LIST(struct config_source) sources;
};

/* Loads the settings; *out and everything it points to live in the arena. Without a file (`path` is
 * NULL) only defaults and environment count. OUTCOME_INVALID with a text that names the place. */
MUST_CHECK enum outcome config_load(const struct config_schema *schema, const char *path,
                                    struct arena *arena, struct config *out, struct err *err);

/* Moves our environment variables, which may be secrets, out of the block that the kernel shows as
 * /proc/PID/environ, for this process and all that it forks. getenv() still finds them. Call it
 * before anything else in a process. */
void config_hide_environment(void);

/* Returns the names of the fixed settings that differ between two settings structs of the schema,
 * such as "prefix, pools[0].domains", in the arena; "" when there are none. Lists of objects are
 * compared item by item; a list whose length differs is named itself ("pools"). */
struct str config_fixed_changes(const struct config_schema *schema, const void *before,
                                const void *after, struct arena *arena);

#endif
