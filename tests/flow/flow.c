/* flow.c - plays scripts: given documents, when messages come, then replies, documents, events.
 *
 *   flow [--real] [--log] [SCRIPT...]     without scripts: all of tests/flow
 *
 * On fakes unless --real. One line for each script; the first failure of a script ends it and says
 * where, what was expected and what came. The last line has the totals. --log shows the lane's own
 * log. A line that begins with a blank continues the one before; # begins a comment. */
#include "flow/flow.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define ARENA_BLOCK  (64 * 1024)
#define INCLUDES_MAX 4
#define ALL_SCRIPTS  "tests/flow/*.flow"
#define SCRIPT_MAX   (1024 * 1024)
#define LOG_NOTHING  (LOG_ERROR + 1) /* faults on purpose would fill the screen */

static bool play_file(struct flow *flow, const char *path, int depth);
static bool play_text(struct flow *flow, struct str text, int line, int depth);

/* --- lines ----------------------------------------------------------------------------------------- */

static bool play_include(struct flow *flow, struct str name, int depth)
{
    const char *slash = strrchr(flow->path, '/');
    const int folder = slash ? (int)(slash + 1 - flow->path) : 0;
    const struct str path = str_printf(&flow->arena, "%.*s%.*s", folder, flow->path, STR_FMT(name));
    if (depth == INCLUDES_MAX)
        return flow_fail(flow, "includes go round in circles");
    const char *outer = flow->path;
    const int line = flow->line;
    const bool played = play_file(flow, path.ptr, depth + 1);
    flow->path = outer;
    flow->line = line;
    return played;
}

/* fakes only | real only */
static bool play_only(struct flow *flow, struct str where)
{
    const bool real = str_eq(where, STR("real"));
    flow->skipped = real != flow->world->real;
    return real || str_eq(where, STR("fakes")) || flow_fail(flow, "fakes only, or real only");
}

static bool play_line(struct flow *flow, struct str line, int depth)
{
    struct str why = STR_ABSENT;
    struct str filled;
    struct words words;
    if (!words_fill_in(&flow->arena, &flow->values, line, &filled, &why) ||
        !words_split(&flow->arena, filled, &words, &why))
        return flow_fail(flow, "%.*s", STR_FMT(why));
    if (words.count == 0)
        return true;
    if (words_take_if(&words, "include"))
        return play_include(flow, words_take(&words), depth);
    if (words.count == 2 && str_eq(words.items[1], STR("only")))
        return play_only(flow, words.items[0]);
    return flow_command(flow, &words);
}

static bool is_comment(const char *at, const char *end)
{
    while (at < end && *at == ' ')
        at++;
    return at == end || *at == '#';
}

/* The end of the command that begins here: lines that begin with a blank belong to it. */
static const char *command_end(const char *at, const char *end, int *lines)
{
    *lines = 0;
    do {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline ? newline + 1 : end;
        (*lines)++;
    } while (at < end && *at == ' ');
    return at;
}

/* A command of a script: its text, where it stands, what comes after it. */
struct piece {
    struct str text;
    int line;
    const char *after;
    int next_line;
};

/* The next command; false at the end. */
static bool next_piece(const char *at, const char *end, int line, struct piece *out)
{
    while (at < end) {
        int lines;
        const char *after = command_end(at, end, &lines);
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t len = (size_t)(after - at) - (after[-1] == '\n');
        *out = (struct piece){{at, len}, line, after, line + lines};
        if (!is_comment(at, newline ? newline : end))
            return true;
        at = after;
        line += lines;
    }
    return false;
}

/* What stands between "loop" and its "done", and where to go on. */
static bool loop_body(struct flow *flow, const struct piece *loop, const char *end,
                      struct str *body, struct piece *done)
{
    for (struct piece piece = *loop; next_piece(piece.after, end, piece.next_line, &piece);)
        if (str_eq(piece.text, STR("done"))) {
            *body = (struct str){loop->after, (size_t)(piece.text.ptr - loop->after)};
            *done = piece;
            return true;
        }
    return flow_fail(flow, "loop without done");
}

/* loop NAME COUNT ... done: with $NAME from 1 to COUNT. Loops do not nest. */
static bool play_loop(struct flow *flow, struct piece *piece, const char *end, int depth)
{
    struct str why = STR_ABSENT;
    struct words words;
    struct str body;
    struct piece done;
    int64_t count = 0;
    if (!words_split(&flow->arena, piece->text, &words, &why) || words.count != 3 ||
        !str_to_int64(words.items[2], &count))
        return flow_fail(flow, "loop NAME COUNT");
    if (!loop_body(flow, piece, end, &body, &done))
        return false;
    for (int64_t i = 1; i <= count; i++) {
        flow_set(flow, words.items[1], str_printf(&flow->arena, "%" PRId64, i));
        if (!play_text(flow, body, piece->next_line, depth))
            return false;
    }
    *piece = done;
    return true;
}

