/* health.c - `cartwright health`: tells whether a supervisor is running here and is ready.
 *
 * The command asks no server and no lane. It reads the file that the supervisor writes once a
 * second, and checks that this is not what a dead supervisor has left. So it costs nothing and
 * answers at once, whatever hangs. */
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "cartwright/command.h"
#include "supervisor/status.h"
#include "wire/json.h"

/* The supervisor writes once a second; on an overloaded machine it may be late. */
#define AGE_MAX_MS 10000

enum { HEALTH_READY = EXIT_OK, HEALTH_NOT_READY = 1, HEALTH_GONE = EXIT_FAILED };

struct health {
    int status; /* the exit status */
    bool degraded;
    LIST(struct str) warnings;
    struct str state;
    struct str reason; /* absent when all is well */
    struct str worker; /* the text of the status file; absent: there is none */
};

static struct health gone(struct str reason)
{
    return (struct health){
        .status = HEALTH_GONE, .state = STR("not running"), .reason = reason, .worker = STR_ABSENT};
}

static struct health judge(const struct status *status, struct str text, struct arena *arena)
{
    const int64_t age_ms = clock_monotonic_us() / 1000 - status->alive_ms;
    if (status->born < 0 || process_born(status->pid) != status->born)
        return gone(str_printf(arena, "process %d is gone", (int)status->pid));
    if (age_ms < 0 || age_ms > AGE_MAX_MS)
        return (struct health){.status = HEALTH_GONE,
                               .state = STR("not answering"),
                               .reason =
                                   str_printf(arena, "process %d was last heard of %d s ago",
                                              (int)status->pid, (int)(age_ms / MS_PER_SECOND)),
                               .worker = text};
    return (struct health){
        .status = status->ready ? HEALTH_READY : HEALTH_NOT_READY,
        .degraded = status->degraded,
        .warnings = {status->warnings.items, status->warnings.count},
        .state = status->state,
        .reason = status->reason,
        .worker = text,
    };
}

static struct health examine(const struct app *app, struct arena *arena)
{
    const struct str path = app->settings->engine.status_file;
    struct status status;
    struct str text;
    struct err err = {0};
    if (path.len == 0)
        return gone(STR("worker.statusFile is not set, so nobody can tell: give the worker's own "
                        "--config FILE or $CARTWRIGHT_CONFIG"));
    if (status_load(path.ptr, arena, &status, &text, &err) != OUTCOME_DONE)
        return gone(str_dup(arena, str_of(err.text)));
    return judge(&status, text, arena);
}

static void print_json(const struct health *health, struct arena *arena)
{
    struct text text;
    struct json_writer writer;
    text_init(&text, arena, 1024);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "ready");
    json_put_bool(&writer, health->status == HEALTH_READY);
    json_key(&writer, "alive");
    json_put_bool(&writer, health->status != HEALTH_GONE);
    json_key(&writer, "degraded");
    json_put_bool(&writer, health->degraded);
    json_key(&writer, "state");
    json_put_str(&writer, health->state);
    if (health->reason.len) {
        json_key(&writer, "reason");
        json_put_str(&writer, health->reason);
    }
    if (!str_is_absent(health->worker)) {
        json_key(&writer, "worker");
        json_put_raw(&writer, health->worker);
    }
    json_close_object(&writer);
    puts(text.ptr);
}

static void print_text(const struct health *health)
{
    printf("%.*s%s%.*s\n", STR_FMT(health->state), health->reason.len ? ": " : "",
           STR_FMT(health->reason));
    for (size_t i = 0; i < health->warnings.count; i++)
        if (!str_eq(health->warnings.items[i], health->reason))
            printf("  %.*s\n", STR_FMT(health->warnings.items[i]));
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {NULL};
    struct app app;
    if (!app_open_for(needed, &app, &argc, argv))
        return EXIT_USAGE;
    const bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc != 1 && !json) {
        app_close(&app);
        return command_fail("health", EXIT_USAGE, "usage: health [--json]");
    }
    const struct health health = examine(&app, &app.arena);
    if (json)
        print_json(&health, &app.arena);
    else
        print_text(&health);
    app_close(&app);
    return health.status;
}

const struct command health_command = {
    .name = "health",
    .run = run,
    .usage = "health [--json] [--config FILE]",
    .help = "is the worker of this machine ready?",
    .details =
        "Reads the file that worker.statusFile names. Exit status: 0 ready (every pool has a\n"
        "lane at work) or degraded (so, too, but something is not as it should be: it is\n"
        "printed), 1 alive but not ready (starting, stopping, or a server is away: the reason is\n"
        "printed), 3 not running or not answering. --json prints the state of every lane as well.",
};
