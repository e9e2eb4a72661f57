/* new_plan.h - changes of a source tree that are made as a whole: each step says at once whether it
 * can be done, and nothing is written before all of them could. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_NEW_PLAN_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_NEW_PLAN_H

#include "base/arena.h"
#include "base/str.h"

struct planned_file {
    const char *path; /* below the current folder */
    struct str text;  /* the whole file, as it will be */
    bool is_new;
};

struct new_plan {
    struct arena *arena;
    struct planned_file *files;
    size_t count;
    size_t capacity;
    bool failed; /* the reason is on standard error */
};

/* A word of a template: "@name@" becomes `value`. */
struct slot {
    const char *name;
    struct str value;
};

/* The template with its slots filled; `slots` is ended by a row without a name. */
struct str plan_fill(struct arena *arena, const char *part, const struct slot *slots);

/* Each of these does nothing after one that failed. */

/* A new file. Fails when it exists. */
void plan_create(struct new_plan *plan, const char *path, struct str text);
/* Puts `line` above the first line that begins with `before`, blanks aside, and stands below the first
 * line that contains `below`. The line gets `indent` blanks. */
void plan_insert(struct new_plan *plan, const char *path, const char *below, const char *before,
                 int indent, struct str line);
/* Puts `line` in its place among the lines that begin with `like`, which are sorted: into the last
 * group of them or, where there is none, above the last line of the file with an empty line between. */
void plan_sort_in(struct new_plan *plan, const char *path, const char *like, struct str line);
/* Puts `text` before the first `where` in the file. */
void plan_put_before(struct new_plan *plan, const char *path, const char *where, struct str text);

/* Writes everything, and prints the names and what is to be done next. Returns an exit status, that of
 * a failure when a step has failed. */
int plan_write(const struct new_plan *plan, struct str next);

#endif
