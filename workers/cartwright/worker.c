/* worker.c - `cartwright worker`: runs the pools until it is told to stop. */
#include "cartwright/command.h"
#include "worker/supervisor.h"

static bool is_served(const struct service *service, struct str name)
{
    for (size_t i = 0; service->workers[i]; i++)
        if (str_eq(str_of(service->workers[i]->name), name))
            return true;
    return str_eq(name, STR("unknown"));
}

/* A misspelt worker would leave its queue unserved in silence. */
static bool pools_are_sound(const struct app *app)
{
    const struct engine_settings *engine = &app->settings->engine;
    for (size_t i = 0; i < engine->pools.count; i++)
        for (size_t k = 0; k < engine->pools.items[i].workers.count; k++) {
            const struct str name = engine->pools.items[i].workers.items[k];
            if (is_served(&app->service, name))
                continue;
            command_fail("worker", EXIT_USAGE, "pool %.*s: there is no worker '%.*s'",
                         STR_FMT(engine->pools.items[i].name), STR_FMT(name));
            return false;
        }
    return true;
}

static int run(int argc, char **argv)
{
    struct app app;
    if (!app_open(&app, &argc, argv))
        return EXIT_USAGE;
    const struct str only =
        argc == 3 && strcmp(argv[1], "--pools") == 0 ? str_of(argv[2]) : STR("");
    if (argc != 1 && only.len == 0) {
        app_close(&app);
        return command_fail("worker", EXIT_USAGE, "usage: worker [--pools NAME,...]");
    }
    if (!pools_are_sound(&app)) {
        app_close(&app);
        return EXIT_USAGE;
    }
    const int status = supervisor_run(&app.service, &app.settings->engine, only);
    app_close(&app);
    return status == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command worker_command = {
    .name = "worker",
    .run = run,
    .usage = "worker [--pools NAME,...] [--config FILE]",
    .help = "serve requests: run the pools of lanes",
    .details =
        "Runs the pools of the configuration (or only those named) under a supervisor, which\n"
        "restarts what dies. SIGTERM drains: nothing new is taken, what is in hand is\n"
        "finished; a second SIGTERM hurries. Logs go to standard error, one JSON object per\n"
        "line. The servers may come up later: lanes wait for them.",
};
