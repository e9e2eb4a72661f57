/* workset.c - the documents of one batch. */
#include "engine/workset.h"

#include <inttypes.h>

#include "base/text.h"

void workset_init(struct workset *set, struct arena *arena)
{
    *set = (struct workset){.arena = arena};
    map_init(&set->cells, arena);
    map_init(&set->aliases, arena);
    map_init(&set->pages, arena);
}

struct str workset_cell_key(struct arena *arena, const struct cell *cell)
{
    return str_join(arena, str_of(cell->type->collection), ':', cell->id);
}

const struct cell *workset_find(const struct workset *set, struct arena *scratch,
                                const struct doc_type *type, struct str id)
{
    return map_get(&set->cells, str_join(scratch, str_of(type->collection), ':', id));
}

struct cell *workset_cell(struct workset *set, const struct doc_type *type, struct str id)
{
    const struct str key = str_join(set->arena, str_of(type->collection), ':', id);
    struct cell *cell = map_get(&set->cells, key);
    if (cell)
        return cell;
    cell = ARENA_NEW(set->arena, struct cell);
    cell->type = type;
    cell->id = str_dup(set->arena, id);
    if (set->last_cell)
        set->last_cell->next = cell;
    else
        set->first_cell = cell;
    set->last_cell = cell;
    map_set(&set->cells, key, cell);
    return cell;
}

static struct str alias_key(struct arena *arena, const struct doc_type *type, const char *field,
                            struct str value)
{
    const struct str path = str_join(arena, str_of(type->collection), '.', str_of(field));
    return str_join(arena, path, '=', value);
}

struct alias *workset_alias(struct workset *set, const struct doc_type *type, const char *field,
                            struct str value)
{
    const struct str key = alias_key(set->arena, type, field, value);
    struct alias *alias = map_get(&set->aliases, key);
    if (alias)
        return alias;
    alias = ARENA_NEW(set->arena, struct alias);
    *alias = (struct alias){.type = type,
                            .field = field,
                            .value = str_dup(set->arena, value),
                            .next = set->first_alias};
    set->first_alias = alias;
    map_set(&set->aliases, key, alias);
    return alias;
}

/* Queries for the same part of the same list have the same text, and no others do. The
 * first byte is the form in which the cache holds a page, so that lanes of a release with
 * another form never meet it. */
static struct str query_key(struct arena *arena, const struct query *query)
{
    struct text text;
    text_init(&text, arena, 256);
    text_printf(&text, "3%" PRId64 "\x1f%" PRId64 "\x1f%d\x1f", query->skip, query->limit,
                query->with_total);
    query_write(&text, query);
    if (query->behind) {
        text_append_char(&text, '\x1f');
        query_write_place(&text, query);
    }
    return text_str(&text);
}

struct page_need *workset_page(struct workset *set, const struct query *query,
                               const char *cache_tag)
{
    const struct str key = query_key(set->arena, query);
    struct page_need *need = map_get(&set->pages, key);
    if (need)
        return need;
    need = ARENA_NEW(set->arena, struct page_need);
    *need = (struct page_need){
        .query = *query, .cache_tag = str_of(cache_tag), .key = key, .next = set->first_page};
    set->first_page = need;
    map_set(&set->pages, key, need);
    return need;
}

void workset_loaded(struct cell *cell, const void *doc)
{
    cell->wanted = false;
    if (cell->dirty)
        return;
    cell->loaded = true;
    cell->doc = doc;
    cell->base_version = doc ? doc_head(doc)->version : 0;
}

static bool index_is_on(const struct doc_index *index, const char *field)
{
    const size_t len = strlen(field);
    return (index->flags & INDEX_UNIQUE) && strncmp(index->keys, field, len) == 0 &&
           index->keys[len] == ':' && !strchr(index->keys, ',');
}

static bool has_unique_index(const struct doc_type *type, const char *field)
{
    for (size_t i = 0; i < type->index_count; i++)
        if (index_is_on(&type->indexes[i], field))
            return true;
    return false;
}

static bool is_text(const struct field *field)
{
    return field->kind == FIELD_STR || field->kind == FIELD_ID;
}

/* Later messages of this batch find the document by its unique fields as well. */
static void point_aliases(struct workset *set, struct cell *cell)
{
    const struct shape *shape = cell->type->shape;
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (!is_text(field) || !has_unique_index(cell->type, field->name))
            continue;
        const struct str *value = field_at(field, cell->doc);
        if (str_is_absent(*value))
            continue;
        struct alias *alias = workset_alias(set, cell->type, field->name, *value);
        alias->loaded = true;
        alias->cell = cell;
    }
}

/* Nobody has the values of a document that is gone. With `proven` the commit proves it. */
static void clear_aliases(struct workset *set, const struct cell *cell, bool proven)
{
    for (struct alias *alias = set->first_alias; alias; alias = alias->next) {
        if (alias->cell != cell)
            continue;
        alias->cell = NULL;
        alias->proven |= proven;
    }
}

void workset_write(struct workset *set, struct cell *cell, const void *doc)
{
    /* Until now the aliases of the deleted document led to nothing: what comes in its place may
     * have other values. */
    if (cell->gone && !cell->doc)
        clear_aliases(set, cell, false);
    cell->doc = doc;
    cell->loaded = true;
    cell->dirty = true;
    point_aliases(set, cell);
}

void workset_delete(struct workset *set, struct cell *cell, const void *gone)
{
    const bool was_stored = cell->base_version != 0;
    cell->doc = NULL;
    cell->gone = gone;
    cell->loaded = true;
    cell->dirty = was_stored;
    cell->proven |= !was_stored;
    /* The values of a stored document are its own until the commit takes them away, so its guard
     * proves that nobody else has them: the aliases go on pointing to it. */
    if (!was_stored)
        clear_aliases(set, cell, true);
}
