/* new.c - `cartwright new`: writes the files of a new operation or of a new domain into the source
 * tree, with their rows in the tables, so that everything compiles and is tested at once. */
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cartwright/command.h"
#include "cartwright/new_part.h"
#include "cartwright/new_plan.h"

#define DOMAIN_BYTES_MAX (64 * 1024)

/* --- names ------------------------------------------------------------------------------------- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* True for "cart.item.add": two words or more, each in lower camel case, joined by dots. */
static bool is_operation_name(const char *name)
{
    size_t dots = 0;
    for (const char *at = name; *at; at++) {
        const bool begins = at == name || at[-1] == '.';
        dots += *at == '.';
        if (begins ? !is_lower(*at)
                   : !is_lower(*at) && !is_upper(*at) && !is_digit(*at) && *at != '.')
            return false;
    }
    return dots > 0 && name[strlen(name) - 1] != '.';
}

/* True for "wishlist": the name is that of a folder, of a queue and the beginning of C symbols. */
static bool is_domain_name(const char *name)
{
    static const char *const taken[] = {"all", "common", "unknown"};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    return is_lower(*name) && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name);
}

/* "cart.itemAdd" with '_' between its words: cart_item_add. */
static struct str joined(struct arena *arena, struct str name, char between)
{
    struct text text;
    text_init(&text, arena, 2 * name.len);
    for (size_t i = 0; i < name.len; i++) {
        const char c = name.ptr[i];
        if (c == '.' || is_upper(c))
            text_append_char(&text, between);
        if (c != '.')
            text_append_char(&text, is_upper(c) ? (char)(c - 'A' + 'a') : c);
    }
    return text_str(&text);
}

/* --- the source tree --------------------------------------------------------------------------- */

static bool is_root(void)
{
    return access("workers/shop.c", F_OK) == 0 && access("schemas/common.json", F_OK) == 0 &&
           access("tests/rig/rings.py", F_OK) == 0;
}

/* The domain.c whose domain has this prefix; NULL: there is none. *row is where it says so. */
static const char *domain_of_prefix(struct arena *arena, struct str prefix, const char **row)
{
    glob_t found;
    const char *path = NULL;
    struct str text;
    *row = str_printf(arena, ".prefixes = (const char *const[]){\"%.*s\"", STR_FMT(prefix)).ptr;
    const char *other = str_printf(arena, ", \"%.*s\", ", STR_FMT(prefix)).ptr;
    if (glob("workers/*/domain.c", 0, NULL, &found) != 0)
        return NULL;
    for (size_t i = 0; i < found.gl_pathc && !path; i++) {
        if (!command_read_file(arena, found.gl_pathv[i], DOMAIN_BYTES_MAX, &text))
            continue;
        if (!strstr(text.ptr, *row) && strstr(text.ptr, other))
            *row = other;
        if (strstr(text.ptr, *row))
            path = str_dup(arena, str_of(found.gl_pathv[i])).ptr;
    }
    globfree(&found);
    return path;
}

/* --- an operation ------------------------------------------------------------------------------ */

/* The names of an operation, and its files. */
struct names {
    struct str operation; /* cart.item.add */
    struct str prefix;    /* cart */
    struct str rest;      /* item.add */
    struct str domain;    /* cart: the folder */
    struct str symbol;    /* cart_item_add */
    struct str file;      /* item_add.c */
    struct str schema;    /* schemas/cart/item.add.json */
    struct str source;    /* workers/cart/item_add.c */
    struct str flow;      /* tests/flow/cart-item-add.flow */
    struct str table;     /* workers/cart/operations.h */
};

