/* admin.c - `cartwright admin add EMAIL NAME`: makes a superadmin.
 *
 * It runs the operation admin.add through the engine, but in this process and without a broker:
 * there is no queue through which anybody else could ask for the operation. */
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "auth/user.h"
#include "base/clock.h"
#include "base/log.h"
#include "cartwright/command.h"
#include "engine/batch.h"
#include "service/connections.h"
#include "service/names.h"
#include "wire/json.h"

#define PASSWORD_MAX 1024

/* --- the password --------------------------------------------------------------------------------------- */

static bool read_line(char line[PASSWORD_MAX])
{
    if (!fgets(line, PASSWORD_MAX, stdin))
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return line[0] != '\0';
}

/* Asks for the password without echo at a terminal, else reads the first line of standard input. */
static bool read_password(char line[PASSWORD_MAX])
{
    struct termios before;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return read_line(line);
    struct termios quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fputs("Password: ", stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    const bool ok = read_line(line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', stderr);
    return ok;
}

/* --- the request ---------------------------------------------------------------------------------------- */

static struct str request_body(struct arena *arena, const char *email, const char *name,
                               const char *password)
{
    struct text text;
    text_init(&text, arena, 512);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "email");
    json_put_str(&writer, str_of(email));
    json_key(&writer, "name");
    json_put_str(&writer, str_of(name));
    json_key(&writer, "password");
    json_put_str(&writer, str_of(password));
    json_close_object(&writer);
    return text_str(&text);
}

struct servers {
    struct store *store;
    struct lock *lock;
};

static enum outcome open_servers(struct app *app, struct servers *servers, struct err *err)
{
    const struct store_options store = store_options_of(&app->service, &app->settings->engine);
    const struct lock_options lock = lock_options_of(&app->settings->engine);
    TRY(store_open(&store, &servers->store, err));
    TRY(lock_open(&lock, &servers->lock, err));
    return store_check_indexes(servers->store, err);
}

static void close_servers(struct servers *servers)
{
    if (servers->lock)
        lock_close(servers->lock);
    if (servers->store)
        store_close(servers->store);
}

static enum outcome run_request(struct app *app, const struct servers *servers, struct str body,
                                int *status, struct str *answer, struct err *err)
{
    static const struct domain *const only_admin[] = {&admin_domain, NULL};
    static const struct pool_settings pool = {.lanes = 1, .batch_max = 1, .prefetch = 1};
    const volatile sig_atomic_t stopping = 0;
    struct service service = app->service;
    service.domains = only_admin;
    service.authorize = NULL;
    struct lane_slot slot = {0};
    struct lane lane;
    TRY(lane_init(&lane,
                  &(struct lane_parts){.service = &service,
                                       .settings = &app->settings->engine,
                                       .pool = &pool,
                                       .store = servers->store,
                                       .lock = servers->lock,
                                       .slot = &slot,
                                       .stopping = &stopping,
                                       .now_ms = clock_now_ms},
                  err));
    struct delivery delivery = {
        .queue = name_queue(&app->arena, app->settings->engine.prefix, STR("admin")),
        .exchange = name_requests(&app->arena, app->settings->engine.prefix),
        .routing_key = STR("admin.add"),
        .message_id = id_new(&app->arena, clock_now_ms()),
        .body = body,
        .deadline = -1,
        .expiration = -1,
    };
    enum outcome outcome = schema_prepare(admin_domain.operations[0]->request, err);
    if (outcome == OUTCOME_DONE)
        outcome = batch_run_alone(&lane, &delivery, status, answer, err);
    if (outcome == OUTCOME_DONE)
        *answer = str_dup(&app->arena, *answer);
    lane_release(&lane);
    return outcome;
}

/* --- the command ---------------------------------------------------------------------------------------- */

static int add(struct app *app, const char *email, const char *name)
{
    char password[PASSWORD_MAX];
    if (!read_password(password))
        return command_fail("admin", EXIT_USAGE, "no password on standard input");
    struct err err = {0};
    struct servers servers = {0};
    int status = 0;
    struct str answer = STR("");
    enum outcome outcome = open_servers(app, &servers, &err);
    if (outcome == OUTCOME_DONE)
        outcome = run_request(app, &servers, request_body(&app->arena, email, name, password),
                              &status, &answer, &err);
    explicit_bzero(password, sizeof(password));
    close_servers(&servers);
    if (outcome != OUTCOME_DONE)
        return command_fail_err("admin", &err);
    const bool ok = status < 300;
    struct str pretty;
    if (json_pretty(&app->arena, answer, &pretty, &err) != OUTCOME_DONE)
        pretty = answer;
    fprintf(ok ? stdout : stderr, "%.*s\n", STR_FMT(pretty));
    return ok ? EXIT_OK : EXIT_REFUSED;
}

static int run(int argc, char **argv)
{
    struct app app;
    if (!app_open(&app, &argc, argv))
        return EXIT_USAGE;
    const bool usable = argc == 4 && strcmp(argv[1], "add") == 0;
    const int status = usable ? add(&app, argv[2], argv[3])
                              : command_fail("admin", EXIT_USAGE, "usage: admin add EMAIL NAME");
    app_close(&app);
    return status;
}

const struct command admin_command = {
    .name = "admin",
    .run = run,
    .usage = "admin add EMAIL NAME [--config FILE]",
    .help = "make a superadmin; the password comes from standard input",
    .details =
        "Refuses when an account with that email exists. At a terminal the password is asked\n"
        "for. Works without running workers; run `cartwright index` first.",
};
