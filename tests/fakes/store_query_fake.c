/* store_query_fake.c - finds, queries and scans in the fake store as MongoDB would: an absent value
 * sorts first and equals null, a list matches when one of its elements does, `_id` breaks ties. */
#include <stdlib.h>

#include "fakes/store_parts.h"
#include "store/doc_path.h"

/* --- values at a path ------------------------------------------------------------------------- */

typedef bool visit_fn(void *context, const struct fake_value *value);

static struct fake_value text_value(struct str text)
{
    return (struct fake_value){.present = !str_is_absent(text), .is_text = true, .text = text};
}

static struct fake_value number_value(bool present, int64_t number)
{
    return (struct fake_value){.present = present, .number = number};
}

static struct fake_value money_value(const struct money *money, const char *part)
{
    if (!part)
        panic("money is compared by its amount or currency");
    if (strcmp(part, "currency") == 0)
        return text_value(money_is_absent(*money) ? STR_ABSENT : str_of(money->currency));
    return number_value(!money_is_absent(*money), money->amount);
}

/* The value of a field whose kind holds one value. */
static struct fake_value plain_value(const struct field *field, const void *at, const char *rest)
{
    switch (field->kind) {
    case FIELD_INT:
        return number_value(true, *(const int64_t *)at);
    case FIELD_TIME:
        return number_value(*(const int64_t *)at != 0, *(const int64_t *)at);
    case FIELD_BOOL:
        return number_value(true, *(const bool *)at);
    case FIELD_OPT_INT:
        return number_value(((const struct opt_int *)at)->has, ((const struct opt_int *)at)->value);
    case FIELD_OPT_BOOL:
        return number_value(((const struct opt_bool *)at)->has,
                            ((const struct opt_bool *)at)->value);
    case FIELD_MONEY:
        return money_value(at, rest);
    case FIELD_ENUM:
        return text_value(*(const int *)at < 0 ? STR_ABSENT
                                               : str_of(field->names[*(const int *)at]));
    default:
        return text_value(*(const struct str *)at);
    }
}

static bool list_values(const struct field *field, const struct any_list *list, const char *rest,
                        visit_fn *visit, void *context)
{
    for (size_t i = 0; i < list->count; i++) {
        if (field->kind == FIELD_LIST) {
            const void *element = (const char *)list->items + i * field->shape->size;
            if (fake_values(field->shape, element, rest, visit, context))
                return true;
            continue;
        }
        const struct fake_value value = text_value(((const struct str *)list->items)[i]);
        if (visit(context, &value))
            return true;
    }
    const struct fake_value none = {0};
    return list->count == 0 && visit(context, &none);
}

bool fake_values(const struct shape *shape, const void *object, const char *path,
                 bool (*visit)(void *context, const struct fake_value *value), void *context)
{
    const char *rest = path;
    const struct field *field = path ? shape_field(shape, doc_path_segment(&rest)) : NULL;
    const struct fake_value none = {0};
    if (!field)
        panic("%s has no field %s", shape->name, path ? path : "");
    const void *at = field_at(field, object);
    const void *part = field->kind == FIELD_STRUCT ? *(const void *const *)at : at;
    if (!part)
        return visit(context, &none);
    if (field->kind == FIELD_STRUCT || field->kind == FIELD_EMBED)
        return fake_values(field->shape, part, rest, visit, context);
    if (field->kind == FIELD_LIST || field->kind == FIELD_STRS || field->kind == FIELD_IDS)
        return list_values(field, at, rest, visit, context);
    const struct fake_value value = plain_value(field, at, rest);
    return visit(context, &value);
}

int fake_value_cmp(const struct fake_value *a, const struct fake_value *b)
{
    if (!a->present || !b->present)
        return a->present - b->present;
    if (a->is_text != b->is_text)
        return a->is_text - b->is_text;
    if (a->is_text)
        return str_cmp(a->text, b->text);
    return a->number < b->number ? -1 : a->number > b->number;
}

/* --- terms ------------------------------------------------------------------------------------ */

struct comparison {
    enum query_op op;
    struct fake_value with;
};

static bool compares(void *context, const struct fake_value *value)
{
    const struct comparison *comparison = context;
    const int order = fake_value_cmp(value, &comparison->with);
    if (comparison->op == QUERY_EQ)
        return order == 0;
    if (!value->present || value->is_text != comparison->with.is_text)
        return false;
    const bool holds[] = {[QUERY_GT] = order > 0,
                          [QUERY_GTE] = order >= 0,
                          [QUERY_LT] = order < 0,
                          [QUERY_LTE] = order <= 0};
    return holds[comparison->op];
}

static bool is_number_kind(enum field_kind kind)
{
    return kind == FIELD_INT || kind == FIELD_OPT_INT || kind == FIELD_BOOL ||
           kind == FIELD_OPT_BOOL || kind == FIELD_TIME;
}

