/* dead_letter.c - `cartwright dead-letter`: its options, and the table of its sub-commands. */
#include "cartwright/dead_letter.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "bus/bus_inspect.h"
#include "service/broker_needs.h"
#include "service/connections.h"
#include "service/names.h"
#include "wire/json.h"

#define COMMAND       "dead-letter"
#define SCAN_MAX      10000
#define SCAN_MAX_MOST 60000 /* AMQP's prefetch has 16 bits */
#define RATE          50
#define RATE_MOST     100000
#define QUIET_MS      200
#define BODY_MAX      ((size_t)16 << 20)

static const struct dead_subcommand *const subcommands[] = {
    &dead_list,
    &dead_show,
    &dead_replay_command,
    &dead_edit_command,
    &dead_discard_command,
    &dead_purge_command,
    &dead_stats,
    NULL,
};

/* --- options ------------------------------------------------------------------------------------ */

struct option {
    const char *name;
    unsigned accepted; /* by sub-commands that take any of these */
    size_t text;       /* offset of a const char * in struct dead_options, or */
    size_t flag;       /* offset of a bool there; 0: the option is a text */
};

#define TEXT(name_, member, by_)                                                                   \
    {                                                                                              \
        .name = (name_), .accepted = (by_), .text = offsetof(struct dead_options, member)          \
    }
#define FLAG(name_, member, by_)                                                                   \
    {                                                                                              \
        .name = (name_), .accepted = (by_), .flag = offsetof(struct dead_options, member)          \
    }

static const struct option options[] = {
    TEXT("--domain", domain, DEAD_TAKES_ID),
    TEXT("--code", code, DEAD_TAKES_FILTER),
    TEXT("--operation", operation, DEAD_TAKES_FILTER),
    TEXT("--place", place, DEAD_TAKES_FILTER),
    TEXT("--fingerprint", fingerprint, DEAD_TAKES_FILTER),
    TEXT("--group", group, DEAD_TAKES_FILTER),
    TEXT("--since", since, DEAD_TAKES_FILTER),
    FLAG("--all", all, DEAD_TAKES_FILTER),
    TEXT("--limit", limit, DEAD_TAKES_LIMIT),
    TEXT("--scan-max", scan_max, ~0U),
    FLAG("--limit-by-policy", limit_by_policy, ~0U),
    FLAG("--letters", letters, DEAD_TAKES_LETTERS),
    FLAG("--json", json, DEAD_TAKES_JSON),
    TEXT("--rate", rate, DEAD_TAKES_REPLAY),
    FLAG("--dry-run", dry_run, DEAD_TAKES_REPLAY),
    TEXT("--body", body, DEAD_TAKES_EDIT),
    FLAG("--park", park, DEAD_TAKES_EDIT),
    TEXT("--reason", reason, DEAD_TAKES_REASON),
    FLAG("--yes", yes, DEAD_TAKES_YES),
    TEXT("--by", by, DEAD_TAKES_BY),
};

static const struct option *find_option(const struct dead_subcommand *command, const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i].name, name) == 0 && (options[i].accepted & command->accepts))
            return &options[i];
    return NULL;
}

static bool take_set(struct dead_options *out, const struct dead_subcommand *command,
                     const char *name, const char *value)
{
    if (strcmp(name, "--set") != 0 || !(command->accepts & DEAD_TAKES_EDIT) || !value ||
        out->set_count == DEAD_SETS_MAX)
        return false;
    out->sets[out->set_count++] = value;
    return true;
}

/* Returns how many arguments were used; 0: the command has no such option. */
static int take_option(struct dead_options *out, const struct dead_subcommand *command, char **argv)
{
    const struct option *option = find_option(command, argv[0]);
    if (take_set(out, command, argv[0], argv[1]))
        return 2;
    if (!option || (!option->flag && !argv[1]))
        return 0;
    if (option->flag)
        *(bool *)(void *)((char *)out + option->flag) = true;
    else
        *(const char **)(void *)((char *)out + option->text) = argv[1];
    return option->flag ? 1 : 2;
}

