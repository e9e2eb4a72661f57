/* host.c - the supervisor of the kitchen, as a process of its own with a log. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "life/life.h"
#include "service/connections.h"
#include "service/topology.h"
#include "store/mongoc_headers.h"

#define LINE_MAX_BYTES 8192
#define OUTPUT_MAX     65536

/* --- exchanges, queues, collections --------------------------------------------------------------- */

static void ignore_line(const char *line)
{
    (void)line;
}

/* In a process of its own: the driver of the database does not survive a fork. */
static void make_collections(struct life *life)
{
    struct err err = {0};
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct store_options options = store_options_of(&life->service, &life->engine);
        struct store *store = NULL;
        _exit(store_open(&options, &store, &err) == OUTCOME_DONE &&
                      store_apply_indexes(store, ignore_line, &err) == OUTCOME_DONE
                  ? 0
                  : 1);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        life_die("the database", "no collections");
}

void host_prepare(struct life *life)
{
    struct bus_topology topology;
    struct err err = {0};
    make_collections(life);
    if (topology_of(&life->service, &life->engine, &life->home, &topology, &err) != OUTCOME_DONE ||
        bus_declare(life->bus, &topology, &err) != OUTCOME_DONE)
        life_die("exchanges and queues", err.text);
}

/* --- the process ---------------------------------------------------------------------------------- */

/* In the supervisor's process: the plan in force and the one before it. */
static struct generation {
    struct engine_settings engine;
    struct pool_settings pool;
} generations[2];

static void spoil(const struct reload *reload, struct generation *generation)
{
    static int calls;
    if (reload->is_hopeless)
        generation->engine.token_key = STR("no key");
    if (reload->is_misled && calls++ == 0)
        generation->engine.amqp_uri = STR("amqp://guest:guest@127.0.0.1:1/%2f");
    if (reload->memory_max)
        generation->pool.memory_max = reload->memory_max;
    generation->pool.lanes += reload->lanes;
}

static enum outcome reload(void *context, const struct plan *in_force, struct plan *out,
                           struct err *err)
{
    const struct life *life = context;
    struct generation *next = &generations[in_force->settings == &generations[0].engine];
    if (life->reload.is_bad_file)
        return err_invalid(err, E_VALIDATION_FAILED, "line 7 is wrong");
    next->engine = *in_force->settings;
    next->pool = next->engine.pools.items[0];
    next->engine.pools.items = &next->pool;
    spoil(&life->reload, next);
    *out = (struct plan){.service = in_force->service, .settings = &next->engine};
    return OUTCOME_DONE;
}

static _Noreturn void become_supervisor(struct life *life)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int log = open(life->log_path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        close_range(3, ~0U, 0) != 0)
        _exit(126);
    log_set_level(LOG_INFO);
    life->engine.pools.items = &life->pool;
    life->engine.pools.count = 1;
    _exit(supervisor_run(
        &(struct supervisor_options){.plan = {.service = &life->service, .settings = &life->engine},
                                     .only = STR(""),
                                     .reload = reload,
                                     .context = life}));
}

static long log_size(const struct life *life)
{
    FILE *log = fopen(life->log_path, "r");
    long size = 0;
    if (log && fseek(log, 0, SEEK_END) == 0)
        size = ftell(log);
    if (log)
        fclose(log);
    return size;
}

void host_forget_log(struct life *life)
{
    life->log_from = log_size(life);
}

void host_start(struct life *life)
{
    host_forget_log(life);
    life->supervisor = fork();
    if (life->supervisor == 0)
        become_supervisor(life);
}

void host_start_ready(struct life *life)
{
    host_start(life);
    LIFE_AWAIT(life, host_logged(life, "lanes are ready"));
}

