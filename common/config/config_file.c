/* config_file.c - stores the entries of the file in their settings and refuses unknown entries. */
#include "config/config_parts.h"

static const struct setting_list *find_list(const struct config_loader *loader, struct str name)
{
    for (size_t i = 0; i < loader->schema->list_count; i++)
        if (str_eq(str_of(loader->schema->lists[i].name), name))
            return &loader->schema->lists[i];
    return NULL;
}

/* True for "amqp" if there is a setting "amqp.uri": a section, which may be empty in the file. */
static bool is_section(const struct config_loader *loader, struct str name)
{
    for (size_t i = 0; i < loader->count; i++) {
        const struct str full = loader->slots[i].name;
        if (full.len > name.len && str_starts_with(full, name) && full.ptr[name.len] == '.')
            return true;
    }
    return false;
}

static struct str place_of(const struct config_loader *loader, const struct config_entry *entry)
{
    return str_printf(loader->arena, "%s:%zu", loader->path, entry->line);
}

/* True for "pools[0].workers" and the slot "pools[0].domains", whose former name is "workers". */
static bool was_called(const struct config_slot *slot, struct str written)
{
    const char *former = slot->setting->former;
    const size_t path = slot->name.len - strlen(slot->setting->name);
    return former && written.len > path && memcmp(written.ptr, slot->name.ptr, path) == 0 &&
           str_eq((struct str){written.ptr + path, written.len - path}, str_of(former));
}

static enum outcome former_key(const struct config_loader *loader, const struct config_entry *entry,
                               const struct config_slot *slot)
{
    return err_invalid(loader->err, E_VALIDATION_FAILED, "%.*s: '%.*s' is called '%.*s' now",
                       STR_FMT(place_of(loader, entry)), STR_FMT(entry->name), STR_FMT(slot->name));
}

static enum outcome unknown_key(const struct config_loader *loader,
                                const struct config_entry *entry)
{
    for (size_t i = 0; i < loader->count; i++)
        if (was_called(&loader->slots[i], entry->name))
            return former_key(loader, entry, &loader->slots[i]);
    struct config_guess guess = {.written = entry->name};
    for (size_t i = 0; i < loader->count; i++)
        config_consider(&guess, loader->slots[i].name);
    for (size_t i = 0; i < loader->schema->list_count; i++)
        config_consider(&guess, str_of(loader->schema->lists[i].name));
    return err_invalid(loader->err, E_VALIDATION_FAILED, "%.*s: unknown key '%.*s'%s",
                       STR_FMT(place_of(loader, entry)), STR_FMT(entry->name),
                       config_did_you_mean(loader->arena, &guess).ptr);
}

/* Makes the items of a list, each with its defaults; their entries follow in the file. */
static enum outcome add_list(struct config_loader *loader, const struct config_entry *entry,
                             const struct setting_list *list)
{
    if (entry->form == ENTRY_SCALAR || entry->items.count > 0)
        return err_invalid(loader->err, E_VALIDATION_FAILED, "%.*s: '%s' must be a list of maps",
                           STR_FMT(place_of(loader, entry)), list->name);
    char *items = arena_array(loader->arena, entry->count, list->item_size);
    for (size_t i = 0; i < entry->count; i++)
        for (size_t s = 0; s < list->item_count; s++)
            config_add_slot(
                loader, &list->items[s], items + i * list->item_size,
                str_printf(loader->arena, "%s[%zu].%s", list->name, i, list->items[s].name),
                STR_ABSENT);
    struct any_list *at = (struct any_list *)((char *)loader->settings + list->offset);
    *at = (struct any_list){items, entry->count};
    return OUTCOME_DONE;
}

static enum outcome apply_entry(struct config_loader *loader, const struct config_entry *entry)
{
    const struct setting_list *list = find_list(loader, entry->name);
    struct config_slot *slot = config_find_slot(loader, entry->name);
    if (entry->form == ENTRY_NULL && (slot || list || is_section(loader, entry->name)))
        return OUTCOME_DONE;
    if (list)
        return add_list(loader, entry, list);
    if (!slot)
        return unknown_key(loader, entry);
    if (entry->form == ENTRY_OBJECTS)
        return err_invalid(loader->err, E_VALIDATION_FAILED,
                           "%.*s: '%.*s' does not take a list of maps",
                           STR_FMT(place_of(loader, entry)), STR_FMT(entry->name));
    const struct config_value value = {.is_list = entry->form == ENTRY_LIST,
                                       .text = entry->value,
                                       .items = {entry->items.items, entry->items.count}};
    return config_set_slot(loader, slot, &value, place_of(loader, entry));
}

enum outcome config_apply_file(struct config_loader *loader)
{
    struct config_entries entries = {0};
    if (!loader->path)
        return OUTCOME_DONE;
    TRY(config_read_yaml(loader->arena, loader->path, &entries, loader->err));
    for (size_t i = 0; i < entries.count; i++)
        TRY(apply_entry(loader, &entries.items[i]));
    return OUTCOME_DONE;
}
