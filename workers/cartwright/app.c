/* app.c - what every sub-command begins with: configuration, libraries, the shop's tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "base/log.h"
#include "cartwright/command.h"
#include "wire/json.h"

/* Removes the option and its value from argv. */
static const char *take_option(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc - 1; i++) {
        if (strcmp(argv[i], name) != 0)
            continue;
        const char *value = argv[i + 1];
        for (int k = i; k < *argc - 2; k++)
            argv[k] = argv[k + 2];
        *argc -= 2;
        return value;
    }
    return NULL;
}

bool app_open(struct app *app, int *argc, char **argv)
{
    struct err err = {0};
    const char *path = take_option(argc, argv, "--config");
    *app = (struct app){0};
    arena_init(&app->arena, 64 * 1024);
    json_init();
    if (auth_init(&err) != OUTCOME_DONE ||
        config_load(&app_config, path ? path : getenv("CARTWRIGHT_CONFIG"), &app->arena,
                    &app->config, &err) != OUTCOME_DONE) {
        command_fail_err("configuration", &err);
        arena_release(&app->arena);
        return false;
    }
    app->settings = app->config.settings;
    app->service = shop_service(app->settings);
    log_set_level((enum log_level)app->settings->engine.log_level);
    return true;
}

void app_close(struct app *app)
{
    log_flush();
    arena_release(&app->arena);
}

int command_fail(const char *command, int status, const char *format, ...)
{
    fprintf(stderr, "cartwright %s: ", command);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int command_fail_err(const char *command, const struct err *err)
{
    return command_fail(command, EXIT_FAILED, "%s", err->text);
}
