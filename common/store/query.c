/* query.c - a query as text, and the place of a document in the order of a query. */
#include <inttypes.h>

#include "store/doc_path.h"
#include "store/store.h"

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
        text_printf(text, "\x1f%s\x1f%d\x1f%" PRId64 "\x1f%zu:", term->path ? term->path : "",
                    (int)term->op, term->number, term->text.len);
        text_append_str(text, term->text);
    }
    for (size_t i = 0; i < query->any_count; i++)
        write_any(text, &query->any[i]);
    for (size_t i = 0; i < query->sort_count; i++)
        text_printf(text, "\x1fsort %s %d %d", query->sorts[i].path ? query->sorts[i].path : "",
                    query->sorts[i].direction, query->sorts[i].relevance);
}

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

void query_place(const struct query *query, const void *doc,
                 struct query_value place[QUERY_SORTS_MAX])
{
    for (size_t i = 0; i < query->sort_count; i++)
        place[i] = value_at(query->type->shape, doc, query->sorts[i].path);
}
