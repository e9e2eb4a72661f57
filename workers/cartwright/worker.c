/* worker.c - `cartwright worker`: runs the pools until it is told to stop. */
#include "cartwright/command.h"
#include "worker/supervisor.h"

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
