/* describe_tables.c - gathers what the outputs of `cartwright describe` are written from, in an order
 * that does not depend on the order of the tables. */
#include "cartwright/describe.h"

#include <stdlib.h>

#include "schemas/all.h"

const char *const describe_kinds[] = {"command", "query", "subscriber"};

#define ROW(name, status, retryable) E_##name,
const struct error_code *const describe_general_codes[] = {ENGINE_ERROR_CODES(ROW) NULL};
#undef ROW

int describe_status(const struct operation *operation)
{
    return operation->status ? operation->status : 200;
}

bool describe_has_code(const struct operation *operation, const struct error_code *code)
{
    for (size_t i = 0; operation->errors && operation->errors[i]; i++)
        if (operation->errors[i] == code)
            return true;
    return false;
}

struct str describe_rights(struct arena *arena, const struct operation *operation)
{
    if (operation->who == GUEST)
        return STR("everybody");
    return str_printf(arena, "%s%s", who_names[operation->who],
                      operation->who == SUPERADMIN ? "" : " and above");
}

struct str describe_call(struct arena *arena, const struct operation *operation)
{
    struct text text;
    text_init(&text, arena, 256);
    text_printf(&text, "%s. For %.*s.", operation->summary,
                STR_FMT(describe_rights(arena, operation)));
    for (size_t i = 0; operation->errors && operation->errors[i]; i++)
        text_printf(&text, "%s%s", i ? ", " : " Refused with ", operation->errors[i]->name);
    if (operation->errors && operation->errors[0])
        text_append_char(&text, '.');
    return text_str(&text);
}

/* --- gathering --------------------------------------------------------------------------------- */

/* Operations, events, schemas and codes begin with their name. */
_Static_assert(offsetof(struct operation, name) == 0, "compared as a name");
_Static_assert(offsetof(struct event_type, name) == 0, "compared as a name");
_Static_assert(offsetof(struct schema, name) == 0, "compared as a name");
_Static_assert(offsetof(struct error_code, name) == 0, "compared as a name");

static int compare_names(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

/* A growing list of rows of tables. */
struct rows {
    const void **items;
    size_t count;
    size_t capacity;
};

static void rows_add(struct rows *rows, struct arena *arena, const void *item)
{
    rows->items =
        arena_grow(arena, rows->items, rows->count, sizeof(*rows->items), &rows->capacity);
    rows->items[rows->count++] = item;
}

/* Returns the rows by name, ended by NULL. */
static void *rows_sorted(struct rows *rows, struct arena *arena)
{
    if (rows->count)
        qsort(rows->items, rows->count, sizeof(*rows->items), compare_names);
    rows_add(rows, arena, NULL);
    return rows->items;
}

static void add_operations(struct rows *rows, struct arena *arena, const struct domain *domain)
{
    for (size_t i = 0; domain->operations[i]; i++)
        if (domain->operations[i]->kind != SUBSCRIBER)
            rows_add(rows, arena, domain->operations[i]);
}

static bool rows_have(const struct rows *rows, const void *item)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i] == item)
            return true;
    return false;
}

static void add_codes(struct rows *rows, struct arena *arena, const struct domain *domain)
{
    for (size_t i = 0; domain->operations[i]; i++) {
        const struct error_code *const *codes = domain->operations[i]->errors;
        for (size_t k = 0; codes && codes[k]; k++)
            if (!rows_have(rows, codes[k]))
                rows_add(rows, arena, codes[k]);
    }
}

static void add_notices(struct rows *rows, struct arena *arena, const struct schema *const *schemas)
{
    for (size_t i = 0; schemas[i]; i++)
        if (schemas[i]->kind == SCHEMA_NOTIFICATION)
            rows_add(rows, arena, schemas[i]);
}

void describe_init(struct describe *describe, const struct service *service, struct arena *arena)
{
    struct rows operations = {0};
    struct rows events = {0};
    struct rows notices = {0};
    struct rows codes = {0};
    for (size_t i = 0; service->domains[i]; i++) {
        add_operations(&operations, arena, service->domains[i]);
        add_codes(&codes, arena, service->domains[i]);
    }
    for (size_t i = 0; all_events[i]; i++)
        for (size_t k = 0; all_events[i][k]; k++)
            rows_add(&events, arena, all_events[i][k]);
    for (size_t i = 0; all_schemas[i]; i++)
        add_notices(&notices, arena, all_schemas[i]);
    *describe = (struct describe){
        .service = service,
        .arena = arena,
        .operations = rows_sorted(&operations, arena),
        .events = rows_sorted(&events, arena),
        .notices = rows_sorted(&notices, arena),
        .codes = rows_sorted(&codes, arena),
    };
}

/* --- names ------------------------------------------------------------------------------------- */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

struct str describe_pascal(struct arena *arena, struct str name, const char *ending)
{
    struct text text;
    text_init(&text, arena, name.len + strlen(ending) + 1);
    bool begins = true;
    for (size_t i = 0; i < name.len; i++) {
        const bool is_gap = name.ptr[i] == '.' || name.ptr[i] == '_';
        if (!is_gap)
            text_append_char(&text, begins ? upper(name.ptr[i]) : name.ptr[i]);
        begins = is_gap;
    }
    text_append_str(&text, str_of(ending));
    return text_str(&text);
}

struct str describe_request_name(const struct describe *describe, const struct operation *operation)
{
    return describe_pascal(describe->arena, str_of(operation->name), "Request");
}

struct str describe_notice_kind(const struct describe *describe, const struct schema *notice)
{
    const size_t length = strlen(notice->name) - strlen("Notice");
    struct text text;
    text_init(&text, describe->arena, 2 * length);
    for (size_t i = 0; i < length; i++) {
        const char c = notice->name[i];
        const bool is_capital = upper(c) == c && c >= 'A';
        if (is_capital && i > 0)
            text_append_char(&text, '_');
        text_append_char(&text, is_capital ? (char)(c - 'A' + 'a') : c);
    }
    return text_str(&text);
}
