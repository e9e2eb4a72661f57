/* dead_letter.h - what the sub-commands of `cartwright dead-letter` share. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DEAD_LETTER_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DEAD_LETTER_H

#include "cartwright/command.h"
#include "letters/command.h"

#define DEAD_SETS_MAX 16

/* The options as given; one that was not given is NULL, false or 0. */
struct dead_options {
    const char *what; /* the positional argument: an ID or a DOMAIN */
    const char *domain, *code, *operation, *place, *fingerprint, *group, *since;
    const char *limit, *scan_max, *rate;
    const char *reason, *by, *body;
    const char *sets[DEAD_SETS_MAX];
    size_t set_count;
    bool all, letters, json, dry_run, park, yes, limit_by_policy;
};

struct dead_run {
    struct app *app;
    struct dead_options options;
    struct dead_office office;
    struct dead_filter filter; /* from the options */
    struct str domain;         /* absent: all */
    size_t limit;              /* letters at most; INT64_MAX: no limit */
    int64_t rate;              /* letters a second */
};

struct dead_subcommand {
    const char *name;
    const char *usage;
    unsigned accepts; /* DEAD_TAKES_* */
    bool stores;      /* it needs the database, because it writes a record */
    int (*run)(struct dead_run *run);
};

enum {
    DEAD_TAKES_DOMAIN = 1 << 0, /* the positional argument */
    DEAD_TAKES_ID = 1 << 1,
    DEAD_TAKES_FILTER = 1 << 2,
    DEAD_TAKES_JSON = 1 << 3,
    DEAD_TAKES_LETTERS = 1 << 4,
    DEAD_TAKES_LIMIT = 1 << 5,
    DEAD_TAKES_REPLAY = 1 << 6, /* --rate, --dry-run */
    DEAD_TAKES_EDIT = 1 << 7,   /* --body, --set, --park */
    DEAD_TAKES_REASON = 1 << 8,
    DEAD_TAKES_YES = 1 << 9,
    DEAD_TAKES_BY = 1 << 10,
};

extern const struct dead_subcommand dead_list, dead_show, dead_replay_command, dead_edit_command,
    dead_discard_command, dead_purge_command, dead_stats;

/* Prints the error on standard error, with the place of each fault of a body; returns the exit
 * status that fits the outcome. */
int dead_fail(enum outcome outcome, const struct err *err);
/* The text, with everything escaped that a terminal would obey; "-" when it is empty. */
struct str dead_plain(struct arena *arena, struct str text);
/* The time as a text; "-" when it is not known (< 0). */
struct str dead_time(struct arena *arena, int64_t ms);
/* A body or headers for people: indented, secrets masked. False when the bytes are not JSON. */
bool dead_pretty(struct arena *arena, struct str bytes, struct str *out);
/* Shows the visitor all letters of the domain that the options name, or of all. Sets *cut when
 * there may be more, and else leaves it as it is. */
MUST_CHECK enum outcome dead_for_each(struct dead_run *run, const struct dead_visitor *visitor,
                                      bool *cut, struct err *err);
/* Carries out `replay --dry-run`; returns the exit status. */
int dead_dry_run(struct dead_run *run);

#endif
