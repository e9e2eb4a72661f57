/* nemesis.c - rounds of faults: an empty shop, load, what the seed has in store, and then everything
 * must be in order.
 *
 * A seed fixes the faults, when they come and how long they last, and the load's choices; what
 * happens in between is up to the machine. A round that fails says how to run it again and keeps the
 * logs of workers and servers. */
#include "fault/fault.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/chance.h"

#define BLOWS_MAX    4
#define FIRST_MS     600  /* the load is under way */
#define SPREAD_MS    2500 /* between the first and the last to begin */
#define NAME_MAX_LEN 256
#define GIVE_UP_S    60

#define PAIRS                                                                                      \
    "rabbitmq_killed+mongod_killed,rabbitmq_killed+redis_killed,mongod_killed+redis_killed"

struct nemesis {
    uint64_t seed;
    const char *faults; /* as asked for; NULL: the seed chose */
    char name[NAME_MAX_LEN];
    int64_t began_ms; /* 0: not yet */
    struct blow blows[BLOWS_MAX];
    size_t count;
};

/* --- the schedule ------------------------------------------------------------------------------- */

static void add_blow(struct nemesis *nemesis, struct chance *chance, const struct trouble *trouble)
{
    nemesis->blows[nemesis->count++] = (struct blow){
        .trouble = trouble,
        .at_ms = FIRST_MS + chance_between(chance, 0, SPREAD_MS) * (nemesis->count > 1),
        .for_ms = chance_between(chance, trouble->least_ms, trouble->most_ms),
        .chance = chance_bits(chance),
    };
}

static bool is_free(const struct nemesis *nemesis, const struct trouble *trouble)
{
    for (size_t i = 0; i < nemesis->count; i++)
        if (strcmp(nemesis->blows[i].trouble->what, trouble->what) == 0)
            return false;
    return true;
}

/* One, two or three that have nothing to do with each other. */
static void choose_blows(struct nemesis *nemesis, struct chance *chance)
{
    int64_t rows = 0;
    while (troubles[rows].name)
        rows++;
    const size_t wanted = (size_t)chance_between(chance, 1, 3);
    while (nemesis->count < wanted) {
        const struct trouble *trouble = &troubles[chance_between(chance, 0, rows - 1)];
        if (is_free(nemesis, trouble))
            add_blow(nemesis, chance, trouble);
    }
}

static const struct trouble *trouble_named(const char *name, size_t len)
{
    for (const struct trouble *trouble = troubles; trouble->name; trouble++)
        if (strlen(trouble->name) == len && strncmp(trouble->name, name, len) == 0)
            return trouble;
    fprintf(stderr, "fault: no fault is called '%.*s'; there are:\n", (int)len, name);
    for (const struct trouble *trouble = troubles; trouble->name; trouble++)
        fprintf(stderr, "  %s\n", trouble->name);
    exit(2);
}

/* "a+b" */
static void name_blows(struct nemesis *nemesis, struct chance *chance, const char *names)
{
    for (const char *at = names; *at && nemesis->count < BLOWS_MAX; at += *at == '+') {
        const size_t len = strcspn(at, "+");
        add_blow(nemesis, chance, trouble_named(at, len));
        at += len;
    }
}

static void describe(struct nemesis *nemesis)
{
    size_t at = 0;
    for (size_t i = 0; i < nemesis->count && at < sizeof(nemesis->name); i++) {
        const struct blow *blow = &nemesis->blows[i];
        const int len =
            snprintf(nemesis->name + at, sizeof(nemesis->name) - at, "%s%s %.1f..%.1f s",
                     i ? ", " : "", blow->trouble->name, (double)blow->at_ms / 1e3,
                     (double)(blow->at_ms + blow->for_ms) / 1e3);
        at += (size_t)len;
    }
}

static struct nemesis schedule(uint64_t seed, const char *faults)
{
    struct nemesis nemesis = {.seed = seed, .faults = faults};
    struct chance chance = chance_of(seed, 'N');
    if (faults)
        name_blows(&nemesis, &chance, faults);
    else
        choose_blows(&nemesis, &chance);
    describe(&nemesis);
    return nemesis;
}

/* --- blow by blow ------------------------------------------------------------------------------- */

typedef bool act(struct fault *fault, struct blow *blow);

static bool is_done_apart(struct fault *fault, struct blow *blow, act *function)
{
    int status = 0;
    if (!blow->apart) {
        blow->apart = fork();
        if (blow->apart == 0)
            _exit(function(fault, blow) ? 0 : 1);
    }
    if (waitpid(blow->apart, &status, WNOHANG) == 0)
        return false;
    blow->apart = 0;
    if (status != 0)
        fault_fail(fault, "%s itself failed", blow->trouble->name);
    return true;
}

static bool is_done(struct fault *fault, struct blow *blow, act *function)
{
    return blow->trouble->apart ? is_done_apart(fault, blow, function) : function(fault, blow);
}

static void advance(struct fault *fault, struct blow *blow, int64_t now_ms)
{
    const struct trouble *trouble = blow->trouble;
    if (blow->stage == BLOW_COMES && now_ms >= blow->at_ms)
        blow->stage = BLOW_FALLS;
    if (blow->stage == BLOW_FALLS && is_done(fault, blow, trouble->apply))
        blow->stage = BLOW_LASTS;
    if (blow->stage == BLOW_LASTS && trouble->again)
        trouble->again(fault, blow);
    if (blow->stage == BLOW_LASTS && now_ms >= blow->at_ms + blow->for_ms)
        blow->stage = BLOW_HEALS;
    if (blow->stage == BLOW_HEALS && is_done(fault, blow, trouble->heal))
        blow->stage = BLOW_OVER;
}

