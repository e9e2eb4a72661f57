/* config_parts.h - the parts of config_load(); private to this room.
 *
 * config_yaml.c reads a file into flat entries, config_value.c one value, config_slots.c keeps what
 * there is to set, config_file.c and config_env.c set it, config_guess.c knows what was meant. */
#ifndef CARTWRIGHT_CONFIG_CONFIG_PARTS_H
#define CARTWRIGHT_CONFIG_CONFIG_PARTS_H

#include "config/config.h"

enum entry_form {
    ENTRY_NULL,    /* "key:" with nothing behind it: as if it were not there */
    ENTRY_SCALAR,  /* value */
    ENTRY_LIST,    /* items: scalars, perhaps none */
    ENTRY_OBJECTS, /* count: the entries of its objects follow it, as "pools[0].lanes" */
};

/* One place of a YAML file. */
struct config_entry {
    struct str name; /* "amqp.uri" */
    enum entry_form form;
    struct str value;
    LIST(struct str) items;
    size_t count;
    size_t line; /* from 1 */
};

struct config_entries {
    struct config_entry *items;
    size_t count;
    size_t capacity;
};

MUST_CHECK enum outcome config_read_yaml(struct arena *arena, const char *path,
                                         struct config_entries *out, struct err *err);

/* What a value is read from: one text, or a list of texts. */
struct config_value {
    bool is_list;
    struct str text;
    LIST(struct str) items;
};

static inline bool config_is_secret(const struct setting *setting)
{
    return setting->kind == SETTING_SECRET || setting->kind == SETTING_SECRETS;
}

/* Stores the value in the settings struct (or list item) at `object`. `from` and `name` go into the
 * text of the error; a secret value does not. */
MUST_CHECK enum outcome config_store(struct arena *arena, const struct setting *setting,
                                     const struct config_value *value, void *object,
                                     struct str name, struct str from, struct err *err);
/* As the value is printed: *** for a secret. */
struct str config_print(struct arena *arena, const struct setting *setting,
                        const struct config_value *value);

/* --- slots -------------------------------------------------------------------------------------- */

#define VARIABLE_PREFIX "CARTWRIGHT_"

/* One setting: what it is called, where its value goes, and where the value came from last. */
struct config_slot {
    const struct setting *setting;
    void *object;        /* the settings struct or a list's item */
    struct str name;     /* "amqp.uri", "pools[0].lanes" */
    struct str variable; /* "CARTWRIGHT_AMQP_URI"; absent in a list */
    struct str value;    /* as printed */
    struct str from;     /* absent: not set yet */
};

struct config_loader {
    struct arena *arena;
    const struct config_schema *schema;
    const char *path; /* NULL: no file */
    void *settings;
    struct config_slot *slots;
    size_t count;
    size_t capacity;
    struct err *err;
};

/* A slot for each setting of the tables, with its default. */
void config_add_tables(struct config_loader *loader);
/* A default that cannot be read is a panic: it is our bug. */
void config_add_slot(struct config_loader *loader, const struct setting *setting, void *object,
                     struct str name, struct str variable);
/* NULL when there is none. */
struct config_slot *config_find_slot(const struct config_loader *loader, struct str name);
MUST_CHECK enum outcome config_set_slot(struct config_loader *loader, struct config_slot *slot,
                                        const struct config_value *value, struct str from);
MUST_CHECK enum outcome config_apply_file(struct config_loader *loader);
MUST_CHECK enum outcome config_apply_environment(struct config_loader *loader);

/* --- guesses ------------------------------------------------------------------------------------ */

/* Keeps the candidate that is nearest to what was written; `best` starts zeroed. */
struct config_guess {
    struct str written;
    struct str best;
    size_t distance;
};

void config_consider(struct config_guess *guess, struct str candidate);
/* "; did you mean 'prefetch'?", or "" when nothing is near. */
struct str config_did_you_mean(struct arena *arena, const struct config_guess *guess);

#endif
