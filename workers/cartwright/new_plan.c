/* new_plan.c - collects changes of a source tree, and writes them. */
#include "cartwright/new_plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cartwright/command.h"

#define FILE_BYTES_MAX (1 << 20)

/* --- templates --------------------------------------------------------------------------------- */

/* The slot whose "@name@" stands at `at`; NULL: none. */
static const struct slot *slot_at(const char *at, const struct slot *slots)
{
    for (const struct slot *slot = slots; *at == '@' && slot->name; slot++) {
        const size_t len = strlen(slot->name);
        if (strncmp(at + 1, slot->name, len) == 0 && at[1 + len] == '@')
            return slot;
    }
    return NULL;
}

struct str plan_fill(struct arena *arena, const char *part, const struct slot *slots)
{
    struct text text;
    text_init(&text, arena, 2 * strlen(part));
    for (const char *at = part; *at; at++) {
        const struct slot *slot = slot_at(at, slots);
        if (slot) {
            text_append_str(&text, slot->value);
            at += strlen(slot->name) + 1;
        } else {
            text_append_char(&text, *at);
        }
    }
    return text_str(&text);
}

/* --- files ------------------------------------------------------------------------------------- */

static void fail(struct new_plan *plan, const char *path, const char *reason)
{
    plan->failed = true;
    (void)command_fail("new", EXIT_USAGE, "%s %s; nothing was written", path, reason);
}

static struct planned_file *add(struct new_plan *plan, const char *path, struct str text,
                                bool is_new)
{
    plan->files =
        arena_grow(plan->arena, plan->files, plan->count, sizeof(*plan->files), &plan->capacity);
    plan->files[plan->count] = (struct planned_file){path, text, is_new};
    return &plan->files[plan->count++];
}

void plan_create(struct new_plan *plan, const char *path, struct str text)
{
    if (plan->failed)
        return;
    if (access(path, F_OK) == 0)
        fail(plan, path, "exists already");
    else
        (void)add(plan, path, text, true);
}

/* The file as it will be so far; NULL after a failure. */
static struct planned_file *open_file(struct new_plan *plan, const char *path)
{
    struct str text;
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->files[i].path, path) == 0)
            return &plan->files[i];
    if (command_read_file(plan->arena, path, FILE_BYTES_MAX, &text))
        return add(plan, path, text, false);
    fail(plan, path, "cannot be read");
    return NULL;
}

/* --- changes ----------------------------------------------------------------------------------- */

static void put(struct new_plan *plan, struct planned_file *file, const char *at, struct str text)
{
    const int head = (int)(at - file->text.ptr);
    file->text = str_printf(plan->arena, "%.*s%.*s%s", head, file->text.ptr, STR_FMT(text), at);
}

static const char *line_after(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static bool begins(const char *line, const char *with)
{
    return strncmp(line + strspn(line, " "), with, strlen(with)) == 0;
}

void plan_insert(struct new_plan *plan, const char *path, const char *below, const char *before,
                 int indent, struct str line)
{
    struct planned_file *file = plan->failed ? NULL : open_file(plan, path);
    if (!file)
        return;
    const char *at = strstr(file->text.ptr, below);
    if (at)
        at = line_after(at);
    while (at && *at && !begins(at, before))
        at = line_after(at);
    if (at && *at)
        put(plan, file, at, str_printf(plan->arena, "%*s%.*s\n", indent, "", STR_FMT(line)));
    else
        fail(plan, path, "has no such table as was expected");
}

/* The first line of the last group of lines that begin with `like`; NULL: there is none. */
static const char *last_group(const char *text, const char *like)
{
    const char *group = NULL;
    bool inside = false;
    for (const char *line = text; *line; line = line_after(line)) {
        const bool is_like = begins(line, like);
        if (is_like && !inside)
            group = line;
        inside = is_like;
    }
    return group;
}

static const char *last_line(const char *text)
{
    const char *last = text;
    for (const char *line = text; *line; line = line_after(line))
        last = line;
    return last;
}

void plan_sort_in(struct new_plan *plan, const char *path, const char *like, struct str line)
{
    struct planned_file *file = plan->failed ? NULL : open_file(plan, path);
    if (!file)
        return;
    const char *at = last_group(file->text.ptr, like);
    const char *gap = at ? "" : "\n";
    while (at && begins(at, like) && strncmp(at, line.ptr, line.len) < 0)
        at = line_after(at);
    if (!at)
        at = last_line(file->text.ptr);
    put(plan, file, at, str_printf(plan->arena, "%.*s\n%s", STR_FMT(line), gap));
}

void plan_put_before(struct new_plan *plan, const char *path, const char *where, struct str text)
{
    struct planned_file *file = plan->failed ? NULL : open_file(plan, path);
    const char *at = file ? strstr(file->text.ptr, where) : NULL;
    if (at)
        put(plan, file, at, text);
    else if (file)
        fail(plan, path, "has no such list as was expected");
}

/* --- writing ----------------------------------------------------------------------------------- */

/* Makes the folders above the file. */
static bool make_folders(struct arena *arena, const char *path)
{
    char *folder = arena_array(arena, strlen(path) + 1, 1);
    memcpy(folder, path, strlen(path) + 1);
    for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

static bool write_file(struct arena *arena, const struct planned_file *file)
{
    FILE *out = make_folders(arena, file->path) ? fopen(file->path, "w") : NULL;
    const bool written = out && fwrite(file->text.ptr, 1, file->text.len, out) == file->text.len;
    return out && fclose(out) == 0 && written;
}

int plan_write(const struct new_plan *plan, struct str next)
{
    for (size_t i = 0; !plan->failed && i < plan->count; i++) {
        const struct planned_file *file = &plan->files[i];
        if (!write_file(plan->arena, file))
            return command_fail("new", EXIT_FAILED, "%s: %s", file->path, strerror(errno));
        printf("%-7s %s\n", file->is_new ? "wrote" : "changed", file->path);
    }
    if (!plan->failed)
        printf("\n%.*s", STR_FMT(next));
    return plan->failed ? EXIT_USAGE : EXIT_OK;
}
