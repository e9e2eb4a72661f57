/* fuzz_config.c - any bytes as the configuration file: refused with words, or every setting is
 * within its limits and no secret is among what `cartwright config` prints. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_number(enum setting_kind kind)
{
    return kind == SETTING_INT || kind == SETTING_DURATION || kind == SETTING_SIZE;
}

static void check_limits(const struct setting *setting, const void *settings)
{
    const char *at = (const char *)settings + setting->offset;
    const LIST(int64_t) *durations = (const void *)at;
    for (size_t i = 0; setting->kind == SETTING_DURATIONS && i < durations->count; i++)
        require(durations->items[i] >= setting->min && durations->items[i] <= setting->max);
    if (is_number(setting->kind) && (setting->min || setting->max)) {
        const int64_t value = *(const int64_t *)(const void *)at;
        require(value >= setting->min && value <= setting->max);
    }
    if (setting->kind == SETTING_STR && !setting->fallback)
        require(((const struct str *)(const void *)at)->len > 0);
}

static void check_list(const struct setting_list *list, const void *settings)
{
    const struct any_list *objects = (const void *)((const char *)settings + list->offset);
    for (size_t k = 0; k < objects->count; k++)
        for (size_t i = 0; i < list->item_count; i++)
            check_limits(&list->items[i], (const char *)objects->items + k * list->item_size);
}

static void check_settings(const struct config *config)
{
    for (size_t t = 0; t < app_config.table_count; t++)
        for (size_t i = 0; i < app_config.tables[t]->count; i++)
            check_limits(&app_config.tables[t]->settings[i], config->settings);
    const struct app_settings *app = config->settings;
    check_list(&engine_lists[0], app);
    check_list(&engine_lists[1], app);
}

static bool is_secret(const char *name)
{
    for (size_t t = 0; t < app_config.table_count; t++)
        for (size_t i = 0; i < app_config.tables[t]->count; i++) {
            const struct setting *setting = &app_config.tables[t]->settings[i];
            if (strcmp(setting->name, name) == 0)
                return setting->kind == SETTING_SECRET || setting->kind == SETTING_SECRETS;
        }
    return false;
}

static void check_sources(const struct config *config)
{
    for (size_t i = 0; i < config->sources.count; i++) {
        const struct config_source *source = &config->sources.items[i];
        require(source->from.len > 0 && source->value.ptr);
        if (is_secret(source->setting) && source->value.len)
            require(str_eq(source->value, STR("***")));
    }
}

static void load(const char *path)
{
    struct arena arena;
    struct config config;
    struct err err = {0};
    arena_init(&arena, 4096);
    if (config_load(&app_config, path, &arena, &config, &err) == OUTCOME_DONE) {
        check_settings(&config);
        check_sources(&config);
    } else {
        require(err.code == E_VALIDATION_FAILED && err.text[0]);
    }
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const int file = memfd_create("config", MFD_CLOEXEC);
    require(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    load(path);
    close(file);
    return 0;
}
