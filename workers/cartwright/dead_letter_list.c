/* dead_letter_list.c - `dead-letter list` and `stats`: which letters there are, and how many. */
#include <stdio.h>

#include "cartwright/dead_letter.h"
#include "letters/groups.h"
#include "wire/json.h"

struct listing {
    struct dead_run *run;
    struct dead_groups groups;
    struct json_writer *writer; /* for JSON; NULL: lines are printed */
    size_t shown;
};

/* --- one letter each ---------------------------------------------------------------------------- */

static void put_text(struct json_writer *writer, const char *key, struct str value)
{
    json_key(writer, key);
    if (str_is_absent(value))
        json_put_null(writer);
    else
        json_put_str(writer, value);
}

static void put_time(struct json_writer *writer, struct arena *arena, const char *key, int64_t ms)
{
    put_text(writer, key, ms < 0 ? STR_ABSENT : dead_time(arena, ms));
}

static void put_letter(struct json_writer *writer, const struct dead_letter *letter)
{
    json_open_object(writer);
    put_text(writer, "domain", letter->domain);
    put_text(writer, "id", letter->id);
    put_text(writer, "digest", letter->digest);
    put_text(writer, "operation", letter->operation);
    json_key(writer, "ours");
    json_put_bool(writer, letter->is_ours);
    put_text(writer, "code", letter->code);
    put_text(writer, "reason", letter->reason);
    put_text(writer, "place", letter->place);
    put_text(writer, "fingerprint", letter->fingerprint);
    put_time(writer, writer->text->arena, "failedAt", letter->failed_at);
    json_key(writer, "attempts");
    json_put_int(writer, letter->attempts);
    json_close_object(writer);
}

static void print_letter(struct arena *arena, const struct dead_letter *letter)
{
    printf("%-14.*s %-38.*s %-24.*s %-28.*s %-20.*s %.*s\n",
           STR_FMT(dead_plain(arena, letter->domain)), STR_FMT(dead_plain(arena, letter->id)),
           STR_FMT(dead_time(arena, letter->failed_at)),
           STR_FMT(dead_plain(arena, letter->operation)), STR_FMT(dead_plain(arena, letter->code)),
           STR_FMT(dead_plain(arena, letter->fingerprint)));
}

static enum outcome list_letter(void *context, const struct dead_letter *letter,
                                enum dead_verdict *verdict, struct err *err)
{
    struct listing *listing = context;
    (void)err;
    *verdict = DEAD_LEAVE;
    if (!dead_letter_matches(letter, &listing->run->filter))
        return OUTCOME_DONE;
    if (listing->shown >= listing->run->limit) {
        *verdict = DEAD_STOP;
        return OUTCOME_DONE;
    }
    listing->shown++;
    if (listing->writer)
        put_letter(listing->writer, letter);
    else
        print_letter(listing->groups.arena, letter);
    return OUTCOME_DONE;
}

/* --- groups ------------------------------------------------------------------------------------- */

static enum outcome count_letter(void *context, const struct dead_letter *letter,
                                 enum dead_verdict *verdict, struct err *err)
{
    struct listing *listing = context;
    (void)err;
    *verdict = DEAD_LEAVE;
    if (dead_letter_matches(letter, &listing->run->filter))
        dead_groups_add(&listing->groups, letter);
    return OUTCOME_DONE;
}

static void put_group(struct json_writer *writer, const struct dead_group *group)
{
    struct arena *arena = writer->text->arena;
    json_open_object(writer);
    put_text(writer, "domain", group->domain);
    put_text(writer, "fingerprint", group->fingerprint);
    json_key(writer, "count");
    json_put_int(writer, (int64_t)group->count);
    put_text(writer, "operation", group->operation);
    put_text(writer, "code", group->code);
    put_text(writer, "place", group->place);
    put_text(writer, "reason", group->reason);
    put_time(writer, arena, "first", group->first);
    put_time(writer, arena, "last", group->last);
    put_text(writer, "example", group->example);
    json_close_object(writer);
}

static void print_group(struct arena *arena, const struct dead_group *group)
{
    printf("%.*s  %zu x %.*s  %.*s at %.*s\n", STR_FMT(dead_plain(arena, group->fingerprint)),
           group->count, STR_FMT(dead_plain(arena, group->operation)),
           STR_FMT(dead_plain(arena, group->code)), STR_FMT(dead_plain(arena, group->place)));
    printf("          %.*s\n", STR_FMT(dead_plain(arena, group->reason)));
    printf("          domain %.*s, first %.*s, last %.*s, for example %.*s\n",
           STR_FMT(group->domain), STR_FMT(dead_time(arena, group->first)),
           STR_FMT(dead_time(arena, group->last)), STR_FMT(dead_plain(arena, group->example)));
}

static void show_groups(struct listing *listing)
{
    const size_t limit = listing->run->limit;
    dead_groups_sort(&listing->groups);
    for (size_t i = 0; i < listing->groups.count && i < limit; i++)
        if (listing->writer)
            put_group(listing->writer, listing->groups.items[i]);
        else
            print_group(listing->groups.arena, listing->groups.items[i]);
    if (listing->groups.count == 0 && !listing->writer)
        puts("no dead letters");
}

