/* main.c - sim --seeds FROM..TO [--jobs N] [--first], or sim --seed N: plays seeds.
 *
 * One seed is played with its trace on standard output. Many are shared out among processes; each
 * failure is told with the command that replays it, at the end stand the faults that struck and the
 * totals. --first stops at the first failure. Every 64th seed is played twice: both runs must agree
 * to the last event. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/sim.h"

#define JOBS_MAX     64
#define TWICE_PERIOD 64
#define SEED_SECONDS 20              /* of real time: a loop that never touches the world */
#define LOG_NOTHING  (LOG_ERROR + 1) /* faults on purpose would fill the screen */

struct range {
    uint64_t from, to;
};

/* What the processes tell each other, in shared memory. */
struct results {
    uint64_t current[JOBS_MAX]; /* seed that is being played */
    int64_t passed[JOBS_MAX], failed[JOBS_MAX];
    int64_t struck[JOBS_MAX][FAULTS];
    volatile bool enough; /* --first, and one has failed */
};

struct run {
    struct range range;
    int jobs;
    bool first;
    struct results *results;
};

static int usage(void)
{
    fprintf(stderr, "usage: sim --seeds FROM..TO [--jobs N] [--first]\n"
                    "       sim --seed N\n");
    return 2;
}

/* --- playing ------------------------------------------------------------------------------------ */

static void open_premises(struct premises premises[PREMISES])
{
    struct err err = {0};
    if (premises_open(premises, &err) != OUTCOME_DONE)
        panic("the simulation cannot start: %s", err.text);
}

static void tell_failure(uint64_t seed, struct str failure)
{
    printf("seed %" PRIu64 ": %.*s\n    make sim SEED=%" PRIu64 "\n", seed, STR_FMT(failure), seed);
    fflush(stdout);
}

static uint64_t digest_of(const struct premises *premises, uint64_t seed)
{
    struct sim *sim = malloc(sizeof(*sim));
    if (!sim)
        panic("out of memory for a seed");
    (void)!sim_play(premises, seed, NULL, sim); /* the first run has told the verdict */
    const uint64_t digest = sim->digest;
    sim_release(sim);
    free(sim);
    return digest;
}

static bool play(const struct premises *premises, uint64_t seed, int64_t struck[FAULTS])
{
    struct sim *sim = malloc(sizeof(*sim));
    if (!sim)
        panic("out of memory for a seed");
    bool passed = sim_play(premises, seed, NULL, sim);
    if (passed && seed % TWICE_PERIOD == 0 && digest_of(premises, seed) != sim->digest) {
        sim_fail(sim, "a second run went another way");
        passed = false;
    }
    if (!passed)
        tell_failure(seed, sim->failure);
    for (int i = 0; i < FAULTS; i++)
        struck[i] += sim->struck[i];
    sim_release(sim);
    free(sim);
    return passed;
}

