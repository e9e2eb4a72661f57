/* workers.c - the real `cartwright worker`, and what /proc says about its lanes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "worker/names.h"
#include "worker/process.h"

#define LOG_FILE ".run/bench-worker.log"

static const char *program(void)
{
    const char *path = getenv("CARTWRIGHT");
    return path ? path : "./cartwright";
}

static void run_once(const char *command)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(program(), "cartwright", command, "--config", getenv("CONFIG"), (char *)NULL);
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

void bench_declare(void)
{
    run_once("topology");
    run_once("index");
}

struct str bench_declare_queue(struct bench *bench, struct str name)
{
    struct err err = {0};
    struct bus *bus;
    const struct bus_options options = bus_options_of(&bench->settings->engine, "bench");
    const struct bus_binding requests = {
        name_requests(&bench->arena, bench->settings->engine.prefix), name};
    const struct bus_queue queue = {.name = name, .bindings = &requests, .binding_count = 1};
    const struct bus_topology topology = {.queues = &queue, .queue_count = 1};
    bench_declare();
    if (bus_open(&options, &bus, &err) != OUTCOME_DONE ||
        bus_declare(bus, &topology, &err) != OUTCOME_DONE)
        bench_die("declaring a queue", &err);
    bus_close(bus);
    return name;
}

void bench_start_workers(struct bench *bench, const char *pools)
{
    bench_declare();
    unlink(LOG_FILE);
    bench->supervisor = fork();
    if (bench->supervisor == 0) {
        if (!freopen(LOG_FILE, "w", stderr))
            _exit(1);
        execl(program(), "cartwright", "worker", "--config", getenv("CONFIG"),
              pools ? "--pools" : (char *)NULL, pools, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 200 && !bench_log_says(LOG_FILE, "lanes are ready"); i++)
        usleep(100000);
}

void bench_stop_workers(struct bench *bench)
{
    kill(bench->supervisor, SIGTERM);
    waitpid(bench->supervisor, NULL, 0);
    bench->supervisor = 0;
}

/* --- /proc -------------------------------------------------------------------------------------------- */

static size_t lanes_of(const struct bench *bench, pid_t *lanes, size_t room)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", bench->supervisor, bench->supervisor);
    FILE *file = fopen(path, "r");
    size_t count = 0;
    while (file && count < room && fscanf(file, "%d", &lanes[count]) == 1)
        count++;
    if (file)
        fclose(file);
    return count;
}

static double cpu_of(pid_t pid)
{
    char path[64];
    char line[1024] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file && !fgets(line, sizeof(line), file))
        line[0] = '\0';
    if (file)
        fclose(file);
    unsigned long user = 0;
    unsigned long kernel = 0;
    const char *after_name = strrchr(line, ')');
    if (after_name)
        sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &kernel);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double lanes_cpu(const struct bench *bench)
{
    pid_t lanes[64];
    const size_t count = lanes_of(bench, lanes, 64);
    double seconds = 0;
    for (size_t i = 0; i < count; i++)
        seconds += cpu_of(lanes[i]);
    return seconds;
}

static double server_cpu(const char *name)
{
    const char *folder = getenv("RIG_DIR");
    char path[4096];
    int pid = 0;
    snprintf(path, sizeof(path), "%s/%s.pid", folder ? folder : ".", name);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file)
        fclose(file);
    return pid ? cpu_of(pid) : 0;
}

long bench_cores(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN);
}

struct cpu bench_cpu(const struct bench *bench)
{
    return (struct cpu){
        .broker = server_cpu("rabbitmq"),
        .database = server_cpu("mongod"),
        .locks = server_cpu("redis"),
        .lanes =
            (bench->supervisor ? lanes_cpu(bench) : 0) + (bench->peer ? cpu_of(bench->peer) : 0),
        .load = cpu_of(getpid()),
    };
}

void cpu_add(struct cpu *sum, const struct cpu *before, const struct cpu *after)
{
    sum->broker += after->broker - before->broker;
    sum->database += after->database - before->database;
    sum->locks += after->locks - before->locks;
    sum->lanes += after->lanes - before->lanes;
    sum->load += after->load - before->load;
}

static double rss_of(pid_t pid)
{
    char path[64];
    char line[256];
    double kib = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %lf", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib / 1024;
}

double bench_lane_rss(const struct bench *bench)
{
    pid_t lanes[64];
    const size_t count = lanes_of(bench, lanes, 64);
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = rss_of(lanes[i]) > largest ? rss_of(lanes[i]) : largest;
    return largest;
}
