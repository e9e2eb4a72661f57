/* describe.c - `cartwright describe`: lists every operation, prints one with its rules, or writes all
 * of them in one of the languages in which services are described, from the tables that serve
 * requests. */
#include <stdio.h>

#include "base/text.h"
#include "cartwright/describe.h"
#include "cartwright/describe_source.h"
#include "wire/json.h"

/* --- the table --------------------------------------------------------------------------------------- */

static void print_table(const struct service *service)
{
    printf("%-34s %-10s %-11s %s\n", "operation", "kind", "who", "summary");
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++) {
            const struct operation *operation = service->domains[i]->operations[k];
            printf("%-34s %-10s %-11s %s\n", operation->name, describe_kinds[operation->kind],
                   operation->kind == SUBSCRIBER ? "-" : who_names[operation->who],
                   operation->summary);
        }
}

/* --- one operation --------------------------------------------------------------------------------- */

static const struct domain *domain_of(const struct service *service,
                                      const struct operation *operation)
{
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++)
            if (service->domains[i]->operations[k] == operation)
                return service->domains[i];
    return NULL;
}

static enum outcome schema_text(struct app *app, const struct schema *schema, struct str *out,
                                struct err *err)
{
    struct text text;
    struct json_writer writer;
    text_init(&text, &app->arena, 4096);
    json_writer_init(&writer, &text);
    describe_schema(&writer, &app->arena, schema);
    return json_pretty(&app->arena, text_str(&text), out, err);
}

static int print_operation(struct app *app, const struct operation *operation)
{
    struct err err = {0};
    struct str request;
    struct str reply;
    if (schema_text(app, operation_schema(operation), &request, &err) != OUTCOME_DONE ||
        schema_text(app, operation->reply, &reply, &err) != OUTCOME_DONE)
        return command_fail_err("describe", &err);
    printf("%s: %s\n\n%s of domain %s", operation->name, operation->summary,
           describe_kinds[operation->kind], domain_of(&app->service, operation)->name);
    if (operation->kind == SUBSCRIBER)
        printf(", takes up the event %s\n", operation->event->name);
    else
        printf(", for %.*s\n", STR_FMT(describe_rights(&app->arena, operation)));
    printf("\nreply\n  status %d%s%s\n", describe_status(operation), operation->reply ? ", " : "",
           operation->reply ? operation->reply->name : "");
    for (size_t i = 0; operation->errors && operation->errors[i]; i++)
        printf("  %s %d\n", operation->errors[i]->name, operation->errors[i]->status);
    printf("\nrequest\n%.*s\n", STR_FMT(request));
    if (operation->kind != SUBSCRIBER)
        printf("\ndata of the reply\n%.*s\n", STR_FMT(reply));
    return EXIT_OK;
}

/* Lists the operations whose names begin with the same word. Returns EXIT_USAGE. */
static int print_unknown(const struct service *service, const char *name)
{
    const struct str domain = {name, strcspn(name, ".")};
    command_fail("describe", EXIT_USAGE,
                 "there is no operation '%s'; `cartwright describe` lists all", name);
    for (size_t i = 0; service->domains[i]; i++)
        for (size_t k = 0; service->domains[i]->operations[k]; k++)
            if (str_starts_with(str_of(service->domains[i]->operations[k]->name), domain))
                fprintf(stderr, "  %s\n", service->domains[i]->operations[k]->name);
    return EXIT_USAGE;
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

static void put_operation(struct json_writer *writer, const struct domain *domain,
                          const struct operation *operation)
{
    json_open_object(writer);
    put_text(writer, "operation", operation->name);
    put_text(writer, "domain", domain->name);
    put_text(writer, "kind", describe_kinds[operation->kind]);
    put_text(writer, "who", who_names[operation->who]);
    put_text(writer, "event", operation->event ? operation->event->name : NULL);
    put_text(writer, "summary", operation->summary);
    put_text(writer, "reply", operation->reply ? operation->reply->name : NULL);
    json_key(writer, "status");
    json_put_int(writer, describe_status(operation));
    put_errors(writer, operation->errors);
    json_key(writer, "request");
    describe_schema(writer, writer->text->arena, operation_schema(operation));
    json_key(writer, "replySchema");
    describe_schema(writer, writer->text->arena, operation->reply);
    json_close_object(writer);
}

static void print_indented(struct str json, struct arena *arena)
{
    struct text text;
    text_init(&text, arena, 2 * json.len);
    source_put_indented(&text, json);
    fwrite(text.ptr, 1, text.len, stdout);
}

/* Prints all operations, or only `one`. */
static int print_json(struct app *app, const struct operation *one)
{
    struct text text;
    text_init(&text, &app->arena, 64 * 1024);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "operations");
    json_open_list(&writer);
    for (size_t i = 0; app->service.domains[i]; i++)
        for (size_t k = 0; app->service.domains[i]->operations[k]; k++)
            if (!one || app->service.domains[i]->operations[k] == one)
                put_operation(&writer, app->service.domains[i],
                              app->service.domains[i]->operations[k]);
    json_close_list(&writer);
    json_close_object(&writer);
    print_indented(text_str(&text), &app->arena);
    return EXIT_OK;
}

