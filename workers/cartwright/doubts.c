/* doubts.c - finds what is wrong with a configuration or a build although everything starts: some
 * requests would wait for ever, and nothing would say so. */
#include "cartwright/command.h"
#include "schemas/all.h"

static void doubt(struct arena *arena, struct doubts *doubts, struct str text)
{
    doubts->items =
        arena_grow(arena, doubts->items, doubts->count, sizeof(text), &doubts->capacity);
    doubts->items[doubts->count++] = text;
}

/* --- domains and pools -------------------------------------------------------------------------- */

static bool is_in_a_pool(const struct engine_settings *engine, struct str domain)
{
    for (size_t i = 0; i < engine->pools.count; i++)
        for (size_t k = 0; k < engine->pools.items[i].domains.count; k++)
            if (str_eq(engine->pools.items[i].domains.items[k], domain))
                return true;
    return false;
}

static void doubt_pools(struct app *app, struct doubts *doubts)
{
    const struct engine_settings *engine = &app->settings->engine;
    for (size_t i = 0; app->service.domains[i]; i++) {
        const struct str name = str_of(app->service.domains[i]->name);
        if (!is_in_a_pool(engine, name))
            doubt(&app->arena, doubts,
                  str_printf(&app->arena,
                             "domain %.*s is in no pool, so its requests wait for ever: "
                             "add it to `domains` of one of `pools`",
                             STR_FMT(name)));
    }
    if (!is_in_a_pool(engine, STR("unknown")))
        doubt(&app->arena, doubts,
              STR("nobody answers operations that do not exist: add `unknown` to `domains` "
                  "of one of `pools`"));
}

/* --- schemas and operations --------------------------------------------------------------------- */

/* True when an operation has this schema. So has admin.add, which no lane serves: only `cartwright
 * admin` carries it out, and nobody may ask for it. */
static bool has_operation(const struct service *service, const struct schema *schema)
{
    if (schema == &admin_add_schema)
        return true;
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++)
            if (service->domains[i]->operations[k]->request == schema)
                return true;
    return false;
}

static void doubt_schemas(struct app *app, struct doubts *doubts)
{
    for (size_t domain = 0; all_schemas[domain]; domain++)
        for (size_t i = 0; all_schemas[domain][i]; i++) {
            const struct schema *schema = all_schemas[domain][i];
            if (schema->kind == SCHEMA_REQUEST && !has_operation(&app->service, schema))
                doubt(&app->arena, doubts,
                      str_printf(&app->arena,
                                 "there is a schema %s and no such operation: add its row to the "
                                 "table of its domain, and the domain to workers/shop.c",
                                 schema->name));
        }
}

struct doubts doubts_of(struct app *app)
{
    struct doubts doubts = {0};
    doubt_pools(app, &doubts);
    doubt_schemas(app, &doubts);
    return doubts;
}
