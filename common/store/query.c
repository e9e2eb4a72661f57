/* query.c - builds queries; a query, and the place where its part begins, as texts. */
#include <inttypes.h>

#include "store/doc_path.h"
#include "store/store.h"

/* --- building ----------------------------------------------------------------------------------- */

#define KIND(kind) (1u << (kind))

enum { /* the kinds of fields that a function takes */
       NUMBERS = KIND(FIELD_INT) | KIND(FIELD_OPT_INT) | KIND(FIELD_TIME),
       BOOLS = KIND(FIELD_BOOL) | KIND(FIELD_OPT_BOOL),
       LISTS = KIND(FIELD_STRS) | KIND(FIELD_IDS),
       TEXTS = KIND(FIELD_STR) | KIND(FIELD_ID) | KIND(FIELD_DATE) | KIND(FIELD_ENUM),
};

struct query query_of(const struct doc_type *type)
{
    return (struct query){.type = type};
}

static void need_kind(const struct query *query, const char *path, unsigned kinds)
{
    struct doc_path found;
    if (!doc_path_resolve(query->type->shape, path, &found))
        panic("%s have no field %s", query->type->collection, path);
    if (!(KIND(found.kind) & kinds))
        panic("%s cannot be queried so by %s", query->type->collection, path);
}

static void need_room(const struct query *query, size_t count, size_t max)
{
    if (count == max)
        panic("a query of %s has more than %zu parts of one kind", query->type->collection, max);
}

static void add_term(struct query *query, const char *path, unsigned kinds, enum query_op op,
                     struct query_value value)
{
    need_kind(query, path, kinds);
    need_room(query, query->term_count, QUERY_TERMS_MAX);
    query->terms[query->term_count++] = (struct query_term){path, op, value};
}

void query_is(struct query *query, const char *path, struct str text)
{
    add_term(query, path, TEXTS | LISTS, QUERY_EQ, (struct query_value){.text = text});
}

void query_is_int(struct query *query, const char *path, int64_t number)
{
    add_term(query, path, NUMBERS, QUERY_EQ, (struct query_value){.number = number});
}

void query_is_bool(struct query *query, const char *path, bool value)
{
    add_term(query, path, BOOLS, QUERY_EQ, (struct query_value){.number = value});
}

void query_from(struct query *query, const char *path, int64_t bound)
{
    add_term(query, path, NUMBERS, QUERY_GTE, (struct query_value){.number = bound});
}

void query_to(struct query *query, const char *path, int64_t bound)
{
    add_term(query, path, NUMBERS, QUERY_LTE, (struct query_value){.number = bound});
}

void query_above(struct query *query, const char *path, int64_t bound)
{
    add_term(query, path, NUMBERS, QUERY_GT, (struct query_value){.number = bound});
}

void query_any(struct query *query, const struct query_match *matches, size_t count)
{
    /* Neighbours mostly share the path, and there may be a thousand of them. */
    for (size_t i = 0; i < count; i++)
        if (i == 0 || matches[i].path != matches[i - 1].path)
            need_kind(query, matches[i].path, LISTS | KIND(FIELD_STR) | KIND(FIELD_ID));
    need_room(query, query->any_count, QUERY_ANY_MAX);
    query->any[query->any_count++] = (struct query_any){matches, count};
}

static void add_sort(struct query *query, struct query_sort sort)
{
    need_room(query, query->sort_count, QUERY_SORTS_MAX);
    query->sorts[query->sort_count++] = sort;
}

void query_sort(struct query *query, const char *path, int direction)
{
    need_kind(query, path, TEXTS | NUMBERS | BOOLS);
    add_sort(query, (struct query_sort){.path = path, .direction = direction});
    query->in_full_order |= strcmp(path, "id") == 0;
}

void query_sort_unique(struct query *query, const char *path, int direction)
{
    query_sort(query, path, direction);
    query->in_full_order = true;
}

void query_by_relevance(struct query *query)
{
    add_sort(query, (struct query_sort){.relevance = true});
}

/* --- as a text ---------------------------------------------------------------------------------- */

static void write_any(struct text *text, const struct query_any *any)
{
    text_printf(text,
                "\x1f"
                "any %zu",
                any->count);
    for (size_t i = 0; i < any->count; i++) {
        const struct query_match *match = &any->matches[i];
        text_printf(text, "\x1f%s %d %" PRId64 " %zu:", match->path, match->begins, match->weight,
                    match->text.len);
        text_append_str(text, match->text);
    }
}

/* No two queries have the same text: '\x1f' cannot stand in a path, and each text is written with
 * its length. */
