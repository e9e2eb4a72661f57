/* fields.c - what can be done with any described struct. */
#include "base/fields.h"

#include "base/arena.h"

static void unshare_parts(const struct shape *shape, struct arena *arena, void *object);

static void *clone_elements(const struct shape *shape, struct arena *arena, const void *from,
                            size_t count)
{
    char *copy = arena_copy(arena, from, count * shape->size);
    for (size_t i = 0; i < count; i++)
        unshare_parts(shape, arena, copy + i * shape->size);
    return copy;
}

static void unshare_list(const struct field *field, struct arena *arena, struct any_list *list)
{
    if (list->count == 0)
        return;
    list->items = field->kind == FIELD_LIST
                      ? clone_elements(field->shape, arena, list->items, list->count)
                      : arena_copy(arena, list->items, list->count * sizeof(struct str));
}

static void unshare_field(const struct field *field, struct arena *arena, void *at)
{
    void **pointer = at;
    switch (field->kind) {
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        unshare_list(field, arena, at);
        break;
    case FIELD_EMBED:
        unshare_parts(field->shape, arena, at);
        break;
    case FIELD_STRUCT:
        if (*pointer)
            *pointer = clone_elements(field->shape, arena, *pointer, 1);
        break;
    default:
        break;
    }
}

static void unshare_parts(const struct shape *shape, struct arena *arena, void *object)
{
    for (size_t i = 0; i < shape->field_count; i++)
        unshare_field(&shape->fields[i], arena, (char *)object + shape->fields[i].offset);
}

void *shape_clone(const struct shape *shape, struct arena *arena, const void *from)
{
    return clone_elements(shape, arena, from, 1);
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