static bool term_matches(const struct doc_type *type, const struct query_term *term,
                         const void *doc)
{
    struct doc_path path;
    if (!doc_path_resolve(type->shape, term->path, &path))
        return false; /* not reached: the path was checked before */
    struct comparison comparison = {term->op, is_number_kind(path.kind)
                                                  ? number_value(true, term->value.number)
                                                  : text_value(term->value.text)};
    return fake_values(type->shape, doc, term->path, compares, &comparison);
}

/* --- alternatives ----------------------------------------------------------------------------- */

static bool match_holds(void *context, const struct fake_value *value)
{
    const struct query_match *match = context;
    if (!value->present || !value->is_text)
        return false;
    return match->begins ? str_starts_with(value->text, match->text)
                         : str_eq(value->text, match->text);
}

/* The weight of the best match that holds; -1 when none does. */
static int64_t best_match(const struct query_any *any, const struct shape *shape, const void *doc)
{
    int64_t best = -1;
    for (size_t i = 0; i < any->count; i++) {
        struct query_match match = any->matches[i];
        if (match.weight > best && fake_values(shape, doc, match.path, match_holds, &match))
            best = match.weight;
    }
    return best;
}

/* --- queries ---------------------------------------------------------------------------------- */

struct order {
    const struct query *query;
    int (*collate)(struct str a, struct str b); /* NULL: byte by byte */
};

static int compare_in(const struct order *order, const struct fake_value *a,
                      const struct fake_value *b)
{
    const bool are_texts = a->present && b->present && a->is_text && b->is_text;
    return order->collate && are_texts ? order->collate(a->text, b->text) : fake_value_cmp(a, b);
}

struct hit {
    const void *doc;
    int64_t score;
    const struct fake_version *version;
};

static bool take_first(void *context, const struct fake_value *value)
{
    *(struct fake_value *)context = *value;
    return true;
}

static int compare_by(const struct order *order, const struct query_sort *sort, const struct hit *a,
                      const struct hit *b)
{
    const struct shape *shape = order->query->type->shape;
    struct fake_value left = {0}, right = {0};
    if (sort->relevance)
        return a->score > b->score ? -1 : a->score < b->score;
    fake_values(shape, a->doc, sort->path, take_first, &left);
    fake_values(shape, b->doc, sort->path, take_first, &right);
    const int sign = compare_in(order, &left, &right);
    return sort->direction < 0 ? -sign : sign;
}

static int compare_hits(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    const struct hit *left = a, *right = b;
    for (size_t i = 0; i < order->query->sort_count; i++) {
        const int sign = compare_by(order, &order->query->sorts[i], left, right);
        if (sign != 0)
            return sign;
    }
    return str_cmp(doc_head(left->doc)->id, doc_head(right->doc)->id);
}

/* True when the document comes behind the query's place, at which the page begins. */
static bool is_behind(const struct order *order, const void *doc)
{
    const struct query *query = order->query;
    for (size_t i = 0; i < query->sort_count; i++) {
        const struct query_sort *sort = &query->sorts[i];
        const struct query_value *place = &query->place[i];
        struct fake_value value = {0};
        fake_values(query->type->shape, doc, sort->path, take_first, &value);
        const struct fake_value from =
            value.is_text ? text_value(place->text) : number_value(true, place->number);
        const int sign = compare_in(order, &value, &from);
        if (sign != 0)
            return (sign > 0) == (sort->direction > 0);
    }
    return false;
}

static bool matches(const struct order *order, const void *doc, int64_t *score)
{
    const struct query *query = order->query;
    for (size_t i = 0; i < query->term_count; i++)
        if (!term_matches(query->type, &query->terms[i], doc))
            return false;
    for (size_t i = 0; i < query->any_count; i++) {
        const int64_t weight = best_match(&query->any[i], query->type->shape, doc);
        if (weight < 0)
            return false;
        *score += weight;
    }
    return true;
}

/* A document that cannot be read matches everything, and all its values are absent. */
static bool is_hit(const struct order *order, struct hit *hit)
{
    return (!order->query->behind || is_behind(order, hit->doc)) &&
           (!str_is_absent(hit->version->misfit) || matches(order, hit->doc, &hit->score));
}

static void keep_misfit(struct arena *arena, const struct fake_version *version,
                        struct doc_list *list)
{
    struct misfit *all = arena_array(arena, list->misfit_count + 1, sizeof(*all));
    if (list->misfit_count)
        memcpy(all, list->misfits, list->misfit_count * sizeof(*all));
    all[list->misfit_count++] = (struct misfit){str_dup(arena, doc_head(version->doc)->id),
                                                str_dup(arena, version->misfit)};
    list->misfits = all;
}

/* Appends a copy of the document to the list, or a misfit when it cannot be read. */
static void keep_version(struct arena *arena, const struct doc_type *type,
                         const struct fake_version *version, struct doc_list *list)
{
    if (str_is_absent(version->misfit))
        list->items[list->count++] = fake_read(arena, type, version);
    else
        keep_misfit(arena, version, list);
}

