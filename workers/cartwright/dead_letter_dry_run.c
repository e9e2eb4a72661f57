/* dead_letter_dry_run.c - `dead-letter replay --dry-run`: prints what would happen, on the real
 * documents, in a transaction that is aborted (engine/rehearse.h).
 *
 * Each letter is rehearsed in a child process of its own: a letter that killed its lanes kills the
 * child, and that is reported. The children open the connections that they need; the letters are
 * back in their queue by then. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cartwright/dead_letter.h"
#include "engine/rehearse.h"
#include "service/connections.h"
#include "wire/json.h"

#define LETTERS_MAX 100 /* they are in memory at once; each takes some 50 ms */
#define PATIENCE_S  60

struct rehearsals {
    struct dead_run *run;
    struct delivery *letters[LETTERS_MAX];
    struct str ids[LETTERS_MAX];
    size_t count;
    bool more;
};

/* --- the letters -------------------------------------------------------------------------------- */

static struct delivery *kept(struct arena *arena, const struct delivery *copy)
{
    struct delivery *own = delivery_keep(arena, copy);
    own->history = STR_ABSENT;
    return own;
}

static enum outcome collect(void *context, const struct dead_letter *letter,
                            enum dead_verdict *verdict, struct err *err)
{
    struct rehearsals *all = context;
    struct arena *arena = &all->run->app->arena;
    struct delivery copy;
    *verdict = DEAD_LEAVE;
    if (!dead_letter_matches(letter, &all->run->filter))
        return OUTCOME_DONE;
    all->more = all->count >= LETTERS_MAX;
    if (all->count >= LETTERS_MAX || all->count >= all->run->limit) {
        *verdict = DEAD_STOP;
        return OUTCOME_DONE;
    }
    if (dead_letter_is_whole(letter, err) != OUTCOME_DONE ||
        dead_letter_revive(arena, &all->run->office, letter, &copy, err) != OUTCOME_DONE) {
        command_tell(stdout, "%s", err->text);
        err_clear(err);
        return OUTCOME_DONE;
    }
    all->ids[all->count] = str_dup(arena, letter->id);
    all->letters[all->count++] = kept(arena, &copy);
    return OUTCOME_DONE;
}

/* --- documents, by field ------------------------------------------------------------------------ */

static void diff_shape(struct arena *arena, const struct shape *shape, struct str path,
                       const struct json *before, const struct json *after);

static void diff_value(struct arena *arena, struct str path, const struct json *before,
                       const struct json *after)
{
    const struct str was = json_text(arena, before);
    const struct str is = json_text(arena, after);
    if (!str_eq(was, is))
        printf("      %.*s: %.*s -> %.*s\n", STR_FMT(path), STR_FMT(dead_plain(arena, was)),
               STR_FMT(dead_plain(arena, is)));
}

static void diff_list(struct arena *arena, const struct shape *shape, struct str path,
                      const struct json *before, const struct json *after)
{
    const size_t was = json_count(before);
    const size_t is = json_count(after);
    for (size_t i = 0; i < (was > is ? was : is); i++)
        diff_shape(arena, shape, str_printf(arena, "%.*s[%zu]", STR_FMT(path), i),
                   json_element(before, i), json_element(after, i));
}

static void diff_field(struct arena *arena, const struct field *field, struct str path,
                       const struct json *before, const struct json *after)
{
    if (field->kind == FIELD_LIST)
        diff_list(arena, field->shape, path, before, after);
    else if (field->kind == FIELD_STRUCT || field->kind == FIELD_EMBED)
        diff_shape(arena, field->shape, path, before, after);
    else
        diff_value(arena, path, before, after);
}

/* Prints what differs. What is there on one side only is printed whole. */
static void diff_shape(struct arena *arena, const struct shape *shape, struct str path,
                       const struct json *before, const struct json *after)
{
    if (!before || !after) {
        diff_value(arena, path, before, after);
        return;
    }
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const struct str name = str_of(field->name);
        diff_field(arena, field, path.len ? str_join(arena, path, '.', name) : name,
                   json_member(before, field->name), json_member(after, field->name));
    }
}

static const struct json *json_of(struct arena *arena, const struct doc_type *type, const void *doc)
{
    const struct json *json;
    struct err ignored = {0};
    if (!doc ||
        json_parse(arena, json_of_shape(arena, type->shape, doc), &json, &ignored) != OUTCOME_DONE)
        return NULL;
    return json;
}

static void print_change(struct arena *arena, const struct rehearsed_change *change)
{
    const struct json *before = json_of(arena, change->type, change->before);
    const struct json *after = json_of(arena, change->type, change->after);
    printf("    %s %.*s%s\n", change->type->collection, STR_FMT(change->id),
           !change->before ? " (new)"
           : change->after ? ""
                           : " (deleted)");
    if (before && after)
        diff_shape(arena, change->type->shape, STR(""), before, after);
    else
        printf("      %.*s\n", STR_FMT(json_text(arena, before ? before : after)));
}

/* --- what would happen -------------------------------------------------------------------------- */

static void print_reply(struct arena *arena, const struct rehearsal *told)
{
    struct str pretty;
    if (told->body.len == 0)
        return;
    if (!dead_pretty(arena, told->body, &pretty))
        pretty = told->body;
    printf("  reply, status %d\n%.*s\n", told->status, STR_FMT(pretty));
}

