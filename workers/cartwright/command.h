/* command.h - the sub-commands of `cartwright`: one file each, one row in main.c's table. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_COMMAND_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_COMMAND_H

#include <stdio.h>

#include "shop.h"

/* Exit statuses, for scripts. */
enum {
    EXIT_OK = 0,
    EXIT_REFUSED = 1, /* the shop said no (4xx); the check found something */
    EXIT_USAGE = 2,
    EXIT_FAILED = 3, /* a server is away, a time-out, our fault (5xx) */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives an exit status */
    const char *usage;                 /* "call OPERATION JSON [--token T]" */
    const char *help;                  /* one line */
    const char *details;               /* for `cartwright help NAME` */
};

extern const struct command worker_command, call_command, topology_command, index_command,
    admin_command, check_command, config_command, describe_command, dead_letter_command,
    health_command, sealing_key_command;

/* The configuration of a command: --config FILE or $CARTWRIGHT_CONFIG, then the environment.
 * Everything lives in the arena. */
struct app {
    struct arena arena;
    const char *config_path; /* NULL: no file */
    struct config config;
    const struct app_settings *settings;
    struct service service;
};

/* Takes "--config FILE" out of argv. False after saying what is wrong; the exit status is then
 * EXIT_USAGE. */
bool app_open(struct app *app, int *argc, char **argv);
/* The same for who uses only these of the required settings (ended by NULL; the others may be empty). */
bool app_open_for(const char *const *needed, struct app *app, int *argc, char **argv);
/* The same file and the environment again, in another app. */
MUST_CHECK enum outcome app_open_again(struct app *app, const struct app *before, struct err *err);
void app_close(struct app *app);

/* The whole file ("-": standard input), at most `max` bytes, in the arena; false when it cannot be read
 * or is longer. */
bool command_read_file(struct arena *arena, const char *path, size_t max, struct str *out);
/* The first line of it, for secrets; false also when that is empty. */
bool command_read_line(struct arena *arena, const char *path, struct str *out);

/* One line, of which strangers may have written parts: safe for terminals (str_shown). */
void command_tell(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "cartwright call: ..." on standard error, in the same way; gives the status back. */
int command_fail(const char *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an error of the library, with a hint when a server is away; EXIT_FAILED. */
int command_fail_err(const char *command, const struct err *err);
/* run_env.c: what the addresses of this shell have to do with those of .run/env here; NULL: nothing. */
const char *run_env_hint(void);

/* doubts.c: what works, but perhaps not as it was meant: a worker that is in no pool, a schema without
 * an operation. In the arena of the app. */
struct doubts {
    struct str *items;
    size_t count;
    size_t capacity;
};
struct doubts doubts_of(struct app *app);

#endif