/* --- list --------------------------------------------------------------------------------------- */

static void print_json(struct arena *arena, const struct text *text)
{
    struct err ignored = {0};
    struct str pretty = text_str(text);
    /* A list with more values than a message may have is printed as it is. */
    if (json_pretty(arena, pretty, &pretty, &ignored) != OUTCOME_DONE)
        pretty = text_str(text);
    printf("%.*s\n", STR_FMT(pretty));
}

static enum outcome fill(struct listing *listing, struct err *err)
{
    const bool letters = listing->run->options.letters;
    const struct dead_visitor visitor = {.visit = letters ? list_letter : count_letter,
                                         .context = listing};
    bool cut = false;
    TRY(dead_for_each(listing->run, &visitor, &cut, err));
    if (!letters)
        show_groups(listing);
    if (cut)
        fprintf(stderr, "only the first %zu letters of a queue were looked at: --scan-max\n",
                listing->run->office.scan_max);
    return OUTCOME_DONE;
}

static int list(struct dead_run *run)
{
    struct arena *arena = &run->app->arena;
    struct err err = {0};
    struct text text;
    struct json_writer writer = {0};
    struct listing listing = {.run = run, .writer = run->options.json ? &writer : NULL};
    dead_groups_init(&listing.groups, arena);
    text_init(&text, arena, 4096);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, run->options.letters ? "letters" : "groups");
    json_open_list(&writer);
    const enum outcome outcome = fill(&listing, &err);
    json_close_list(&writer);
    json_close_object(&writer);
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, &err);
    if (run->options.json)
        print_json(arena, &text);
    return EXIT_OK;
}

const struct dead_subcommand dead_list = {
    .name = "list",
    .usage = "list [DOMAIN|--all] [--code C] [--operation O] [--place P] [--fingerprint F]\n"
             "      [--since T] [--letters] [--limit N] [--scan-max N] [--json]",
    .accepts = DEAD_TAKES_DOMAIN | DEAD_TAKES_FILTER | DEAD_TAKES_LETTERS | DEAD_TAKES_LIMIT |
               DEAD_TAKES_JSON,
    .run = list,
};

/* --- stats -------------------------------------------------------------------------------------- */

struct figures {
    size_t letters, groups;
    int64_t oldest, newest;
};

static struct figures figures_of(const struct dead_groups *groups, struct str domain)
{
    struct figures figures = {.oldest = -1, .newest = -1};
    for (size_t i = 0; i < groups->count; i++) {
        const struct dead_group *group = groups->items[i];
        if (!str_eq(group->domain, domain))
            continue;
        figures.letters += group->count;
        figures.groups++;
        if (group->first >= 0 && (figures.oldest < 0 || group->first < figures.oldest))
            figures.oldest = group->first;
        if (group->last > figures.newest)
            figures.newest = group->last;
    }
    return figures;
}

static void put_figures(struct json_writer *writer, struct str domain,
                        const struct figures *figures)
{
    struct arena *arena = writer->text->arena;
    json_open_object(writer);
    put_text(writer, "domain", domain);
    json_key(writer, "letters");
    json_put_int(writer, (int64_t)figures->letters);
    json_key(writer, "groups");
    json_put_int(writer, (int64_t)figures->groups);
    put_time(writer, arena, "oldest", figures->oldest);
    put_time(writer, arena, "newest", figures->newest);
    json_close_object(writer);
}

static void show_figures(struct listing *listing)
{
    struct arena *arena = listing->groups.arena;
    if (!listing->writer)
        printf("%-14s %8s %8s  %-24s  %s\n", "domain", "letters", "groups", "oldest", "newest");
    for (const struct str *domain = dead_domains(arena, &listing->run->app->service);
         !str_is_absent(*domain); domain++) {
        const struct figures figures = figures_of(&listing->groups, *domain);
        if (listing->writer)
            put_figures(listing->writer, *domain, &figures);
        else
            printf("%-14.*s %8zu %8zu  %-24.*s  %.*s\n", STR_FMT(*domain), figures.letters,
                   figures.groups, STR_FMT(dead_time(arena, figures.oldest)),
                   STR_FMT(dead_time(arena, figures.newest)));
    }
}

static int stats(struct dead_run *run)
{
    struct arena *arena = &run->app->arena;
    struct err err = {0};
    struct text text;
    struct json_writer writer = {0};
    bool cut = false;
    struct listing listing = {.run = run, .writer = run->options.json ? &writer : NULL};
    const struct dead_visitor visitor = {.visit = count_letter, .context = &listing};
    dead_groups_init(&listing.groups, arena);
    const enum outcome outcome = dead_for_each(run, &visitor, &cut, &err);
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, &err);
    text_init(&text, arena, 4096);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "complete");
    json_put_bool(&writer, !cut);
    json_key(&writer, "domains");
    json_open_list(&writer);
    show_figures(&listing);
    json_close_list(&writer);
    json_close_object(&writer);
    if (run->options.json)
        print_json(arena, &text);
    return EXIT_OK;
}

const struct dead_subcommand dead_stats = {
    .name = "stats",
    .usage = "stats [--scan-max N] [--json]",
    .accepts = DEAD_TAKES_JSON,
    .run = stats,
};