static struct names names_of(struct arena *arena, struct str operation, struct str domain)
{
    const size_t dot = strcspn(operation.ptr, ".");
    struct names names = {
        .operation = operation,
        .prefix = {operation.ptr, dot},
        .rest = {operation.ptr + dot + 1, operation.len - dot - 1},
        .domain = domain,
        .symbol = joined(arena, operation, '_'),
    };
    const bool is_own = str_eq(names.prefix, domain);
    names.file = str_printf(arena, "%.*s.c",
                            STR_FMT(is_own ? joined(arena, names.rest, '_') : names.symbol));
    names.schema =
        str_printf(arena, "schemas/%.*s/%.*s.json", STR_FMT(names.prefix), STR_FMT(names.rest));
    names.source = str_printf(arena, "workers/%.*s/%.*s", STR_FMT(domain), STR_FMT(names.file));
    names.flow = str_printf(arena, "tests/flow/%.*s.flow", STR_FMT(joined(arena, operation, '-')));
    names.table = str_printf(arena, "workers/%.*s/operations.h", STR_FMT(domain));
    return names;
}

/* An operation whose last word is "get" or "list" reads. */
static struct str kind_of(struct str operation)
{
    const char *last = strrchr(operation.ptr, '.') + 1;
    const bool reads = strcmp(last, "get") == 0 || strcmp(last, "list") == 0;
    return reads ? STR("QUERY") : STR("COMMAND");
}

/* The name of the handler: "item_add", but "get_cart", for a verb alone may be a word of C. */
static struct str handler_of(struct arena *arena, const struct names *names)
{
    const struct str rest = joined(arena, names->rest, '_');
    if (memchr(rest.ptr, '_', rest.len))
        return rest;
    return str_printf(arena, "%.*s_%.*s", STR_FMT(rest), STR_FMT(names->prefix));
}

/* `domain_c` has the table of the operations, below the line with `row`. */
static int plan_operation(struct new_plan *plan, const struct names *names, const char *domain_c,
                          const char *row)
{
    struct arena *arena = plan->arena;
    const struct slot slots[] = {
        {"operation", names->operation},
        {"prefix", names->prefix},
        {"domain", names->domain},
        {"symbol", names->symbol},
        {"file", names->file},
        {"handler", handler_of(arena, names)},
        {"kind", kind_of(names->operation)},
        {"schema", names->schema},
        {"source", names->source},
        {"flow", names->flow},
        {NULL, STR_ABSENT},
    };
    plan_create(plan, names->schema.ptr, plan_fill(arena, part_operation_json, slots));
    plan_create(plan, names->source.ptr, plan_fill(arena, part_operation_c, slots));
    plan_create(plan, names->flow.ptr, plan_fill(arena, part_operation_flow, slots));
    plan_sort_in(plan, names->table.ptr, "extern const struct operation ",
                 str_printf(arena, "extern const struct operation %.*s;", STR_FMT(names->symbol)));
    plan_insert(plan, domain_c, row, "NULL,", 12,
                str_printf(arena, "&%.*s,", STR_FMT(names->symbol)));
    return plan_write(plan, plan_fill(arena, part_operation_next, slots));
}

static int new_operation(struct new_plan *plan, const char *name)
{
    const char *row;
    if (!is_operation_name(name))
        return command_fail("new", EXIT_USAGE,
                            "'%s' is no name of an operation: words in lower camel case, joined by "
                            "dots, such as cart.item.add",
                            name);
    const struct str prefix = {name, strcspn(name, ".")};
    const char *domain_c = domain_of_prefix(plan->arena, prefix, &row);
    if (!domain_c)
        return command_fail(
            "new", EXIT_USAGE,
            "no domain has the prefix '%.*s': write one with `cartwright new domain "
            "%.*s`, or add the prefix to the domain.c of another",
            STR_FMT(prefix), STR_FMT(prefix));
    const char *folder = domain_c + strlen("workers/");
    const struct names names =
        names_of(plan->arena, str_of(name), (struct str){folder, strcspn(folder, "/")});
    return plan_operation(plan, &names, domain_c, row);
}

/* --- a domain ---------------------------------------------------------------------------------- */

static struct str upper_of(struct arena *arena, struct str name, size_t count)
{
    char *upper = arena_array(arena, name.len + 1, 1);
    memcpy(upper, name.ptr, name.len);
    for (size_t i = 0; i < count; i++)
        if (is_lower(upper[i]))
            upper[i] = (char)(upper[i] - 'a' + 'A');
    return (struct str){upper, name.len};
}

