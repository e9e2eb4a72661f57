/* fields.c - copies, look-ups and fallbacks for any struct that has a shape, and lists. */
#include "base/fields.h"

#include <string.h>

#include "base/arena.h"

/* What a copy shares with its original. Within one batch texts are shared: they never change. */
enum sharing { SHARE_TEXTS, SHARE_NOTHING };

static void unshare_parts(const struct shape *shape, struct arena *arena, void *object,
                          enum sharing sharing);

static void *copy_elements(const struct shape *shape, struct arena *arena, const void *from,
                           size_t count, enum sharing sharing)
{
    char *copy = arena_copy(arena, from, count * shape->size);
    for (size_t i = 0; i < count; i++)
        unshare_parts(shape, arena, copy + i * shape->size, sharing);
    return copy;
}

static void unshare_texts(struct arena *arena, struct str *texts, size_t count,
                          enum sharing sharing)
{
    for (size_t i = 0; i < count && sharing == SHARE_NOTHING; i++)
        texts[i] = str_dup(arena, texts[i]);
}

static void unshare_list(const struct field *field, struct arena *arena, struct any_list *list,
                         enum sharing sharing)
{
    if (list->count == 0)
        return;
    if (field->kind == FIELD_LIST) {
        list->items = copy_elements(field->shape, arena, list->items, list->count, sharing);
        return;
    }
    list->items = arena_copy(arena, list->items, list->count * sizeof(struct str));
    unshare_texts(arena, list->items, list->count, sharing);
}

static void unshare_field(const struct field *field, struct arena *arena, void *at,
                          enum sharing sharing)
{
    void **pointer = at;
    switch (field->kind) {
    case FIELD_STR:
    case FIELD_ID:
    case FIELD_DATE:
    case FIELD_RAW:
        unshare_texts(arena, at, 1, sharing);
        break;
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        unshare_list(field, arena, at, sharing);
        break;
    case FIELD_EMBED:
        unshare_parts(field->shape, arena, at, sharing);
        break;
    case FIELD_STRUCT:
        if (*pointer)
            *pointer = copy_elements(field->shape, arena, *pointer, 1, sharing);
        break;
    default:
        break;
    }
}

static void unshare_parts(const struct shape *shape, struct arena *arena, void *object,
                          enum sharing sharing)
{
    for (size_t i = 0; i < shape->field_count; i++)
        unshare_field(&shape->fields[i], arena, (char *)object + shape->fields[i].offset, sharing);
    if (shape->kept)
        unshare_texts(arena, shape_kept(shape, object), 1, sharing);
}

void *shape_clone(const struct shape *shape, struct arena *arena, const void *from)
{
    return copy_elements(shape, arena, from, 1, SHARE_TEXTS);
}

void *shape_copy(const struct shape *shape, struct arena *arena, const void *from)
{
    return copy_elements(shape, arena, from, 1, SHARE_NOTHING);
}

/* --- patches ------------------------------------------------------------------------------------ */

static size_t size_of_value(const struct field *field)
{
    switch (field->kind) {
    case FIELD_INT:
    case FIELD_TIME:
        return sizeof(int64_t);
    case FIELD_OPT_INT:
        return sizeof(struct opt_int);
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_OPT_BOOL:
        return sizeof(struct opt_bool);
    case FIELD_MONEY:
        return sizeof(struct money);
    case FIELD_ENUM:
        return sizeof(int);
    case FIELD_STRUCT:
        return sizeof(void *);
    case FIELD_EMBED:
        return field->shape->size;
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        return sizeof(struct any_list);
    default:
        return sizeof(struct str);
    }
}

static bool is_absent(const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_EMBED:
        return false;
    case FIELD_TIME:
        return *(const int64_t *)at == 0;
    case FIELD_OPT_INT:
        return !((const struct opt_int *)at)->has;
    case FIELD_OPT_BOOL:
        return !((const struct opt_bool *)at)->has;
    case FIELD_MONEY:
        return money_is_absent(*(const struct money *)at);
    case FIELD_ENUM:
        return *(const int *)at < 0;
    case FIELD_STRUCT:
        return !*(const void *const *)at;
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        return !((const struct any_list *)at)->items;
    default:
        return str_is_absent(*(const struct str *)at);
    }
}

