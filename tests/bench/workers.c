/* workers.c - the real `cartwright worker`, as it is configured or with another pool of lanes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define LOG_FILE      ".run/bench-worker.log"
#define CONFIG_FILE   ".run/bench.yaml"
#define READY_SECONDS 60

static const char *program(void)
{
    const char *path = getenv("CARTWRIGHT");
    return path ? path : "./cartwright";
}

static void run_once(const struct bench *bench, const char *command)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(program(), "cartwright", command, "--config", bench->config_file, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (status != 0) {
        fprintf(stderr, "bench: `cartwright %s` failed\n", command);
        exit(1);
    }
}

bool bench_log_says(const char *path, const char *text)
{
    FILE *log = fopen(path, "r");
    char line[4096];
    bool said = false;
    while (log && !said && fgets(line, sizeof(line), log))
        said = strstr(line, text) != NULL;
    if (log)
        fclose(log);
    return said;
}

void bench_declare(struct bench *bench)
{
    run_once(bench, "topology");
    run_once(bench, "index");
}

void bench_start_workers(struct bench *bench, const char *pools)
{
    bench_declare(bench);
    unlink(LOG_FILE);
    bench->supervisor = fork();
    if (bench->supervisor == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (!freopen(LOG_FILE, "w", stderr))
            _exit(1);
        execl(program(), "cartwright", "worker", "--config", bench->config_file,
              pools ? "--pools" : (char *)NULL, pools, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; !bench_log_says(LOG_FILE, "lanes are ready"); i++) {
        if (i == READY_SECONDS * 10)
            bench_die("starting workers", &(struct err){.text = "not ready; see " LOG_FILE});
        usleep(100000);
    }
}

void bench_stop_workers(struct bench *bench)
{
    kill(bench->supervisor, SIGTERM);
    waitpid(bench->supervisor, NULL, 0);
    bench->supervisor = 0;
}

/* --- another pool ------------------------------------------------------------------------------- */

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file)
        bench_die(path, &(struct err){.text = "cannot be opened"});
    return file;
}

/* The value in force of a line "<indent><key>: ..."; 0: the line stays as it is. */
static int64_t value_of(const char *line, int64_t lanes, int64_t batch_max)
{
    line += strspn(line, " ");
    if (strncmp(line, "lanes:", strlen("lanes:")) == 0)
        return lanes;
    return strncmp(line, "batchMax:", strlen("batchMax:")) == 0 ? batch_max : 0;
}

/* Pools are a list, which only a file can set: so the configuration is copied, but for two lines. */
void bench_vary_pool(struct bench *bench, int64_t lanes, int64_t batch_max)
{
    FILE *in = open_file(getenv("CONFIG"), "r");
    FILE *out = open_file(CONFIG_FILE, "w");
    char line[1024];
    bool in_shop = false;
    while (fgets(line, sizeof(line), in)) {
        if (strstr(line, "- name:"))
            in_shop = strstr(line, "- name: shop") != NULL;
        const int64_t value = in_shop ? value_of(line, lanes, batch_max) : 0;
        if (value)
            fprintf(out, "%.*s: %lld\n", (int)strcspn(line, ":"), line, (long long)value);
        else
            fputs(line, out);
    }
    fclose(in);
    if (fclose(out) != 0)
        bench_die(CONFIG_FILE, &(struct err){.text = "cannot be written"});
    bench->config_file = CONFIG_FILE;
}
