/* usage.c - the processor time and memory of all who take part, as /proc tells. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

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
