/* app.c - what every sub-command begins with: configuration, libraries, the shop's tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cartwright/command.h"
#include "crypto/auth.h"
#include "wire/json.h"

#define LINE_FILE_MAX 65536
#define TELL_MAX      4096

/* Removes the option and its value from argv, and returns the value; NULL: it was not given. */
static const char *take_option(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc - 1; i++) {
        if (strcmp(argv[i], name) != 0)
            continue;
        const char *value = argv[i + 1];
        for (int k = i; k < *argc - 2; k++)
            argv[k] = argv[k + 2];
        *argc -= 2;
        argv[*argc] = NULL; /* as main() had it: an option at the end has no value */
        return value;
    }
    return NULL;
}

static enum outcome load(const char *const *needed, struct app *app, const char *path,
                         struct err *err)
{
    struct config_schema schema = app_config;
    schema.needed = needed;
    *app = (struct app){.config_path = path};
    arena_init(&app->arena, 64 * 1024);
    const enum outcome outcome = config_load(&schema, path, &app->arena, &app->config, err);
    if (outcome != OUTCOME_DONE) {
        arena_release(&app->arena);
        return outcome;
    }
    app->settings = app->config.settings;
    app->service = shop_service(app->settings);
    return OUTCOME_DONE;
}

bool app_open_for(const char *const *needed, struct app *app, int *argc, char **argv)
{
    struct err err = {0};
    const char *path = take_option(argc, argv, "--config");
    json_init();
    if (auth_init(&err) != OUTCOME_DONE ||
        load(needed, app, path ? path : getenv("CARTWRIGHT_CONFIG"), &err) != OUTCOME_DONE) {
        command_fail_err("configuration", &err);
        return false;
    }
    log_set_level((enum log_level)app->settings->engine.log_level);
    return true;
}

bool app_open(struct app *app, int *argc, char **argv)
{
    return app_open_for(NULL, app, argc, argv);
}

enum outcome app_open_again(struct app *app, const struct app *before, struct err *err)
{
    return load(NULL, app, before->config_path, err);
}

void app_close(struct app *app)
{
    log_flush();
    arena_release(&app->arena);
}

bool command_read_file(struct arena *arena, const char *path, size_t max, struct str *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!file)
        return false;
    char *bytes = arena_bytes(arena, max + 1);
    const size_t len = fread(bytes, 1, max + 1, file);
    const bool ok = !ferror(file) && len <= max;
    if (file != stdin)
        fclose(file);
    if (!ok)
        return false;
    bytes[len] = '\0';
    *out = (struct str){bytes, len};
    return true;
}

bool command_read_line(struct arena *arena, const char *path, struct str *out)
{
    if (!command_read_file(arena, path, LINE_FILE_MAX, out))
        return false;
    out->len = strcspn(out->ptr, "\r\n");
    *out = str_dup(arena, *out);
    return out->len > 0;
}

static void tell(FILE *out, const char *before, const char *format, va_list args)
{
    char text[TELL_MAX];
    struct arena arena;
    vsnprintf(text, sizeof(text), format, args);
    arena_init(&arena, 2 * sizeof(text));
    fprintf(out, "%s%.*s\n", before, STR_FMT(str_shown(&arena, str_of(text), false)));
    arena_release(&arena);
}

void command_tell(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tell(out, "", format, args);
    va_end(args);
}

int command_fail(const char *command, int status, const char *format, ...)
{
    fprintf(stderr, "cartwright %s", command);
    va_list args;
    va_start(args, format);
    tell(stderr, ": ", format, args);
    va_end(args);
    return status;
}

int command_fail_err(const char *command, const struct err *err)
{
    const char *hint = err->code == E_BUSY ? run_env_hint() : NULL;
    return command_fail(command, EXIT_FAILED, "%s%s%s", err->text, hint ? "; " : "",
                        hint ? hint : "");
}
