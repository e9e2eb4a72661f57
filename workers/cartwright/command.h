/* command.h - the sub-commands of `cartwright`: each has a file, and a row in main.c's table. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_COMMAND_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_COMMAND_H

#include <stdio.h>

#include "shop.h"

/* Exit statuses, for scripts. */
enum {
    EXIT_OK = 0,
    EXIT_REFUSED = 1, /* the shop refused (4xx); a check found something */
    EXIT_USAGE = 2,
    EXIT_FAILED = 3, /* a server is away, a time-out, our own fault (5xx) */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit status */
    const char *usage;                 /* "call OPERATION JSON [--token T]" */
    const char *help;                  /* one line */
    const char *details;               /* for `cartwright help NAME` */
};

extern const struct command worker_command, call_command, topology_command, index_command,
    migrate_command, admin_command, check_command, config_command, describe_command,
    dead_letter_command, health_command, sealing_key_command, new_command;

/* The configuration of a command, from --config FILE or $CARTWRIGHT_CONFIG, and then from the
 * environment. Everything lives in the arena. */
struct app {
    struct arena arena;
    const char *config_path; /* NULL: no file */
    struct config config;
    const struct app_settings *settings;
    struct service service;
};

/* Loads the configuration, and takes "--config FILE" out of argv. False after an error message; the
 * exit status is then EXIT_USAGE, and nothing is to be closed. */
bool app_open(struct app *app, int *argc, char **argv);
/* The same for a command that uses only these of the required settings (ended by NULL; NULL: all of
 * them). The others may be empty. */
bool app_open_for(const char *const *needed, struct app *app, int *argc, char **argv);
/* Loads the same file and the environment into another app; on an error nothing is to be closed. */
MUST_CHECK enum outcome app_open_again(struct app *app, const struct app *before, struct err *err);
void app_close(struct app *app);

/* Reads the whole file ("-": standard input) into the arena, with a NUL behind it. False when it
 * cannot be read or is longer than `max` bytes. */
bool command_read_file(struct arena *arena, const char *path, size_t max, struct str *out);
/* Reads the first line of a file of at most 64 KiB, for secrets. False also when it is empty. */
bool command_read_line(struct arena *arena, const char *path, struct str *out);

/* Prints one line, cut at 4 KiB, parts of which strangers may have written: it is made safe for
 * terminals (str_shown). */
void command_tell(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "cartwright call: ..." on standard error, in the same way; returns the status. */
int command_fail(const char *command, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for an error of a library, with a hint when a server is away; returns EXIT_FAILED. */
int command_fail_err(const char *command, const struct err *err);
/* run_env.c: a hint whether the addresses in this shell are those of .run/env in the current
 * folder; NULL: there is nothing to say. */
const char *run_env_hint(void);

/* doubts.c: what works, but perhaps not as intended: a domain that is in no pool, a schema without
 * an operation. In the arena of the app. */
struct doubts {
    struct str *items;
    size_t count;
    size_t capacity;
};
struct doubts doubts_of(struct app *app);

#endif