static int play_one(uint64_t seed)
{
    struct premises premises[PREMISES];
    struct sim *sim = malloc(sizeof(*sim));
    if (!sim)
        panic("out of memory for a seed");
    open_premises(premises);
    setvbuf(stdout, NULL, _IOLBF, 0); /* a seed may end the process */
    const bool passed = sim_play(premises, seed, stdout, sim);
    printf("seed %" PRIu64 ": %.*s\n", seed,
           STR_FMT(passed ? STR("all invariants hold") : sim->failure));
    sim_release(sim);
    free(sim);
    premises_close(premises);
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- many, by several processes -------------------------------------------------------------------- */

static _Noreturn void work(const struct run *run, int job, uint64_t from)
{
    struct premises premises[PREMISES];
    struct results *results = run->results;
    open_premises(premises);
    for (uint64_t seed = from; seed <= run->range.to && !results->enough;
         seed += (uint64_t)run->jobs) {
        results->current[job] = seed;
        alarm(SEED_SECONDS);
        if (play(premises, seed, results->struck[job])) {
            results->passed[job]++;
        } else {
            results->failed[job]++;
            results->enough = run->first;
        }
    }
    premises_close(premises);
    exit(EXIT_SUCCESS);
}

static pid_t start_job(const struct run *run, int job, uint64_t from)
{
    const pid_t pid = fork();
    if (pid < 0)
        panic("cannot fork");
    if (pid == 0)
        work(run, job, from);
    return pid;
}

/* A seed that ends the process has failed; the next one is played by another process. */
static void mourn(const struct run *run, int job, int status)
{
    char text[64];
    snprintf(text, sizeof(text), "the program died, signal %d", WTERMSIG(status));
    tell_failure(run->results->current[job], str_of(text));
    run->results->failed[job]++;
    run->results->enough = run->first;
}

static void play_all(const struct run *run)
{
    pid_t pids[JOBS_MAX];
    for (int job = 0; job < run->jobs; job++)
        pids[job] = start_job(run, job, run->range.from + (uint64_t)job);
    for (int job = 0; job < run->jobs; job++) {
        int status;
        while (waitpid(pids[job], &status, 0) == pids[job] && WIFSIGNALED(status)) {
            mourn(run, job, status);
            pids[job] = start_job(run, job, run->results->current[job] + (uint64_t)run->jobs);
        }
    }
}

static void print_faults(const struct run *run)
{
    for (int i = 0; i < FAULTS; i++) {
        int64_t count = 0;
        for (int job = 0; job < run->jobs; job++)
            count += run->results->struck[job][i];
        printf("  %9" PRId64 " x %s\n", count, fault_texts[i]);
    }
}

static int print_totals(const struct run *run, int64_t us)
{
    int64_t passed = 0;
    int64_t failed = 0;
    for (int job = 0; job < run->jobs; job++) {
        passed += run->results->passed[job];
        failed += run->results->failed[job];
    }
    print_faults(run);
    printf("sim: %" PRId64 " passed, %" PRId64 " failed\n", passed, failed);
    printf("  %.1f s, %.0f seeds per minute\n", (double)us / 1e6,
           (double)(passed + failed) / ((double)us / 60e6));
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int play_range(struct run *run)
{
    run->results = mmap(NULL, sizeof(*run->results), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->results == MAP_FAILED)
        panic("out of memory for results");
    const int64_t start = clock_monotonic_us();
    play_all(run);
    return print_totals(run, clock_monotonic_us() - start);
}

/* --- arguments ----------------------------------------------------------------------------------------- */

static bool read_number(const char *text, size_t len, uint64_t *out)
{
    int64_t number;
    if (!str_to_int64((struct str){text, len}, &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

static bool read_range(const char *text, struct range *out)
{
    const char *dots = strstr(text, "..");
    return dots && read_number(text, (size_t)(dots - text), &out->from) &&
           read_number(dots + 2, strlen(dots + 2), &out->to) && out->from <= out->to;
}

static bool read_jobs(const char *text, int *out)
{
    uint64_t jobs;
    if (!read_number(text, strlen(text), &jobs) || jobs < 1 || jobs > JOBS_MAX)
        return false;
    *out = (int)jobs;
    return true;
}

/* Lanes come and go: their blocks shall stay with the process. */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 29);
}

int main(int argc, char **argv)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct run run = {.jobs = cores < JOBS_MAX ? (int)cores : JOBS_MAX};
    uint64_t seed = 0;
    bool one = false, many = false, good = true;
    log_set_level((enum log_level)LOG_NOTHING);
    keep_memory();
    for (int i = 1; i < argc && good; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--first") == 0)
            run.first = true;
        else if (strcmp(argv[i], "--seeds") == 0)
            good = many = read_range(value, &run.range);
        else if (strcmp(argv[i], "--seed") == 0)
            good = one = read_number(value, strlen(value), &seed);
        else
            good = strcmp(argv[i], "--jobs") == 0 && read_jobs(value, &run.jobs);
        i += strcmp(argv[i], "--first") != 0;
    }
    if (!good || one == many)
        return usage();
    return one ? play_one(seed) : play_range(&run);
}
