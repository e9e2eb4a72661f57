/* worker.c - `cartwright worker`: runs the pools until it is told to stop. */
#include "base/log.h"
#include "cartwright/command.h"
#include "service/partitions.h"
#include "supervisor/supervisor.h"

static bool is_served(const struct service *service, struct str name)
{
    for (size_t i = 0; service->domains[i]; i++)
        if (str_eq(str_of(service->domains[i]->name), name))
            return true;
    return str_eq(name, STR("unknown"));
}

/* INVALID for a misspelt domain, whose queue would be left unserved in silence. */
static enum outcome check_pools(const struct app *app, struct err *err)
{
    const struct engine_settings *engine = &app->settings->engine;
    for (size_t i = 0; i < engine->pools.count; i++)
        for (size_t k = 0; k < engine->pools.items[i].domains.count; k++) {
            const struct str name = engine->pools.items[i].domains.items[k];
            if (!is_served(&app->service, name))
                return err_invalid(err, E_VALIDATION_FAILED, "pool %.*s: there is no domain '%.*s'",
                                   STR_FMT(engine->pools.items[i].name), STR_FMT(name));
        }
    return partitions_check(&app->service, engine, err);
}

static struct plan plan_of(struct app *app)
{
    const struct doubts doubts = doubts_of(app);
    for (size_t i = 0; i < doubts.count; i++)
        log_warn("%.*s", STR_FMT(doubts.items[i]));
    return (struct plan){.service = &app->service,
                         .settings = &app->settings->engine,
                         .warnings = {doubts.items, doubts.count}};
}

/* --- reload ------------------------------------------------------------------------------------- */

/* The configuration in force, and the one that is to replace it or was replaced last. */
struct generations {
    struct app apps[2];
    bool is_open[2];
};

static enum outcome check_reload(struct app *app, const struct app *before, struct err *err)
{
    TRY(check_pools(app, err));
    const struct str changes =
        config_fixed_changes(&app_config, before->settings, app->settings, &app->arena);
    return changes.len ? err_invalid(err, E_VALIDATION_FAILED, "only a restart can change %.*s",
                                     STR_FMT(changes))
                       : OUTCOME_DONE;
}

static enum outcome reload(void *context, const struct plan *in_force, struct plan *out,
                           struct err *err)
{
    struct generations *generations = context;
    const int kept = in_force->service == &generations->apps[1].service;
    struct app *before = &generations->apps[kept];
    struct app *app = &generations->apps[!kept];
    if (generations->is_open[!kept])
        app_close(app);
    generations->is_open[!kept] = false;
    TRY(app_open_again(app, before, err));
    const enum outcome outcome = check_reload(app, before, err);
    if (outcome != OUTCOME_DONE) {
        app_close(app);
        return outcome;
    }
    generations->is_open[!kept] = true;
    *out = plan_of(app);
    return OUTCOME_DONE;
}

/* --- running ------------------------------------------------------------------------------------ */

static int supervise(struct generations *generations, struct str only)
{
    struct app *app = &generations->apps[0];
    struct err err = {0};
    if (check_pools(app, &err) != OUTCOME_DONE)
        return command_fail("worker", EXIT_USAGE, "%s", err.text);
    const int status = supervisor_run(&(struct supervisor_options){
        .plan = plan_of(app), .only = only, .reload = reload, .context = generations});
    return status == 0 ? EXIT_OK : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    struct generations generations = {.is_open = {true, false}};
    if (!app_open(&generations.apps[0], &argc, argv))
        return EXIT_USAGE;
    const struct str only =
        argc == 3 && strcmp(argv[1], "--pools") == 0 ? str_of(argv[2]) : STR("");
    const int status = argc != 1 && only.len == 0
                           ? command_fail("worker", EXIT_USAGE, "usage: worker [--pools NAME,...]")
                           : supervise(&generations, only);
    for (int i = 0; i < 2; i++)
        if (generations.is_open[i])
            app_close(&generations.apps[i]);
    return status;
}

const struct command worker_command = {
    .name = "worker",
    .run = run,
    .usage = "worker [--pools NAME,...] [--config FILE]",
    .help = "serve requests: run the pools of lanes",
    .details =
        "Runs the pools of the configuration (or only those named) under a supervisor, which\n"
        "restarts what dies. SIGTERM drains: nothing new is taken, what is in hand is\n"
        "finished; a second SIGTERM hurries, a third kills. SIGHUP reads the configuration\n"
        "again and replaces the lanes one after the other. Logs go to standard error, one JSON object per\n"
        "line. The servers may come up later: lanes wait for them.",
};
