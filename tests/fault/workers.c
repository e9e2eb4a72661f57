/* workers.c - the real `cartwright worker`: its supervisor, its lanes, its log. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fault/fault.h"

#define TICK_MS 20
#define STOP_S  40 /* the drain itself takes up to 25 */

static const char *program(void)
{
    const char *path = getenv("CARTWRIGHT");
    return path ? path : "./cartwright";
}

/* Of two releases side by side the other one has the second place (tests/rig/rolling.sh). */
static const char *program_at(size_t index)
{
    const char *beside = getenv("BESIDE");
    return index == 1 && beside ? beside : program();
}

static _Noreturn void become(const char *path, const char *command, const char *log_path,
                             const char *mode)
{
    /* Whatever ends this program ends them. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!freopen("/dev/null", "r", stdin) || !freopen(log_path, mode, stdout) ||
        dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        _exit(126);
    execl(path, "cartwright", command, "--config", getenv("CONFIG"), (char *)NULL);
    _exit(127);
}

static bool run_command(const char *path, const char *command)
{
    const pid_t pid = fork();
    if (pid == 0)
        become(path, command, "/dev/null", "w");
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The other release was there first: its indexes and bindings are what ours meet. */
bool workers_command(const char *command)
{
    return (!getenv("BESIDE") || run_command(program_at(1), command)) &&
           run_command(program(), command);
}

/* --- the log ------------------------------------------------------------------------------------ */

static long log_size(const struct fault *fault)
{
    FILE *log = fopen(fault->log_path, "r");
    long size = 0;
    if (log && fseek(log, 0, SEEK_END) == 0)
        size = ftell(log);
    if (log)
        fclose(log);
    return size;
}

int workers_logged_since(const struct fault *fault, const char *text, long *from)
{
    FILE *log = fopen(fault->log_path, "r");
    char line[8192];
    int count = 0;
    if (log && fseek(log, *from, SEEK_SET) == 0)
        while (fgets(line, sizeof(line), log) && !feof(log)) {
            count += strstr(line, text) != NULL;
            *from = ftell(log);
        }
    if (log)
        fclose(log);
    return count;
}

int workers_logged(const struct fault *fault, const char *text)
{
    long from = fault->log_from;
    return workers_logged_since(fault, text, &from);
}

/* --- starting and stopping ------------------------------------------------------------------------ */

static void await_ready(struct fault *fault)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    const struct err late = {.text = "they are not ready"};
    while (workers_logged(fault, "lanes are ready") < (int)fault->supervisor_count) {
        if (clock_monotonic_us() > end_us)
            fault_die("the workers", &late);
        fault_sleep_ms(TICK_MS);
    }
}

void workers_start_one(struct fault *fault, size_t index, const char *crashpoint)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (crashpoint)
            setenv("CARTWRIGHT_CRASHPOINT", crashpoint, 1);
        if (fault->proxy)
            links_set_environment(fault);
        become(program_at(index), "worker", fault->log_path, "a");
    }
    fault->supervisors[index] = pid;
}

void workers_start(struct fault *fault, size_t supervisors, const char *crashpoint)
{
    fault->log_from = log_size(fault);
    fault->supervisor_count = supervisors;
    for (size_t i = 0; i < supervisors; i++)
        workers_start_one(fault, i, crashpoint);
    await_ready(fault);
}

static bool has_ended(pid_t pid, int *status)
{
    const int64_t end_us = clock_monotonic_us() + STOP_S * 1000000LL;
    while (waitpid(pid, status, WNOHANG) == 0) {
        if (clock_monotonic_us() > end_us)
            return false;
        fault_sleep_ms(TICK_MS);
    }
    return true;
}

static void stop_one(struct fault *fault, pid_t supervisor)
{
    int status = 0;
    kill(supervisor, SIGTERM);
    if (!has_ended(supervisor, &status)) {
        fault_fail(fault, "the workers did not stop in %d s", STOP_S);
        kill(supervisor, SIGKILL);
        waitpid(supervisor, &status, 0);
    } else if (status != 0) {
        fault_fail(fault, "the workers ended with status %d", status);
    }
}

void workers_stop(struct fault *fault)
{
    for (size_t i = 0; i < fault->supervisor_count; i++)
        if (fault->supervisors[i])
            stop_one(fault, fault->supervisors[i]);
    fault->supervisor_count = 0;
}

static void add_lanes(pid_t supervisor, struct lanes *lanes)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", supervisor, supervisor);
    FILE *file = fopen(path, "r");
    while (file && lanes->count < FAULT_LANES_MAX &&
           fscanf(file, "%d", &lanes->pids[lanes->count]) == 1)
        lanes->count++;
    if (file)
        fclose(file);
}

struct lanes workers_lanes_of(pid_t supervisor)
{
    struct lanes lanes = {0};
    add_lanes(supervisor, &lanes);
    return lanes;
}

struct lanes workers_lanes(const struct fault *fault)
{
    struct lanes lanes = {0};
    for (size_t i = 0; i < fault->supervisor_count; i++)
        if (fault->supervisors[i])
            add_lanes(fault->supervisors[i], &lanes);
    return lanes;
}

/* Gone, or dead and not yet reaped by whoever is its parent now. */
bool workers_is_gone(pid_t pid)
{
    char path[64];
    char line[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return true;
    const bool read = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    const char *after_name = strrchr(line, ')');
    return !read || !after_name || after_name[2] == 'Z';
}