/* Puts the domain into the pool that answers what nobody serves: it is there in every configuration,
 * and takes what has no pool of its own. */
static void plan_pools(struct new_plan *plan, struct str domain)
{
    glob_t found;
    if (glob("config/*.yaml", 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        plan_put_before(plan, str_dup(plan->arena, str_of(found.gl_pathv[i])).ptr, "unknown]",
                        str_printf(plan->arena, "%.*s, ", STR_FMT(domain)));
    globfree(&found);
}

static const struct {
    const char *path; /* a template, too */
    const char *part;
} domain_files[] = {
    {"schemas/@domain@/document/@domain@.json", part_domain_document_json},
    {"workers/@domain@/domain.c", part_domain_c},
    {"workers/@domain@/@domain@.h", part_domain_h},
    {"workers/@domain@/operations.h", part_domain_operations_h},
    {"workers/@domain@/invariants.c", part_domain_invariants_c},
};

static int plan_domain(struct new_plan *plan, struct str domain)
{
    struct arena *arena = plan->arena;
    const struct slot slots[] = {
        {"domain", domain},
        {"upper", upper_of(arena, domain, domain.len)},
        {"pascal", upper_of(arena, domain, 1)},
        {NULL, STR_ABSENT},
    };
    for (size_t i = 0; i < sizeof(domain_files) / sizeof(domain_files[0]); i++)
        plan_create(plan, plan_fill(arena, domain_files[i].path, slots).ptr,
                    plan_fill(arena, domain_files[i].part, slots));
    plan_sort_in(plan, "workers/shop.c", "#include \"",
                 str_printf(arena, "#include \"%.*s/%.*s.h\"", STR_FMT(domain), STR_FMT(domain)));
    plan_insert(plan, "workers/shop.c", "domains[] = {", "NULL,", 4,
                str_printf(arena, "&%.*s_domain,", STR_FMT(domain)));
    plan_pools(plan, domain);
    plan_insert(plan, "tests/rig/rings.py", "DOMAINS = {", "}", 4,
                str_printf(arena, "\"%.*s\": [],", STR_FMT(domain)));
    return plan_write(plan, plan_fill(arena, part_domain_next, slots));
}

static int new_domain(struct new_plan *plan, const char *name)
{
    if (!is_domain_name(name))
        return command_fail(
            "new", EXIT_USAGE,
            "'%s' is no name of a domain: one word of lower-case letters and digits, "
            "such as wishlist",
            name);
    return plan_domain(plan, str_of(name));
}

/* --- the command ------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    int (*make)(struct new_plan *plan, const char *name);
} kinds[] = {{"operation", new_operation}, {"domain", new_domain}};

static int run(int argc, char **argv)
{
    struct arena arena;
    int status = EXIT_USAGE;
    size_t kind = 0;
    while (kind < 2 && argc == 3 && strcmp(argv[1], kinds[kind].what) != 0)
        kind++;
    if (argc != 3 || kind == 2)
        return command_fail("new", EXIT_USAGE, "usage: %s", new_command.usage);
    if (!is_root())
        return command_fail("new", EXIT_USAGE,
                            "this is not the root of the source tree (no workers/shop.c, "
                            "schemas/common.json and tests/rig/rings.py here)");
    umask(S_IWGRP | S_IWOTH); /* sources are for everybody to read */
    arena_init(&arena, 64 * 1024);
    struct new_plan plan = {.arena = &arena};
    status = kinds[kind].make(&plan, argv[2]);
    arena_release(&arena);
    return status;
}

const struct command new_command = {
    .name = "new",
    .run = run,
    .usage = "new operation NAME | new domain NAME",
    .help = "write the files of a new operation or domain into the source tree",
    .details =
        "Run it in the root of the source tree. It prints what it wrote and what to do next, and\n"
        "writes nothing at all when one of the files exists or a table is not as expected.\n\n"
        "  new operation cart.item.add  its schema, its handler, its flow script and its rows\n"
        "  new domain wishlist          its folder, its document and its rows in all tables\n\n"
        "docs/tutorial.md makes a whole domain with it.",
};