static struct doc_list copy_page(struct arena *arena, const struct query *query,
                                 const struct hit *hits, size_t count)
{
    struct doc_list list = {.items = arena_array(arena, count, sizeof(*list.items))};
    for (size_t i = (size_t)query->skip;
         i < count && list.count + list.misfit_count < (size_t)query->limit; i++)
        keep_version(arena, query->type, hits[i].version, &list);
    return list;
}

enum outcome fake_query(struct store *store, struct arena *arena, const struct query *query,
                        struct query_page *out, struct err *err)
{
    struct fake_collection *collection = fake_collection(fake_of(store), query->type);
    bool applied = false;
    TRY(fake_call(fake_of(store), STORE_FAKE_QUERY, &applied, err));
    if (!collection)
        return store_unknown_type(query->type, err);
    struct order order = {query, query->by_locale ? fake_of(store)->data->collate : NULL};
    struct hit *hits = arena_array(arena, collection->count, sizeof(*hits));
    size_t count = 0;
    for (size_t i = 0; i < collection->count; i++) {
        const struct fake_version *version = collection->docs[i]->current;
        struct hit hit = {version ? version->doc : NULL, 0, version};
        if (version && is_hit(&order, &hit))
            hits[count++] = hit;
    }
    qsort_r(hits, count, sizeof(*hits), compare_hits, &order);
    struct query_page page = {.total =
                                  query->with_total || query->limit == 0 ? (int64_t)count : -1};
    page.docs = copy_page(arena, query, hits, count);
    *out = page;
    return OUTCOME_DONE;
}

static bool has_value_before(const struct store_find *find, size_t end, struct str value)
{
    for (size_t i = 0; i < end; i++)
        if (str_eq(find->values[i], value))
            return true;
    return false;
}

static bool is_wanted(const struct store_find *find, const void *doc)
{
    for (size_t i = 0; i < find->count; i++) {
        const struct query_term term = {find->path, QUERY_EQ, {.text = find->values[i]}};
        if (term_matches(find->type, &term, doc))
            return true;
    }
    return false;
}

static size_t find_by_id(struct fake_collection *collection, const struct store_find *find,
                         const struct fake_version **found)
{
    size_t count = 0;
    for (size_t i = 0; i < find->count; i++) {
        const struct fake_doc *doc = map_get(&collection->by_id, find->values[i]);
        if (doc && doc->current && !has_value_before(find, i, find->values[i]))
            found[count++] = doc->current;
    }
    return count;
}

static size_t find_by_field(struct fake_collection *collection, const struct store_find *find,
                            const struct fake_version **found)
{
    size_t count = 0;
    for (size_t i = 0; i < collection->count; i++) {
        const struct fake_version *version = collection->docs[i]->current;
        if (version && str_is_absent(version->misfit) && is_wanted(find, version->doc))
            found[count++] = version;
    }
    return count;
}

enum outcome fake_find(struct store *store, struct arena *arena, struct store_find *find,
                       struct err *err)
{
    struct fake_collection *collection = fake_collection(fake_of(store), find->type);
    struct doc_path path;
    bool applied = false;
    TRY(fake_call(fake_of(store), STORE_FAKE_FIND, &applied, err));
    if (!collection)
        return store_unknown_type(find->type, err);
    if (!doc_path_resolve(find->type->shape, find->path, &path))
        return err_bug(err, "%s cannot be found by %s", find->type->collection, find->path);
    const struct fake_version **found = arena_array(arena, collection->count, sizeof(*found));
    const size_t count = strcmp(path.bson, "_id") == 0 ? find_by_id(collection, find, found)
                                                       : find_by_field(collection, find, found);
    struct doc_list list = {.items = arena_array(arena, count, sizeof(*list.items))};
    for (size_t i = 0; i < count; i++)
        keep_version(arena, find->type, found[i], &list);
    find->found = list;
    if (list.misfit_count == 0)
        return OUTCOME_DONE;
    return err_bug(err, "%s %.*s: %.*s", find->type->collection, STR_FMT(list.misfits[0].id),
                   STR_FMT(list.misfits[0].why));
}

/* --- all of them ------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
    const struct fake_version *const *left = a, *const *right = b;
    return str_cmp(doc_head((*left)->doc)->id, doc_head((*right)->doc)->id);
}

enum outcome fake_scan(struct store *store, struct arena *arena, const struct doc_type *type,
                       struct str after, size_t max, struct doc_list *out, struct err *err)
{
    struct fake_collection *collection = fake_collection(fake_of(store), type);
    if (!collection)
        return store_unknown_type(type, err);
    const struct fake_version **found = arena_array(arena, collection->count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 0; i < collection->count; i++) {
        const struct fake_version *version = collection->docs[i]->current;
        if (version && (str_is_absent(after) || str_cmp(doc_head(version->doc)->id, after) > 0))
            found[count++] = version;
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), by_id);
    count = count < max ? count : max;
    struct doc_list list = {.items = arena_array(arena, count, sizeof(*list.items))};
    for (size_t i = 0; i < count; i++)
        keep_version(arena, type, found[i], &list);
    *out = list;
    return OUTCOME_DONE;
}
