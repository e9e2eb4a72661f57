/* config_parts.h - the parts of config_load(); private to this room.
 *
 * config_yaml.c reads a file into flat entries, config_value.c reads one value, config_slots.c
 * keeps the settings that can be set, config_file.c and config_env.c set them, and config_guess.c
 * finds the name that a misspelt one was meant to be. */
#ifndef CARTWRIGHT_CONFIG_CONFIG_PARTS_H
#define CARTWRIGHT_CONFIG_CONFIG_PARTS_H

#include "config/config.h"

enum entry_form {
    ENTRY_NULL,    /* "key:" without a value, which counts as if the key were missing */
    ENTRY_SCALAR,  /* a text: `value` */
    ENTRY_LIST,    /* a list of texts, perhaps empty: `items` */
    ENTRY_OBJECTS, /* a list of `count` maps, whose entries follow it ("pools[0].lanes") */
};

/* One key of a YAML file, with its value. */
struct config_entry {
    struct str name; /* "amqp.uri" */
    enum entry_form form;
    struct str value;
    LIST(struct str) items;
    size_t count;
    size_t line; /* counted from 1 */
};

struct config_entries {
    struct config_entry *items;
    size_t count;
    size_t capacity;
};

/* Reads a file. OUTCOME_INVALID with the line when it cannot be read. */
MUST_CHECK enum outcome config_read_yaml(struct arena *arena, const char *path,
                                         struct config_entries *out, struct err *err);

/* A value as it was written: one text, or a list of texts. */
struct config_value {
    bool is_list;
    struct str text;
    LIST(struct str) items;
};

static inline bool config_is_secret(const struct setting *setting)
{
    return setting->kind == SETTING_SECRET || setting->kind == SETTING_SECRETS;
}

/* Stores the value in the settings struct (or the item of a list) at `object`. OUTCOME_INVALID when
 * it is wrong or out of range; the text contains `from` and `name`, but never a secret value. */
MUST_CHECK enum outcome config_store(struct arena *arena, const struct setting *setting,
                                     const struct config_value *value, void *object,
                                     struct str name, struct str from, struct err *err);
/* Returns the value as it is printed: *** for a secret. */
struct str config_print(struct arena *arena, const struct setting *setting,
                        const struct config_value *value);

/* --- slots -------------------------------------------------------------------------------------- */

#define VARIABLE_PREFIX "CARTWRIGHT_"

/* One setting: its name, where its value goes, and where its present value came from. */
struct config_slot {
    const struct setting *setting;
    void *object;        /* the settings struct, or the item of a list */
    struct str name;     /* "amqp.uri", "pools[0].lanes" */
    struct str variable; /* "CARTWRIGHT_AMQP_URI"; absent for an item of a list */
    struct str value;    /* as it is printed */
    struct str from;     /* where it came from; absent: not set yet */
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

/* Adds a slot for each setting of the tables, with its default. */
void config_add_tables(struct config_loader *loader);
/* Adds one slot with its default. A default that cannot be read is a panic: it is our bug. */
void config_add_slot(struct config_loader *loader, const struct setting *setting, void *object,
                     struct str name, struct str variable);
/* Returns NULL when there is no such slot. */
struct config_slot *config_find_slot(const struct config_loader *loader, struct str name);
MUST_CHECK enum outcome config_set_slot(struct config_loader *loader, struct config_slot *slot,
                                        const struct config_value *value, struct str from);
MUST_CHECK enum outcome config_apply_file(struct config_loader *loader);
MUST_CHECK enum outcome config_apply_environment(struct config_loader *loader);

/* --- guesses ------------------------------------------------------------------------------------ */

/* Keeps the candidate that is nearest to the name that was written; begin with `best` absent. */
struct config_guess {
    struct str written;
    struct str best;
    size_t distance;
};

void config_consider(struct config_guess *guess, struct str candidate);
/* Returns "; did you mean 'prefetch'?", or "" when no candidate is near enough. */
struct str config_did_you_mean(struct arena *arena, const struct config_guess *guess);

#endif