static void print_no(const char *what, const struct rehearsal *told)
{
    command_tell(stdout, "  %s: %s at %s:%d: %s", what, told->err.code->name, told->err.file,
                 told->err.line, told->err.text);
    for (const struct err_field *field = told->err.fields; field; field = field->next)
        command_tell(stdout, "    %.*s: %.*s", STR_FMT(field->pointer), STR_FMT(field->message));
}

static void print_verdict(const struct rehearsal *told)
{
    switch (told->outcome) {
    case OUTCOME_DONE:
        puts(told->repeated ? "  was carried out before: answered from the journal, no effect"
                            : "  would be done");
        break;
    case OUTCOME_REFUSED:
        print_no("would be refused", told);
        break;
    case OUTCOME_INVALID:
        print_no("would be found wrong, and come back here", told);
        break;
    case OUTCOME_CONFLICT:
        print_no("the database would say no", told);
        break;
    default:
        print_no("would fail again", told);
    }
}

static void print_effects(struct arena *arena, const struct rehearsal *told)
{
    struct str pretty;
    if (told->change_count > 0)
        puts("  documents");
    for (size_t i = 0; i < told->change_count; i++)
        print_change(arena, &told->changes[i]);
    if (told->event_count > 0)
        puts("  events");
    for (size_t i = 0; i < told->event_count; i++) {
        const struct journal_event *event = &told->events[i];
        printf("    %.*s to %.*s\n", STR_FMT(event->routing_key), STR_FMT(event->exchange));
        if (dead_pretty(arena, event->body, &pretty))
            printf("%.*s\n", STR_FMT(pretty));
    }
}

/* --- in the child ------------------------------------------------------------------------------- */

struct stage {
    struct store *store;
    struct lock *lock;
    struct lane_slot slot;
    volatile sig_atomic_t stopping; /* never set: a signal ends the child */
    struct lane lane;
};

static enum outcome set_stage(struct app *app, struct stage *stage, struct err *err)
{
    static const struct pool_settings pool = {.lanes = 1, .batch_max = 1, .prefetch = 1};
    const struct engine_settings *settings = &app->settings->engine;
    const struct store_options store = store_options_of(&app->service, settings);
    const struct lock_options lock = lock_options_of(settings);
    TRY(store_open(&store, &stage->store, err));
    TRY(lock_open(&lock, &stage->lock, err));
    return lane_init(&stage->lane,
                     &(struct lane_parts){.service = &app->service,
                                          .settings = settings,
                                          .pool = &pool,
                                          .store = stage->store,
                                          .lock = stage->lock,
                                          .slot = &stage->slot,
                                          .stopping = &stage->stopping,
                                          .now_ms = clock_now_ms},
                     err);
}

static enum outcome prepare_schema(const struct app *app, const struct delivery *letter,
                                   struct err *err)
{
    const struct operation *operation = service_operation(&app->service, letter->operation);
    return operation ? schema_prepare(operation_schema(operation), err) : OUTCOME_DONE;
}

/* Closes nothing: the end of the process closes what it opened, and the connection that it
 * inherited is its parent's. */
static _Noreturn void rehearse_in_child(struct app *app, struct delivery *letter)
{
    struct stage *stage = ARENA_NEW(&app->arena, struct stage);
    struct rehearsal told = {0};
    struct err err = {0};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(PATIENCE_S);
    enum outcome outcome = prepare_schema(app, letter, &err);
    if (outcome == OUTCOME_DONE)
        outcome = set_stage(app, stage, &err);
    if (outcome == OUTCOME_DONE)
        outcome = rehearse(&stage->lane, letter, &told, &err);
    if (outcome != OUTCOME_DONE)
        _exit(dead_fail(outcome, &err));
    print_verdict(&told);
    print_effects(&app->arena, &told);
    print_reply(&app->arena, &told);
    fflush(stdout);
    _exit(told.outcome == OUTCOME_DONE ? EXIT_OK : EXIT_REFUSED);
}

/* --- in the parent ------------------------------------------------------------------------------ */

static int tell_end(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)
        puts("  interrupted");
    else if (WTERMSIG(status) == SIGALRM)
        printf("  does not come to an end within %d s\n", PATIENCE_S);
    else
        printf("  would end its process by signal %d (%s)\n", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    return EXIT_REFUSED;
}

static int rehearse_one(struct app *app, struct delivery *letter)
{
    int status = 0;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0)
        rehearse_in_child(app, letter);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return command_fail("dead-letter", EXIT_FAILED, "cannot start a process");
    return tell_end(status);
}

static int worse(int a, int b)
{
    return a > b ? a : b;
}

int dead_dry_run(struct dead_run *run)
{
    struct rehearsals all = {.run = run};
    const struct dead_visitor visitor = {.visit = collect, .context = &all};
    struct err err = {0};
    bool cut = false;
    int status = EXIT_OK;
    enum outcome outcome = dead_for_each(run, &visitor, &cut, &err);
    if (outcome == OUTCOME_DONE && all.count == 0)
        outcome = err_refuse(&err, E_NOT_FOUND, "no such dead letter");
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, &err);
    for (size_t i = 0; i < all.count && !run->office.stopping(); i++) {
        command_tell(stdout, "letter %.*s, %.*s", STR_FMT(all.ids[i]),
                     STR_FMT(all.letters[i]->operation));
        status = worse(status, rehearse_one(run->app, all.letters[i]));
    }
    if (all.more)
        printf("only the first %d letters were rehearsed\n", LETTERS_MAX);
    return status;
}
