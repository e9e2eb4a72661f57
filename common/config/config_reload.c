/* config_reload.c - finds changes of the configuration that a running process cannot take over.
 *
 * Stored values are compared, not printed ones, because all secrets are printed alike. */
#include "config/config_parts.h"

#include "base/text.h"

static bool same_texts(const struct any_list *a, const struct any_list *b)
{
    const struct str *one = a->items;
    const struct str *other = b->items;
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = str_eq(one[i], other[i]);
    return same;
}

static bool same_value(const struct setting *setting, const void *before, const void *after)
{
    const void *a = (const char *)before + setting->offset;
    const void *b = (const char *)after + setting->offset;
    switch (setting->kind) {
    case SETTING_STR:
    case SETTING_SECRET:
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case SETTING_STRS:
    case SETTING_SECRETS:
        return same_texts(a, b);
    case SETTING_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case SETTING_ENUM:
        return *(const int *)a == *(const int *)b;
    case SETTING_INT:
    case SETTING_DURATION:
    case SETTING_SIZE:
    default:
        return *(const int64_t *)a == *(const int64_t *)b;
    }
}

static void add_name(struct text *text, const char *name)
{
    text_printf(text, "%s%s", text->len ? ", " : "", name);
}

static void compare_list(const struct setting_list *list, const void *before, const void *after,
                         struct text *out)
{
    const struct any_list *a = (const void *)((const char *)before + list->offset);
    const struct any_list *b = (const void *)((const char *)after + list->offset);
    if (a->count != b->count)
        add_name(out, list->name);
    for (size_t i = 0; a->count == b->count && i < a->count; i++)
        for (size_t k = 0; k < list->item_count; k++)
            if (list->items[k].fixed &&
                !same_value(&list->items[k], (const char *)a->items + i * list->item_size,
                            (const char *)b->items + i * list->item_size))
                text_printf(out, "%s%s[%zu].%s", out->len ? ", " : "", list->name, i,
                            list->items[k].name);
}

struct str config_fixed_changes(const struct config_schema *schema, const void *before,
                                const void *after, struct arena *arena)
{
    struct text text;
    text_init(&text, arena, 128);
    for (size_t t = 0; t < schema->table_count; t++)
        for (size_t i = 0; i < schema->tables[t]->count; i++) {
            const struct setting *setting = &schema->tables[t]->settings[i];
            if (setting->fixed && !same_value(setting, before, after))
                add_name(&text, setting->name);
        }
    for (size_t i = 0; i < schema->list_count; i++)
        compare_list(&schema->lists[i], before, after, &text);
    return text_str(&text);
}
