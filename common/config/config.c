/* config.c - defaults, then the file, then the environment, into one struct. */
#include "config/config_parts.h"

static bool is_needed(const struct config_loader *loader, const struct config_slot *slot)
{
    const char *const *needed = loader->schema->needed;
    if (!needed || !slot->variable.ptr)
        return true;
    while (*needed && !str_eq(slot->name, str_of(*needed)))
        needed++;
    return *needed;
}

static enum outcome check_required(const struct config_loader *loader)
{
    for (size_t i = 0; i < loader->count; i++) {
        const struct config_slot *slot = &loader->slots[i];
        if (slot->from.ptr || !is_needed(loader, slot))
            continue;
        if (slot->variable.ptr)
            return err_invalid(loader->err, E_VALIDATION_FAILED,
                               "%.*s is required (%s): set it in the file, or %.*s%s",
                               STR_FMT(slot->name), slot->setting->help, STR_FMT(slot->variable),
                               config_is_secret(slot->setting) ? " or the same with _FILE" : "");
        return err_invalid(loader->err, E_VALIDATION_FAILED, "%s: %.*s is required (%s)",
                           loader->path, STR_FMT(slot->name), slot->setting->help);
    }
    return OUTCOME_DONE;
}

static void list_sources(const struct config_loader *loader, struct config *out)
{
    out->sources.items = arena_array(loader->arena, loader->count, sizeof(struct config_source));
    out->sources.count = loader->count;
    for (size_t i = 0; i < loader->count; i++) {
        const struct config_slot *slot = &loader->slots[i];
        out->sources.items[i] = (struct config_source){
            .setting = slot->name.ptr,
            .value = slot->value,
            .from = slot->from,
            .help = slot->setting->help,
        };
    }
}

enum outcome config_load(const struct config_schema *schema, const char *path, struct arena *arena,
                         struct config *out, struct err *err)
{
    struct config_loader loader = {.arena = arena,
                                   .schema = schema,
                                   .path = path,
                                   .settings = arena_alloc(arena, schema->size),
                                   .err = err};
    config_add_tables(&loader);
    TRY(config_apply_file(&loader));
    TRY(config_apply_environment(&loader));
    TRY(check_required(&loader));
    out->settings = loader.settings;
    list_sources(&loader, out);
    return OUTCOME_DONE;
}