/* False when all is over. */
static bool strike(struct fault *fault)
{
    struct nemesis *nemesis = fault->nemesis;
    const int64_t now_ms = clock_monotonic_us() / 1000;
    size_t over = 0;
    if (!nemesis->began_ms)
        nemesis->began_ms = now_ms;
    for (size_t i = 0; i < nemesis->count; i++) {
        advance(fault, &nemesis->blows[i], now_ms - nemesis->began_ms);
        over += nemesis->blows[i].stage == BLOW_OVER;
    }
    return over < nemesis->count;
}

/* Also when the load gave up before. */
static void heal(struct fault *fault)
{
    const int64_t end_us = clock_monotonic_us() + GIVE_UP_S * 1000000LL;
    while (strike(fault)) {
        if (clock_monotonic_us() > end_us)
            fault_die("the trouble", &(struct err){.text = "it does not end"});
        fault_sleep_ms(20);
    }
}

/* --- a round ------------------------------------------------------------------------------------ */

static void keep_logs(const struct fault *fault)
{
    const char *dir = servers_dir();
    char from[PATH_MAX], to[PATH_MAX];
    snprintf(from, sizeof(from), "%s/log", dir);
    snprintf(to, sizeof(to), "%s/failed-%" PRIu64 "-%d", dir, fault->nemesis->seed, (int)getpid());
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("cp", "cp", "-a", from, to, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    printf("  the logs are in %s\n", to);
}

static void tell(const struct fault *fault, int64_t began_us)
{
    const struct nemesis *nemesis = fault->nemesis;
    size_t unknown = 0;
    for (size_t i = 0; i < fault->history.count; i++)
        unknown += fault->history.items[i]->gave_up;
    printf("  seed %" PRIu64 ": %s: %s (%.0f s, %zu calls, %zu given up, %zu lanes killed)\n",
           nemesis->seed, nemesis->name, fault->failed ? "FAILED" : "ok",
           (double)(clock_monotonic_us() - began_us) / 1e6, fault->history.count, unknown,
           fault->kills);
    if (fault->failed) {
        keep_logs(fault);
        printf("  again: make fault-long SEED=%" PRIu64 "%s%s\n", nemesis->seed,
               nemesis->faults ? " FAULTS=" : "", nemesis->faults ? nemesis->faults : "");
    }
    fflush(stdout);
}

static bool loses_events(const struct nemesis *nemesis)
{
    for (size_t i = 0; i < nemesis->count; i++)
        if (nemesis->blows[i].trouble->loses_events)
            return true;
    return false;
}

static bool run_round(struct fault *fault, uint64_t seed, const char *faults)
{
    struct nemesis nemesis = schedule(seed, faults);
    const int64_t began_us = clock_monotonic_us();
    fault->test = nemesis.name;
    fault->nemesis = &nemesis;
    if (truncate(fault->log_path, 0) != 0)
        fault->log_from = 0; /* there is none yet */
    world_renew(fault);
    world_begin(fault);
    fault->events_lost = loses_events(&nemesis);
    workers_start(fault, SUPERVISORS_MAX, NULL);
    storm_run(fault, &(struct storm){.trouble = strike, .heal = heal, .seed = seed});
    world_end(fault);
    tell(fault, began_us);
    fault->nemesis = NULL;
    return !fault->failed;
}

/* --- all rounds ---------------------------------------------------------------------------------- */

static const char *expand(const char *faults, char *out, size_t size)
{
    size_t at = 0;
    if (!faults || strcmp(faults, "each") != 0)
        return faults && strcmp(faults, "pairs") == 0 ? PAIRS : faults;
    for (const struct trouble *trouble = troubles; trouble->name && at < size; trouble++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? "," : "", trouble->name);
    return out;
}

/* Before anything is begun. */
static void check_names(const char *list)
{
    for (const char *at = list; *at; at += *at != '\0') {
        const size_t len = strcspn(at, "+,");
        trouble_named(at, len);
        at += len;
    }
}

static void count_round(bool ok, int *passed, int *failed)
{
    *passed += ok;
    *failed += !ok;
}

/* All combinations of a list with one seed. */
static void run_list(struct fault *fault, uint64_t seed, const char *list, int *passed, int *failed)
{
    char names[NAME_MAX_LEN];
    for (const char *at = list; *at; at += *at == ',') {
        const size_t len = strcspn(at, ",");
        snprintf(names, sizeof(names), "%.*s", (int)len, at);
        count_round(run_round(fault, seed, names), passed, failed);
        at += len;
    }
}

void nemesis_run(struct fault *fault, const struct nemesis_options *options, int *passed,
                 int *failed)
{
    char each[4096] = "";
    const char *list = expand(options->faults, each, sizeof(each));
    if (list)
        check_names(list);
    const int64_t end_us = clock_monotonic_us() + options->seconds * 1000000;
    /* Another sample every day, and every second. */
    uint64_t seed = options->from ? options->from : (uint64_t)clock_now_ms() / 1000;
    if (!servers_are_ours("rabbitmq") || !servers_are_ours("mongod") ||
        !servers_are_ours("redis")) {
        printf("no faults: these servers are not the rig's\n");
        return;
    }
    fault->proxy = links_open(fault);
    for (; !options->to || seed <= options->to; seed++) {
        if (options->seconds && clock_monotonic_us() > end_us)
            break;
        if (list)
            run_list(fault, seed, list, passed, failed);
        else
            count_round(run_round(fault, seed, NULL), passed, failed);
    }
    proxy_stop(fault->proxy);
    fault->proxy = NULL;
}
