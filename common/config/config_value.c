/* config_value.c - reads and prints one value of YAML, of the environment or of a default. */
#include "config/config_parts.h"

#include "base/clock.h"
#include "base/text.h"

#define A_TEXT     "a text without NUL"
#define A_DURATION "a duration such as 250ms, 10s, 5m, 2h or 30d"

struct value_kind {
    /* Stores a value (for a list: one item) at `at`; false when the text is not of this kind. */
    bool (*read)(struct arena *arena, const struct setting *setting, struct str text, void *at);
    const char *expected; /* completes the error "is not ..." */
    bool is_number;       /* the value is an int64_t with limits */
    size_t item_size;     /* bytes of an item of a list; 0: this kind is a single value */
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
    [SETTING_STR] = {.read = read_str, .expected = A_TEXT},
    [SETTING_SECRET] = {.read = read_str, .expected = A_TEXT},
    [SETTING_INT] = {.read = read_int, .expected = "an integer", .is_number = true},
    [SETTING_BOOL] = {.read = read_bool, .expected = "true or false"},
    [SETTING_DURATION] = {.read = read_duration, .expected = A_DURATION, .is_number = true},
    [SETTING_SIZE] = {.read = read_size,
                      .expected = "a size such as 512B, 64KiB, 19MiB or 2GiB",
                      .is_number = true},
    [SETTING_ENUM] = {.read = read_enum}, /* one of its names is expected: see expected() */
    [SETTING_STRS] = {.read = read_str, .expected = A_TEXT, .item_size = sizeof(struct str)},
    [SETTING_SECRETS] = {.read = read_str, .expected = A_TEXT, .item_size = sizeof(struct str)},
    [SETTING_DURATIONS] = {.read = read_duration,
                           .expected = A_DURATION,
                           .is_number = true,
                           .item_size = sizeof(int64_t)},
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

/* --- lists as they are written ------------------------------------------------------------------ */

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

/* --- one value ---------------------------------------------------------------------------------- */

static enum outcome check_limits(const struct setting *setting, const void *at, struct str name,
                                 struct str from, struct err *err)
{
    static const char *const units[] = {
        [SETTING_DURATION] = " ms", [SETTING_SIZE] = " bytes", [SETTING_DURATIONS] = " ms"};
    const int64_t value = *(const int64_t *)at;
    const char *unit = units[setting->kind] ? units[setting->kind] : "";
    if ((setting->min == 0 && setting->max == 0) ||
        (value >= setting->min && value <= setting->max))
        return OUTCOME_DONE;
    return err_invalid(err, E_VALIDATION_FAILED, "%.*s: %.*s: %lld%s is not from %lld to %lld%s",
                       STR_FMT(from), STR_FMT(name), (long long)value, unit,
                       (long long)setting->min, (long long)setting->max, unit);
}

static enum outcome refuse_value(struct arena *arena, const struct setting *setting,
                                 struct str text, struct str name, struct str from, struct err *err)
{
    const struct str shown = config_is_secret(setting) ? STR("***") : text;
    return err_invalid(err, E_VALIDATION_FAILED, "%.*s: %.*s: '%.*s' is not %.*s", STR_FMT(from),
                       STR_FMT(name), STR_FMT(shown), STR_FMT(expected(arena, setting)));
}

/* Each secret of a list has a minimum length, because a short secret can be guessed. */
static enum outcome check_length(const struct setting *setting, struct str text, struct str name,
                                 struct str from, struct err *err)
{
    if (setting->kind != SETTING_SECRETS || text.len >= (size_t)setting->min)
        return OUTCOME_DONE;
    return err_invalid(err, E_VALIDATION_FAILED,
                       "%.*s: %.*s: one is of %zu bytes; each needs at least %lld bytes",
                       STR_FMT(from), STR_FMT(name), text.len, (long long)setting->min);
}

static enum outcome store_text(struct arena *arena, const struct setting *setting, struct str text,
                               void *at, struct str name, struct str from, struct err *err)
{
    const struct value_kind *kind = &kinds[setting->kind];
    if (!kind->read(arena, setting, text, at))
        return refuse_value(arena, setting, text, name, from, err);
    TRY(check_length(setting, text, name, from, err));
    return kind->is_number ? check_limits(setting, at, name, from, err) : OUTCOME_DONE;
}

static enum outcome store_list(struct arena *arena, const struct setting *setting,
                               const struct config_value *value, struct any_list *at,
                               struct str name, struct str from, struct err *err)
{
    const struct str_list texts = value->is_list
                                      ? (struct str_list){value->items.items, value->items.count}
                                      : split_at_commas(arena, value->text);
    const size_t size = kinds[setting->kind].item_size;
    if (!all_filled(texts))
        return err_invalid(err, E_VALIDATION_FAILED, "%.*s: %.*s: an item is empty", STR_FMT(from),
                           STR_FMT(name));
    char *items = arena_array(arena, texts.count, size);
    for (size_t i = 0; i < texts.count; i++)
        TRY(store_text(arena, setting, texts.items[i], items + i * size, name, from, err));
    *at = (struct any_list){items, texts.count};
    return OUTCOME_DONE;
}

enum outcome config_store(struct arena *arena, const struct setting *setting,
                          const struct config_value *value, void *object, struct str name,
                          struct str from, struct err *err)
{
    void *at = (char *)object + setting->offset;
    if (kinds[setting->kind].item_size)
        return store_list(arena, setting, value, at, name, from, err);
    if (value->is_list)
        return err_invalid(err, E_VALIDATION_FAILED, "%.*s: %.*s: a list is not %.*s",
                           STR_FMT(from), STR_FMT(name), STR_FMT(expected(arena, setting)));
    return store_text(arena, setting, value->text, at, name, from, err);
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