static bool play_text(struct flow *flow, struct str text, int line, int depth)
{
    const char *end = text.ptr + text.len;
    struct piece piece = {.after = text.ptr, .next_line = line};
    while (!flow->skipped && next_piece(piece.after, end, piece.next_line, &piece)) {
        flow->line = piece.line;
        const bool played = str_starts_with(piece.text, STR("loop "))
                                ? play_loop(flow, &piece, end, depth)
                                : play_line(flow, piece.text, depth);
        if (!played)
            return false;
    }
    return true;
}

static bool play_file(struct flow *flow, const char *path, int depth)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return flow_fail(flow, "cannot open %s: %s", path, strerror(errno));
    char *bytes = arena_bytes(&flow->arena, SCRIPT_MAX);
    const size_t len = fread(bytes, 1, SCRIPT_MAX, file);
    const bool failed = ferror(file) || len == SCRIPT_MAX;
    fclose(file);
    flow->path = path;
    return failed ? flow_fail(flow, "cannot read it")
                  : play_text(flow, (struct str){bytes, len}, 1, depth);
}

/* --- scripts ------------------------------------------------------------------------------------------ */

struct totals {
    int passed, failed, skipped;
};

static void report(const struct flow *flow, const char *path, bool passed, int64_t us,
                   struct totals *totals)
{
    if (flow->skipped) {
        totals->skipped++;
        printf("skip %s (%s only)\n", path, flow->world->real ? "fakes" : "real");
    } else if (passed) {
        totals->passed++;
        printf("ok   %s (%.1f ms)\n", path, (double)us / 1000.0);
    } else {
        totals->failed++;
        printf("FAIL %s\n  %.*s\n", path, STR_FMT(flow->failure));
    }
    fflush(stdout);
}

static void play_script(struct world *world, const char *path, struct totals *totals)
{
    struct err err = {0};
    struct flow *flow = calloc(1, sizeof(*flow));
    if (!flow)
        panic("out of memory for a script");
    flow->world = world;
    flow->path = path;
    arena_init(&flow->arena, ARENA_BLOCK);
    map_init(&flow->values, &flow->arena);
    flow_set_text(flow, STR("prefix"), world->settings.engine.prefix);
    const int64_t start = clock_monotonic_us();
    bool passed = world_begin(world, &err) == OUTCOME_DONE ||
                  flow_fail(flow, "the world does not begin: %s", err.text);
    passed = passed && play_file(flow, path, 0);
    if (passed && !flow->skipped && (flow->together || flow->pending_count))
        passed = flow_fail(flow, "at the end: %s",
                           flow->together ? "together without end" : "a reply was not looked at");
    report(flow, path, passed, clock_monotonic_us() - start, totals);
    world_end(world);
    log_flush();
    arena_release(&flow->arena);
    free(flow);
}

static void play_scripts(struct world *world, char **paths, size_t count, struct totals *totals)
{
    for (size_t i = 0; i < count; i++)
        play_script(world, paths[i], totals);
}

static int play_all(bool real, char **paths, size_t count)
{
    struct world world;
    struct err err = {0};
    struct totals totals = {0};
    if (world_open(&world, real, &err) == OUTCOME_DONE) {
        play_scripts(&world, paths, count, &totals);
    } else {
        fprintf(stderr, "flow: %s\n", err.text);
        totals.failed = 1;
    }
    world_close(&world);
    printf("flow: %d passed, %d failed", totals.passed, totals.failed);
    if (totals.skipped)
        printf(", %d skipped", totals.skipped);
    printf("\n");
    return totals.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    bool real = false;
    int first = 1;
    log_set_level((enum log_level)LOG_NOTHING);
    for (; first < argc && argv[first][0] == '-'; first++) {
        if (strcmp(argv[first], "--real") == 0) {
            real = true;
        } else if (strcmp(argv[first], "--log") == 0) {
            log_set_level(LOG_DEBUG);
        } else {
            fprintf(stderr, "usage: flow [--real] [--log] [SCRIPT...]\n");
            return 2;
        }
    }
    if (first < argc)
        return play_all(real, argv + first, (size_t)(argc - first));
    glob_t found;
    if (glob(ALL_SCRIPTS, 0, NULL, &found) != 0) {
        fprintf(stderr, "flow: no scripts in " ALL_SCRIPTS "\n");
        return 2;
    }
    const int status = play_all(real, found.gl_pathv, found.gl_pathc);
    globfree(&found);
    return status;
}
