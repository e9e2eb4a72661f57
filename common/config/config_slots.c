/* config_slots.c - the slots: one for each setting, through which its value is set. */
#include "config/config_parts.h"

#include "base/text.h"

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* store.journalRetention -> CARTWRIGHT_STORE_JOURNAL_RETENTION */
static struct str variable_of(struct arena *arena, const char *name)
{
    struct text text;
    text_init(&text, arena, 64);
    text_append_str(&text, STR(VARIABLE_PREFIX));
    for (const char *at = name; *at; at++) {
        if (is_upper(*at))
            text_append_char(&text, '_');
        const bool is_lower = *at >= 'a' && *at <= 'z';
        text_append_char(&text, *at == '.' ? '_' : is_lower ? (char)(*at - 'a' + 'A') : *at);
    }
    return text_str(&text);
}

static bool is_empty(const struct config_slot *slot)
{
    const void *at = (const char *)slot->object + slot->setting->offset;
    switch (slot->setting->kind) {
    case SETTING_STR:
    case SETTING_SECRET:
        return ((const struct str *)at)->len == 0;
    case SETTING_STRS:
    case SETTING_SECRETS:
    case SETTING_DURATIONS:
        return ((const struct any_list *)at)->count == 0;
    default:
        return false;
    }
}

enum outcome config_set_slot(struct config_loader *loader, struct config_slot *slot,
                             const struct config_value *value, struct str from)
{
    TRY(config_store(loader->arena, slot->setting, value, slot->object, slot->name, from,
                     loader->err));
    if (!slot->setting->fallback && is_empty(slot))
        return err_invalid(loader->err, E_VALIDATION_FAILED, "%.*s: %.*s must not be empty",
                           STR_FMT(from), STR_FMT(slot->name));
    slot->value = config_print(loader->arena, slot->setting, value);
    slot->from = from;
    return OUTCOME_DONE;
}

void config_add_slot(struct config_loader *loader, const struct setting *setting, void *object,
                     struct str name, struct str variable)
{
    loader->slots = arena_grow(loader->arena, loader->slots, loader->count,
                               sizeof(struct config_slot), &loader->capacity);
    struct config_slot *slot = &loader->slots[loader->count++];
    *slot = (struct config_slot){
        .setting = setting, .object = object, .name = name, .variable = variable};
    if (!setting->fallback)
        return;
    const struct config_value value = {.text = str_of(setting->fallback)};
    if (config_set_slot(loader, slot, &value, STR("default")) != OUTCOME_DONE)
        panic("the default of a setting is wrong: %s", loader->err->text);
}

void config_add_tables(struct config_loader *loader)
{
    for (size_t t = 0; t < loader->schema->table_count; t++) {
        const struct setting_table *table = loader->schema->tables[t];
        for (size_t i = 0; i < table->count; i++)
            config_add_slot(loader, &table->settings[i], loader->settings,
                            str_of(table->settings[i].name),
                            variable_of(loader->arena, table->settings[i].name));
    }
}

struct config_slot *config_find_slot(const struct config_loader *loader, struct str name)
{
    for (size_t i = 0; i < loader->count; i++)
        if (str_eq(loader->slots[i].name, name))
            return &loader->slots[i];
    return NULL;
}
