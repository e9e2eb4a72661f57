/* config_value.c - one value, as it is written in YAML, in the environment or as a default. */
#include "config/config_parts.h"

#include "base/clock.h"
#include "base/text.h"

struct value_kind {
    /* Stores at `at`; false when the text is not of this kind. NULL: a list of texts. */
    bool (*read)(struct arena *arena, const struct setting *setting, struct str text, void *at);
    const char *expected; /* "is not ..." */
    bool is_number;       /* an int64_t with limits */
};

static bool read_str(struct arena *arena, const struct setting *setting, struct str text, void *at)
{
    (void)setting;
    *(struct str *)at = str_dup(arena, text);
    return str_is_c(text);
}

static bool read_int(struct arena *arena, const struct setting *setting, struct str text, void *at)
{
    (void)arena, (void)setting;
    return str_to_int64(text, at);
}

static bool read_bool(struct arena *arena, const struct setting *setting, struct str text, void *at)
{
    (void)arena, (void)setting;
    *(bool *)at = str_eq(text, STR("true"));
    return *(bool *)at || str_eq(text, STR("false"));
}

static bool read_duration(struct arena *arena, const struct setting *setting, struct str text,
                          void *at)
{
    (void)arena, (void)setting;
    return duration_parse(text, at);
}

static bool read_size(struct arena *arena, const struct setting *setting, struct str text, void *at)
{
    static const struct {
        struct str suffix;
        int64_t bytes;
    } units[] = {
        {{"KiB", 3}, 1LL << 10}, {{"MiB", 3}, 1LL << 20}, {{"GiB", 3}, 1LL << 30}, {{"B", 1}, 1}};
    (void)arena, (void)setting;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const struct str suffix = units[i].suffix;
        int64_t value;
        if (text.len <= suffix.len ||
            memcmp(text.ptr + text.len - suffix.len, suffix.ptr, suffix.len) != 0)
            continue;
        return str_to_int64((struct str){text.ptr, text.len - suffix.len}, &value) && value >= 0 &&
               !__builtin_mul_overflow(value, units[i].bytes, (int64_t *)at);
    }
    return false;
}

static bool read_enum(struct arena *arena, const struct setting *setting, struct str text, void *at)
{
    (void)arena;
    *(int *)at = enum_of(setting->names, text);
    return *(int *)at >= 0;
}

static const struct value_kind kinds[] = {
    [SETTING_STR] = {read_str, "a text without NUL", false},
    [SETTING_SECRET] = {read_str, "a text without NUL", false},
    [SETTING_INT] = {read_int, "an integer", true},
    [SETTING_BOOL] = {read_bool, "true or false", false},
    [SETTING_DURATION] = {read_duration, "a duration such as 250ms, 10s, 5m, 2h or 30d", true},
    [SETTING_SIZE] = {read_size, "a size such as 512B, 64KiB, 19MiB or 2GiB", true},
    [SETTING_ENUM] = {read_enum, NULL, false}, /* its names are what is expected */
    [SETTING_STRS] = {NULL, "a list", false},
    [SETTING_SECRETS] = {NULL, "a list", false},
};

static struct str expected(struct arena *arena, const struct setting *setting)
{
    if (setting->kind != SETTING_ENUM)
        return str_of(kinds[setting->kind].expected);
    struct text text;
    text_init(&text, arena, 64);
    text_append_str(&text, STR("one of"));
    for (size_t i = 0; setting->names[i]; i++)
        text_printf(&text, "%s %s", i ? "," : "", setting->names[i]);
    return text_str(&text);
}

/* --- lists of texts ----------------------------------------------------------------------------- */

struct str_list {
    struct str *items;
    size_t count;
};

static struct str trimmed(struct str text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = (struct str){text.ptr + 1, text.len - 1};
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* "a, b" has two items, "" has none. */
static struct str_list split_at_commas(struct arena *arena, struct str text)
{
    struct str_list list = {0};
    size_t capacity = 0;
    while (text.len > 0) {
        const char *comma = memchr(text.ptr, ',', text.len);
        const size_t len = comma ? (size_t)(comma - text.ptr) : text.len;
        list.items = arena_grow(arena, list.items, list.count, sizeof(struct str), &capacity);
        list.items[list.count++] = str_dup(arena, trimmed((struct str){text.ptr, len}));
        text = comma ? (struct str){comma + 1, text.len - len - 1} : STR("");
    }
    return list;
}

static bool all_filled(struct str_list list)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].len == 0 || !str_is_c(list.items[i]))
            return false;
    return true;
}

static enum outcome store_list(struct arena *arena, const struct config_value *value, void *at,
                               struct str name, struct str from, struct err *err)
{
    const struct str_list list = value->is_list
                                     ? (struct str_list){value->items.items, value->items.count}
                                     : split_at_commas(arena, value->text);
    if (!all_filled(list))
        return invalid(err, VALIDATION_FAILED, "%.*s: %.*s: an item is empty", STR_FMT(from),
                       STR_FMT(name));
    *(struct str_list *)at = list;
    return OUTCOME_DONE;
}

/* --- one value ---------------------------------------------------------------------------------- */

static enum outcome check_limits(const struct setting *setting, const void *at, struct str name,
                                 struct str from, struct err *err)
{
    static const char *const units[] = {
        [SETTING_DURATION] = " ms", [SETTING_SIZE] = " bytes", [SETTING_ENUM] = NULL};
    const int64_t value = *(const int64_t *)at;
    const char *unit = units[setting->kind] ? units[setting->kind] : "";
    if ((setting->min == 0 && setting->max == 0) ||
        (value >= setting->min && value <= setting->max))
        return OUTCOME_DONE;
    return invalid(err, VALIDATION_FAILED, "%.*s: %.*s: %lld%s is not from %lld to %lld%s",
                   STR_FMT(from), STR_FMT(name), (long long)value, unit, (long long)setting->min,
                   (long long)setting->max, unit);
}

static enum outcome refuse_value(struct arena *arena, const struct setting *setting,
                                 struct str text, struct str name, struct str from, struct err *err)
{
    const struct str shown = config_is_secret(setting) ? STR("***") : text;
    return invalid(err, VALIDATION_FAILED, "%.*s: %.*s: '%.*s' is not %.*s", STR_FMT(from),
                   STR_FMT(name), STR_FMT(shown), STR_FMT(expected(arena, setting)));
}

enum outcome config_store(struct arena *arena, const struct setting *setting,
                          const struct config_value *value, void *object, struct str name,
                          struct str from, struct err *err)
{
    const struct value_kind *kind = &kinds[setting->kind];
    void *at = (char *)object + setting->offset;
    if (!kind->read)
        return store_list(arena, value, at, name, from, err);
    if (value->is_list)
        return invalid(err, VALIDATION_FAILED, "%.*s: %.*s: a list is not %.*s", STR_FMT(from),
                       STR_FMT(name), STR_FMT(expected(arena, setting)));
    if (!kind->read(arena, setting, value->text, at))
        return refuse_value(arena, setting, value->text, name, from, err);
    return kind->is_number ? check_limits(setting, at, name, from, err) : OUTCOME_DONE;
}

struct str config_print(struct arena *arena, const struct setting *setting,
                        const struct config_value *value)
{
    if (config_is_secret(setting))
        return STR("***");
    if (!value->is_list)
        return str_dup(arena, value->text);
    struct text text;
    text_init(&text, arena, 64);
    for (size_t i = 0; i < value->items.count; i++)
        text_printf(&text, "%s%.*s", i ? "," : "", STR_FMT(value->items.items[i]));
    return text_str(&text);
}