int host_await_end(struct life *life)
{
    int status = 0;
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (waitpid(life->supervisor, &status, WNOHANG) == 0) {
        if (clock_monotonic_us() > end_us) {
            life_fail(life, "the supervisor did not end in %d s", PATIENCE_S);
            host_kill(life);
            return -1;
        }
        life_sleep_ms(10);
    }
    life->supervisor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int host_stop(struct life *life)
{
    kill(life->supervisor, SIGTERM);
    return host_await_end(life);
}

void host_kill(struct life *life)
{
    if (!life->supervisor)
        return;
    const struct lanes lanes = host_lanes(life);
    kill(life->supervisor, SIGKILL);
    waitpid(life->supervisor, NULL, 0);
    for (size_t i = 0; i < lanes.count; i++) /* one may hang, and must not disturb the next test */
        kill(lanes.pids[i], SIGKILL);
    life->supervisor = 0;
}

struct lanes host_lanes(const struct life *life)
{
    struct lanes lanes = {0};
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", life->supervisor, life->supervisor);
    FILE *file = fopen(path, "r");
    while (file && lanes.count < LANES_MAX && fscanf(file, "%d", &lanes.pids[lanes.count]) == 1)
        lanes.count++;
    if (file)
        fclose(file);
    return lanes;
}

/* --- the log -------------------------------------------------------------------------------------- */

/* Lines that hold both texts; the last of them goes to `line`. */
static int find_lines(const struct life *life, const char *text, const char *also,
                      char last[LINE_MAX_BYTES])
{
    FILE *log = fopen(life->log_path, "r");
    char line[LINE_MAX_BYTES];
    int count = 0;
    last[0] = '\0';
    if (log && fseek(log, life->log_from, SEEK_SET) == 0)
        while (fgets(line, sizeof(line), log))
            if (strstr(line, text) && strstr(line, also)) {
                memcpy(last, line, strlen(line) + 1);
                count++;
            }
    if (log)
        fclose(log);
    return count;
}

int host_logged(const struct life *life, const char *text)
{
    char line[LINE_MAX_BYTES];
    return find_lines(life, text, "", line);
}

int host_line_number(const struct life *life, const char *text)
{
    FILE *log = fopen(life->log_path, "r");
    char line[LINE_MAX_BYTES];
    int number = 0;
    int found = 0;
    if (log && fseek(log, life->log_from, SEEK_SET) == 0)
        while (fgets(line, sizeof(line), log)) {
            number++;
            if (strstr(line, text))
                found = number;
        }
    if (log)
        fclose(log);
    return found;
}

struct str host_line(struct life *life, const char *text, const char *also)
{
    char line[LINE_MAX_BYTES];
    find_lines(life, text, also, line);
    return str_dup(&life->arena, str_of(line));
}

/* --- servers -------------------------------------------------------------------------------------- */

bool host_server(struct life *life, const char *command, const char *name)
{
    const char *root = getenv("ROOT");
    const char *dir = getenv("RIG_DIR");
    const char *pid_file = str_printf(&life->arena, "%s/%s.pid", dir ? dir : "", name).ptr;
    return access(pid_file, R_OK) == 0 &&
           system(str_printf(&life->arena, "%s/tests/rig/servers.sh %s %s %s", root ? root : ".",
                             command, dir, name)
                      .ptr) == 0;
}

/* In a process of its own, as with the collections. */
bool host_fail_mongod(struct life *life, const char *rest)
{
    int status = 0;
    const char *json =
        str_printf(&life->arena, "{\"configureFailPoint\":\"failCommand\",%s}", rest).ptr;
    const pid_t pid = fork();
    if (pid == 0) {
        bson_error_t error;
        mongoc_init();
        bson_t *command = bson_new_from_json((const uint8_t *)json, -1, &error);
        mongoc_client_t *client = mongoc_client_new(life->engine.mongodb_uri.ptr);
        _exit(command && client &&
                      mongoc_client_command_simple(client, "admin", command, NULL, NULL, &error)
                  ? 0
                  : 1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

bool host_ctl(struct life *life, const char *arguments)
{
    const char *root = getenv("ROOT");
    const char *dir = getenv("RIG_DIR");
    return dir && system(str_printf(&life->arena, "%s/tests/rig/servers.sh ctl %s %s >/dev/null",
                                    root ? root : ".", dir, arguments)
                             .ptr) == 0;
}

/* --- cartwright health ---------------------------------------------------------------------------- */

int host_health(struct life *life, bool json, struct str *out)
{
    const char *program = getenv("CARTWRIGHT");
    char *text = arena_bytes(&life->arena, OUTPUT_MAX);
    setenv("CARTWRIGHT_WORKER_STATUS_FILE", life->status_path, 1);
    FILE *pipe =
        popen(str_printf(&life->arena, "%s health %s --config %s",
                         program ? program : "./cartwright", json ? "--json" : "", getenv("CONFIG"))
                  .ptr,
              "r");
    if (!pipe)
        life_die("cartwright health", "it cannot be run");
    const size_t len = fread(text, 1, OUTPUT_MAX - 1, pipe);
    text[len] = '\0';
    *out = (struct str){text, len};
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