static bool read_options(struct dead_options *out, const struct dead_subcommand *command, int argc,
                         char **argv)
{
    const bool positional = command->accepts & (DEAD_TAKES_DOMAIN | DEAD_TAKES_ID);
    for (int i = 0; i < argc;) {
        const int used = argv[i][0] == '-' ? take_option(out, command, argv + i) : 0;
        if (used == 0 && (argv[i][0] == '-' || out->what || !positional)) {
            command_fail(COMMAND, EXIT_USAGE, "'%s' is not for `%s`, or lacks its value", argv[i],
                         command->name);
            return false;
        }
        if (used == 0)
            out->what = argv[i];
        i += used ? used : 1;
    }
    return true;
}

/* --- values ------------------------------------------------------------------------------------- */

static bool read_number(const char *name, const char *text, int64_t most, int64_t *out)
{
    if (!text || (str_to_int64(str_of(text), out) && *out >= 1 && *out <= most))
        return true;
    command_fail(COMMAND, EXIT_USAGE, "%s must be 1 to %lld, not '%s'", name, (long long)most,
                 text);
    return false;
}

/* Reads "50" or "50/s". */
static bool read_rate(struct dead_run *run)
{
    const struct str text = str_of(run->options.rate);
    const bool has_unit = text.len > 2 && strcmp(text.ptr + text.len - 2, "/s") == 0;
    const struct str number =
        str_dup(&run->app->arena, (struct str){text.ptr, has_unit ? text.len - 2 : text.len});
    run->rate = RATE;
    return read_number("--rate", number.ptr, RATE_MOST, &run->rate);
}

/* Reads "2h", for two hours ago, or a time as `list` prints it. */
static bool read_since(struct dead_run *run)
{
    const struct str text = str_of(run->options.since);
    int64_t ago;
    run->filter.since_ms = -1;
    if (str_is_absent(text) || time_parse(text, &run->filter.since_ms))
        return true;
    if (!duration_parse(text, &ago)) {
        command_fail(COMMAND, EXIT_USAGE,
                     "--since must be a duration like 2h or a time like "
                     "2026-11-20T15:04:05.000Z, not '%s'",
                     text.ptr);
        return false;
    }
    run->filter.since_ms = clock_now_ms() - ago;
    return true;
}

static bool is_domain(struct dead_run *run, const char *name)
{
    for (const struct str *domain = dead_domains(&run->app->arena, &run->app->service);
         !str_is_absent(*domain); domain++)
        if (str_eq(*domain, str_of(name)))
            return true;
    command_fail(COMMAND, EXIT_USAGE, "there is no domain '%s'", name);
    return false;
}

static bool read_filter(struct dead_run *run, const struct dead_subcommand *command)
{
    const struct dead_options *given = &run->options;
    const char *domain = command->accepts & DEAD_TAKES_DOMAIN ? given->what : given->domain;
    const char *id = command->accepts & DEAD_TAKES_ID ? given->what : NULL;
    run->filter = (struct dead_filter){
        .id = str_of(id),
        .code = str_of(given->code),
        .operation = str_of(given->operation),
        .place = str_of(given->place),
        .fingerprint = str_of(given->group ? given->group : given->fingerprint),
    };
    run->domain = str_of(domain);
    return read_since(run) && (!domain || is_domain(run, domain));
}

static bool read_values(struct dead_run *run, const struct dead_subcommand *command)
{
    int64_t limit = INT64_MAX;
    int64_t scan_max = SCAN_MAX;
    if (!read_number("--limit", run->options.limit, INT64_MAX, &limit) ||
        !read_number("--scan-max", run->options.scan_max, SCAN_MAX_MOST, &scan_max) ||
        !read_rate(run) || !read_filter(run, command))
        return false;
    run->limit = (size_t)limit;
    run->office.scan_max = (size_t)scan_max;
    return true;
}

/* --- the office --------------------------------------------------------------------------------- */

/* Blocks the signals that stop the command, so that nothing is interrupted: is_stopping() asks for
 * them when a letter is done. */
static void hold_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool is_stopping(void)
{
    sigset_t set;
    return sigpending(&set) == 0 && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM));
}