/* --- everything in another language ------------------------------------------------------------ */

/* An output for other programs. */
struct output {
    const char *flag;
    const char *value; /* the word behind the flag; NULL: none */
    bool is_json;
    void (*write)(struct describe *describe, struct text *out);
};

static const struct output outputs[] = {
    {"--json-schema", NULL, true, describe_bundle}, {"--asyncapi", NULL, true, describe_asyncapi},
    {"--openapi", NULL, true, describe_openapi},    {"--client", "ts", false, describe_ts},
    {"--client", "python", false, describe_python},
};

/* Returns the output that the arguments ask for and nothing else; NULL: there is none. */
static const struct output *output_of(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        const struct output *output = &outputs[i];
        if (argc == (output->value ? 3 : 2) && strcmp(argv[1], output->flag) == 0 &&
            (!output->value || strcmp(argv[2], output->value) == 0))
            return output;
    }
    return NULL;
}

static int print_output(struct app *app, const struct output *output)
{
    struct describe describe;
    describe_init(&describe, &app->service, &app->arena);
    struct text text;
    text_init(&text, &app->arena, 256 * 1024);
    output->write(&describe, &text);
    if (output->is_json)
        print_indented(text_str(&text), &app->arena);
    else
        fwrite(text.ptr, 1, text.len, stdout);
    return EXIT_OK;
}

static int write_pages(struct app *app, const char *folder)
{
    struct describe describe;
    describe_init(&describe, &app->service, &app->arena);
    return describe_markdown(&describe, folder);
}

/* --- the command ------------------------------------------------------------------------------- */

static int describe_operations(struct app *app, const char *name, bool json)
{
    const struct operation *one = name ? service_operation(&app->service, str_of(name)) : NULL;
    if (name && !one)
        return print_unknown(&app->service, name);
    if (json)
        return print_json(app, one);
    if (one)
        return print_operation(app, one);
    print_table(&app->service);
    return EXIT_OK;
}

/* Reads the arguments of the list and of one operation. */
static int describe_or_usage(struct app *app, int argc, char **argv)
{
    const char *name = NULL;
    bool json = false;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] != '-' && !name)
            name = argv[i];
        else
            return command_fail("describe", EXIT_USAGE, "usage: %s", describe_command.usage);
    return describe_operations(app, name, json);
}

static int describe_as_asked(struct app *app, int argc, char **argv)
{
    const struct output *output = output_of(argc, argv);
    if (output)
        return print_output(app, output);
    if (argc == 3 && strcmp(argv[1], "--markdown") == 0)
        return write_pages(app, argv[2]);
    return describe_or_usage(app, argc, argv);
}

static int run(int argc, char **argv)
{
    /* The tables need no configuration. */
    static const struct app_settings none;
    struct app app = {.settings = &none, .service = shop_service(&none)};
    arena_init(&app.arena, 64 * 1024);
    json_init();
    const int status = describe_as_asked(&app, argc, argv);
    arena_release(&app.arena);
    return status;
}

const struct command describe_command = {
    .name = "describe",
    .run = run,
    .usage = "describe [OPERATION] [--json] | FORMAT",
    .help = "list the operations, tell all of one, or write them all in another FORMAT",
    .details =
        "  describe                    the operations, one a line\n"
        "  describe OPERATION          one operation with its errors and its schemas\n"
        "  describe [OPERATION] --json all of them, or one, with their schemas\n"
        "  describe --json-schema      every form and request in one JSON Schema (2020-12)\n"
        "  describe --asyncapi         an AsyncAPI 3.0 document: exchanges, requests, events\n"
        "  describe --openapi          an OpenAPI 3.1 document of the HTTP edge\n"
        "  describe --markdown FOLDER  the reference: a page for each domain, and an index\n"
        "  describe --client ts        a typed client in TypeScript, over amqplib\n"
        "  describe --client python    a typed client in Python 3.11, over pika\n\n"
        "The list comes from the same tables that serve requests, the schemas from the files\n"
        "in schemas/ as they were when this program was built.",
};
