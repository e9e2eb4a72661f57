/* describe.c - `cartwright describe`: every operation with its rules, from the tables themselves. */
#include <stdio.h>

#include "base/text.h"
#include "cartwright/command.h"
#include "wire/json.h"

static const char *const kind_names[] = {"command", "query", "subscriber"};

/* --- the table --------------------------------------------------------------------------------------- */

static void print_table(const struct service *service)
{
    printf("%-34s %-10s %-11s %s\n", "operation", "kind", "who", "summary");
    for (size_t i = 0; service->workers[i]; i++)
        for (size_t k = 0; service->workers[i]->operations[k]; k++) {
            const struct operation *operation = service->workers[i]->operations[k];
            printf("%-34s %-10s %-11s %s\n", operation->name, kind_names[operation->kind],
                   operation->kind == SUBSCRIBER ? "-" : who_names[operation->who],
                   operation->summary);
        }
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static void put_errors(struct json_writer *writer, const struct error_code *const *errors)
{
    json_key(writer, "errors");
    json_open_list(writer);
    for (size_t i = 0; errors && errors[i]; i++) {
        json_open_object(writer);
        json_key(writer, "code");
        json_put_str(writer, str_of(errors[i]->name));
        json_key(writer, "status");
        json_put_int(writer, errors[i]->status);
        json_close_object(writer);
    }
    json_close_list(writer);
}

static void put_text(struct json_writer *writer, const char *key, const char *value)
{
    if (!value)
        return;
    json_key(writer, key);
    json_put_str(writer, str_of(value));
}

static void put_operation(struct json_writer *writer, const struct worker *worker,
                          const struct operation *operation)
{
    json_open_object(writer);
    put_text(writer, "operation", operation->name);
    put_text(writer, "worker", worker->name);
    put_text(writer, "kind", kind_names[operation->kind]);
    put_text(writer, "who", who_names[operation->who]);
    put_text(writer, "event", operation->event);
    put_text(writer, "summary", operation->summary);
    put_text(writer, "reply", operation->reply ? operation->reply->name : NULL);
    json_key(writer, "status");
    json_put_int(writer, operation->status ? operation->status : 200);
    put_errors(writer, operation->errors);
    json_key(writer, "request");
    json_put_raw(writer, str_of(operation->request->source));
    json_close_object(writer);
}

static int print_json(struct app *app)
{
    struct text text;
    text_init(&text, &app->arena, 64 * 1024);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "operations");
    json_open_list(&writer);
    for (size_t i = 0; app->service.workers[i]; i++)
        for (size_t k = 0; app->service.workers[i]->operations[k]; k++)
            put_operation(&writer, app->service.workers[i], app->service.workers[i]->operations[k]);
    json_close_list(&writer);
    json_close_object(&writer);
    struct err err = {0};
    struct str pretty;
    if (json_pretty(&app->arena, text_str(&text), &pretty, &err) != OUTCOME_DONE)
        return command_fail_err("describe", &err);
    printf("%.*s\n", STR_FMT(pretty));
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    const bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc != 1 && !json)
        return command_fail("describe", EXIT_USAGE, "usage: describe [--json]");
    /* The tables need no configuration. */
    static const struct app_settings none;
    struct app app = {.settings = &none, .service = shop_service(&none)};
    arena_init(&app.arena, 64 * 1024);
    json_init();
    int status = EXIT_OK;
    if (json)
        status = print_json(&app);
    else
        print_table(&app.service);
    arena_release(&app.arena);
    return status;
}

const struct command describe_command = {
    .name = "describe",
    .run = run,
    .usage = "describe [--json]",
    .help = "list the operations; with --json also their schemas",
    .details =
        "The list comes from the same tables that serve requests, the schemas from the files\n"
        "in schemas/ as they were when this program was built.",
};