static bool is_given(const struct field *field, const void *patch)
{
    const bool *given = field_given(field, patch);
    return given ? *given : !is_absent(field, field_at(field, patch));
}

/* A member that must have a value in the document may be left out of the patch, and so is of the
 * optional kind there. */
static void patch_field(const struct field *field, void *doc, const struct field *from,
                        const void *patch)
{
    void *to = (char *)doc + field->offset;
    const void *at = field_at(from, patch);
    if (field->kind == from->kind && field->shape == from->shape && field->names == from->names)
        memcpy(to, at, size_of_value(field));
    else if (field->kind == FIELD_INT && from->kind == FIELD_OPT_INT)
        *(int64_t *)to = ((const struct opt_int *)at)->value;
    else if (field->kind == FIELD_BOOL && from->kind == FIELD_OPT_BOOL)
        *(bool *)to = ((const struct opt_bool *)at)->value;
    else
        panic("'%s' is of another kind in the patch than in the document", field->name);
}

void shape_patch(const struct shape *doc_shape, void *doc, const struct shape *patch_shape,
                 const void *patch)
{
    for (size_t i = 0; i < patch_shape->field_count; i++) {
        const struct field *from = &patch_shape->fields[i];
        const struct field *field = shape_field(doc_shape, str_of(from->name));
        if (field && !(field->flags & FIELD_KEY) && is_given(from, patch))
            patch_field(field, doc, from, patch);
    }
}

const struct field *shape_field(const struct shape *shape, struct str name)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (str_eq(str_of(shape->fields[i].name), name))
            return &shape->fields[i];
    return NULL;
}

static bool parse_bool(struct str text, bool *out)
{
    *out = str_eq(text, STR("true"));
    return *out || str_eq(text, STR("false"));
}

static bool parse_enum(const struct field *field, struct str text, int *out)
{
    *out = enum_of(field->names, text);
    return *out >= 0;
}

static bool parse_fallback(const struct field *field, struct str text, void *at)
{
    switch (field->kind) {
    case FIELD_STR:
        *(struct str *)at = text;
        return true;
    case FIELD_INT:
    case FIELD_TIME:
        return str_to_int64(text, at);
    case FIELD_BOOL:
        return parse_bool(text, at);
    case FIELD_ENUM:
        return parse_enum(field, text, at);
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        *(struct any_list *)at = (struct any_list){0};
        return text.len == 0;
    default:
        return false;
    }
}

bool field_fall_back(const struct field *field, void *object)
{
    if (!field->fallback)
        return false;
    if (!parse_fallback(field, str_of(field->fallback), (char *)object + field->offset))
        panic("the fallback '%s' of %s is none of its kind", field->fallback, field->name);
    return true;
}

int enum_of(const char *const *names, struct str name)
{
    for (int i = 0; names[i]; i++)
        if (str_eq(str_of(names[i]), name))
            return i;
    return -1;
}

/* --- lists --------------------------------------------------------------------------------------- */

void *list_insert(struct arena *arena, void *list, size_t size, size_t at)
{
    struct any_list *of = list;
    char *items = arena_array(arena, of->count + 1, size);
    if (at > 0)
        memcpy(items, of->items, at * size);
    if (at < of->count)
        memcpy(items + (at + 1) * size, (char *)of->items + at * size, (of->count - at) * size);
    of->items = items;
    of->count++;
    return items + at * size;
}

void list_remove(void *list, size_t size, size_t at)
{
    struct any_list *of = list;
    char *item = (char *)of->items + at * size;
    of->count--;
    memmove(item, item + size, (of->count - at) * size);
}

void *list_find(const void *list, size_t size, size_t offset, struct str text)
{
    const struct any_list *of = list;
    for (size_t i = 0; i < of->count; i++) {
        char *item = (char *)of->items + i * size;
        if (str_eq(*(const struct str *)(item + offset), text))
            return item;
    }
    return NULL;
}