static struct str operator_name(struct arena *arena, const char *given)
{
    char host[64] = "";
    const struct passwd *user = getpwuid(geteuid());
    if (given)
        return str_of(given);
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '\0';
    return str_printf(arena, "%s@%s", user ? user->pw_name : "somebody", host);
}

/* From this version of RabbitMQ on, a queue without a delivery limit of its own has one of 20. */
#define MAJOR_WITH_LIMIT 4

/* *bears: the queue was made with a delivery limit that nobody reaches, or is missing. A policy may
 * set such a limit, too, but AMQP does not tell policies. */
static enum outcome look_at_queue(struct bus_inspector *inspector, struct str queue, bool *bears,
                                  struct err *err)
{
    const struct bus_queue wanted = {.name = queue, .delivery_limit = DELIVERY_LIMIT_NEVER};
    struct bus_sight sight;
    TRY(bus_inspect_queue(inspector, &wanted, &sight, err));
    *bears = sight.state == BUS_THERE || sight.state == BUS_MISSING;
    return OUTCOME_DONE;
}

static enum outcome list_frail(struct dead_run *run, struct bus_inspector *inspector,
                               struct err *err)
{
    struct arena *arena = &run->app->arena;
    const struct str *domains = dead_domains(arena, &run->app->service);
    size_t count = 0;
    while (!str_is_absent(domains[count]))
        count++;
    struct str *frail = arena_array(arena, count + 1, sizeof(*frail));
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool bears;
        TRY(look_at_queue(inspector, name_dead(arena, run->office.settings->prefix, domains[i]),
                          &bears, err));
        if (!bears)
            frail[found++] = domains[i];
    }
    frail[found] = STR_ABSENT;
    run->office.frail = frail;
    return OUTCOME_DONE;
}

static enum outcome find_frail(struct dead_run *run, const struct bus_options *bus, struct err *err)
{
    struct bus_inspector *inspector;
    if (run->options.limit_by_policy)
        return OUTCOME_DONE;
    TRY(bus_inspector_open(bus->uri, bus->name, bus->timeout_ms, &inspector, err));
    const int64_t major = bus_inspector_major(inspector);
    const bool may_have_limits = major < 0 || major >= MAJOR_WITH_LIMIT;
    const enum outcome outcome = may_have_limits ? list_frail(run, inspector, err) : OUTCOME_DONE;
    bus_inspector_close(inspector);
    return outcome;
}

static enum outcome open_office(struct dead_run *run, bool stores, struct err *err)
{
    struct app *app = run->app;
    struct dead_office *office = &run->office;
    const struct engine_settings *settings = &app->settings->engine;
    struct bus_options bus = operator_options_of(settings, "cartwright dead-letter");
    const struct store_options store = store_options_of(&app->service, settings);
    bus.body_max = BODY_MAX;
    bus.keep_headers = true;
    office->service = &app->service;
    office->settings = settings;
    office->by = operator_name(&app->arena, run->options.by);
    office->command = id_new(&app->arena, clock_now_ms());
    office->quiet_ms = QUIET_MS;
    office->stopping = is_stopping;
    office->now_ms = clock_now_ms;
    TRY(auth_keys_load(settings->master_key, settings->token_key, &office->keys, err));
    TRY(find_frail(run, &bus, err));
    if (stores)
        TRY(store_open(&store, &office->store, err));
    return bus_open(&bus, &office->bus, err);
}

static void close_office(struct dead_office *office)
{
    if (office->bus)
        bus_close(office->bus);
    if (office->store)
        store_close(office->store);
}

enum outcome dead_for_each(struct dead_run *run, const struct dead_visitor *visitor, bool *cut,
                           struct err *err)
{
    for (const struct str *domain = dead_domains(&run->app->arena, &run->app->service);
         !str_is_absent(*domain); domain++) {
        bool more = false;
        if (!str_is_absent(run->domain) && !str_eq(run->domain, *domain))
            continue;
        TRY(dead_scan(&run->office, *domain, visitor, &more, err));
        *cut |= more;
    }
    return OUTCOME_DONE;
}

/* --- saying it ---------------------------------------------------------------------------------- */