void query_write(struct text *text, const struct query *query)
{
    text_printf(text, "%s%s", query->by_locale ? "by locale " : "", query->type->collection);
    for (size_t i = 0; i < query->term_count; i++) {
        const struct query_term *term = &query->terms[i];
        text_printf(text, "\x1f%s\x1f%d\x1f%" PRId64 "\x1f%zu:", term->path, (int)term->op,
                    term->value.number, term->value.text.len);
        text_append_str(text, term->value.text);
    }
    for (size_t i = 0; i < query->any_count; i++)
        write_any(text, &query->any[i]);
    for (size_t i = 0; i < query->sort_count; i++)
        text_printf(text, "\x1fsort %s %d %d", query->sorts[i].path ? query->sorts[i].path : "",
                    query->sorts[i].direction, query->sorts[i].relevance);
}

/* --- places -------------------------------------------------------------------------------------- */

static struct query_value value_of_kind(const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_INT:
    case FIELD_TIME:
        return (struct query_value){.number = *(const int64_t *)at};
    case FIELD_BOOL:
        return (struct query_value){.number = *(const bool *)at};
    case FIELD_ENUM:
        return (struct query_value){.text = str_of(field->names[*(const int *)at])};
    case FIELD_STR:
    case FIELD_ID:
    case FIELD_DATE:
        return (struct query_value){.text = *(const struct str *)at};
    default:
        panic("no place in an order by %s", field->name);
    }
}

static struct query_value money_part(const struct money *money, struct str part)
{
    enum field_kind kind;
    if (!doc_path_money(part, &kind))
        panic("money has no %.*s", STR_FMT(part));
    struct query_value value = {.number = money->amount};
    if (kind == FIELD_STR)
        value = (struct query_value){.text = str_of(money->currency)};
    return value;
}

static struct query_value value_at(const struct shape *shape, const void *object, const char *path)
{
    const struct field *field = shape_field(shape, doc_path_segment(&path));
    if (!field)
        panic("%s cannot be sorted so", shape->name);
    const void *at = field_at(field, object);
    if (!path)
        return value_of_kind(field, at);
    return field->kind == FIELD_MONEY ? money_part(at, str_of(path))
                                      : value_at(field->shape, at, path);
}

void query_go_on(struct query *query, const void *doc)
{
    if (!doc) {
        query->skip += query->limit;
        return;
    }
    if (!query->in_full_order)
        panic("%s in this order have no places", query->type->collection);
    for (size_t i = 0; i < query->sort_count; i++) {
        const struct query_sort *sort = &query->sorts[i];
        if (sort->relevance)
            panic("%s by relevance have no places", query->type->collection);
        query->place[i] = value_at(query->type->shape, doc, sort->path);
    }
    query->behind = true;
    query->skip = 0;
}

/* Each value is "<number> <bytes of the text>:<text>", and what is skipped is "+<number>;". */
void query_write_place(struct text *text, const struct query *query)
{
    for (size_t i = 0; query->behind && i < query->sort_count; i++) {
        const struct query_value *value = &query->place[i];
        text_printf(text, "%" PRId64 " %zu:", value->number, value->text.len);
        text_append_str(text, value->text);
    }
    if (query->skip > 0)
        text_printf(text, "+%" PRId64 ";", query->skip);
}

/* Cuts the number that ends at `end` off the front of *rest; false when there is none. */
static bool take_number(struct str *rest, char end, int64_t *out)
{
    const char *at = rest->len ? memchr(rest->ptr, end, rest->len) : NULL;
    if (!at || !str_to_int64((struct str){rest->ptr, (size_t)(at - rest->ptr)}, out))
        return false;
    rest->len -= (size_t)(at + 1 - rest->ptr);
    rest->ptr = at + 1;
    return true;
}

static bool take_value(struct str *rest, struct query_value *out)
{
    int64_t len = 0;
    if (!take_number(rest, ' ', &out->number) || !take_number(rest, ':', &len) || len < 0 ||
        (uint64_t)len > rest->len)
        return false;
    out->text = (struct str){rest->ptr, (size_t)len};
    *rest = (struct str){rest->ptr + len, rest->len - (size_t)len};
    return true;
}

static bool take_skip(struct str *rest, int64_t *out)
{
    *rest = (struct str){rest->ptr + 1, rest->len - 1};
    return take_number(rest, ';', out) && *out >= 0;
}

bool query_read_place(struct query *query, struct str from)
{
    struct query read = *query;
    read.behind = !str_starts_with(from, STR("+"));
    read.skip = 0;
    for (size_t i = 0; read.behind && i < read.sort_count; i++)
        if (!take_value(&from, &read.place[i]))
            return false;
    if (str_starts_with(from, STR("+")) && !take_skip(&from, &read.skip))
        return false;
    *query = read;
    return from.len == 0;
}
