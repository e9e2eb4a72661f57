/* fields.c - what can be done with any described struct. */
#include "base/fields.h"

#include "base/arena.h"

/* What a copy shares with its original: texts never change, so within one batch they are shared. */
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
    case FIELD_OPT_STR:
        unshare_texts(arena, &((struct opt_str *)at)->value, 1, sharing);
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
}

void *shape_clone(const struct shape *shape, struct arena *arena, const void *from)
{
    return copy_elements(shape, arena, from, 1, SHARE_TEXTS);
}

void *shape_copy(const struct shape *shape, struct arena *arena, const void *from)
{
    return copy_elements(shape, arena, from, 1, SHARE_NOTHING);
}

const struct field *shape_field(const struct shape *shape, struct str name)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (str_eq(str_of(shape->fields[i].name), name))
            return &shape->fields[i];
    return NULL;
}

int enum_of(const char *const *names, struct str name)
{
    for (int i = 0; names[i]; i++)
        if (str_eq(str_of(names[i]), name))
            return i;
    return -1;
}