int dead_fail(enum outcome outcome, const struct err *err)
{
    const bool no = outcome == OUTCOME_REFUSED || outcome == OUTCOME_INVALID;
    const int status = command_fail(COMMAND, no ? EXIT_REFUSED : EXIT_FAILED, "%s", err->text);
    for (const struct err_field *field = err->fields; field; field = field->next)
        command_tell(stderr, "  %.*s: %.*s", STR_FMT(field->pointer), STR_FMT(field->message));
    return status;
}

struct str dead_plain(struct arena *arena, struct str text)
{
    return text.len == 0 ? STR("-") : str_shown(arena, text, false);
}

struct str dead_time(struct arena *arena, int64_t ms)
{
    return ms < 0 ? STR("-") : time_text(arena, ms);
}

bool dead_pretty(struct arena *arena, struct str bytes, struct str *out)
{
    struct err ignored = {0};
    return json_mask(arena, bytes, out, &ignored) == OUTCOME_DONE &&
           json_pretty(arena, *out, out, &ignored) == OUTCOME_DONE;
}

/* --- the command -------------------------------------------------------------------------------- */

static int run_subcommand(struct app *app, const struct dead_subcommand *command, int argc,
                          char **argv)
{
    struct dead_run run = {.app = app};
    struct err err = {0};
    if (!read_options(&run.options, command, argc, argv) || !read_values(&run, command))
        return EXIT_USAGE;
    if (run.options.dry_run)
        hold_signals();
    /* A dry run works in child processes, which open the database themselves. */
    const enum outcome outcome = open_office(&run, command->stores && !run.options.dry_run, &err);
    if (outcome == OUTCOME_DONE && command->stores)
        hold_signals();
    const int status = outcome == OUTCOME_DONE ? command->run(&run) : dead_fail(outcome, &err);
    close_office(&run.office);
    return status;
}

static int print_usage(void)
{
    fputs("usage:\n", stderr);
    for (size_t i = 0; subcommands[i]; i++)
        fprintf(stderr, "  cartwright dead-letter %s\n", subcommands[i]->usage);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    const struct dead_subcommand *command = NULL;
    struct app app;
    for (size_t i = 0; argc > 1 && subcommands[i]; i++)
        if (strcmp(subcommands[i]->name, argv[1]) == 0)
            command = subcommands[i];
    if (!command)
        return print_usage();
    if (!app_open(&app, &argc, argv))
        return EXIT_USAGE;
    const int status = run_subcommand(&app, command, argc - 2, argv + 2);
    app_close(&app);
    return status;
}

const struct command dead_letter_command = {
    .name = COMMAND,
    .run = run,
    .usage = "dead-letter list|show|replay|edit|discard|purge|stats ...",
    .help = "look at dead letters, try them again, correct or drop them",
    .details =
        "list [DOMAIN|--all] [FILTER] [--letters] [--limit N] [--json]\n"
        "    what died, in groups of one cause; with --letters one line for each\n"
        "show ID\n"
        "    all there is to know about one letter; secrets are masked\n"
        "replay ID|--group F|--all|FILTER [--rate N/s] [--limit N] [--dry-run]\n"
        "    sends letters to the queues they came from (50/s); with --dry-run only says what\n"
        "    would happen. May be interrupted and given again.\n"
        "edit ID --body FILE|--set /pointer=VALUE... [--park]\n"
        "    sends a corrected copy, under another message id; --park keeps it here\n"
        "discard ID|--group F|FILTER --reason TEXT\n"
        "purge DOMAIN --yes\n"
        "stats [--json]\n\n"
        "ID is a message id, or the digest beginning with '~'. FILTER: --code C, --operation O,\n"
        "--place P, --fingerprint F, --since 2h. --scan-max N (10000): letters of a queue that\n"
        "are looked at. --by NAME: who does it, for the record in deadLetterAudit.\n"
        "--limit-by-policy: dead queues that were made without x-delivery-limit have it by a\n"
        "policy. Without this their letters are not touched on RabbitMQ 4, which throws away\n"
        "what was given out 20 times.\n"
        "Exit status: 0 done, 1 refused (no such letter, the schema says no), 2 wrong usage,\n"
        "3 a server is away or the command was interrupted.",
};
