/* peers.c - workers as other teams write them, behind queues of their own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RUN_SH        "tests/bench/peers/run.sh"
#define LOG_FILE      ".run/bench-peer.log"
#define READY_SECONDS 30

static void become(const char *name, const char *queue, int concurrency)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", concurrency);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("PEER_QUEUE", queue, 1);
    setenv("PEER_CONCURRENCY", text, 1);
    if (!freopen(LOG_FILE, "w", stderr))
        _exit(1);
    execl(RUN_SH, RUN_SH, name, (char *)NULL);
    _exit(127);
}

static void await_ready(struct bench *bench)
{
    for (int i = 0; i < READY_SECONDS * 10; i++) {
        if (bench_log_says(LOG_FILE, "peer: ready"))
            return;
        if (waitpid(bench->peer, NULL, WNOHANG) != 0)
            break;
        usleep(100000);
    }
    bench_die("starting a peer", &(struct err){.text = "it does not run; see " LOG_FILE});
}

void bench_start_peer(struct bench *bench, const char *name, int concurrency)
{
    const struct str queue = str_printf(&bench->arena, "bench.%s", name);
    char prefix[64];
    snprintf(prefix, sizeof(prefix), "bench.%s.", name);
    bench_declare_queue(bench, queue);
    bench_name_operations(bench, prefix);
    bench->peer = fork();
    if (bench->peer == 0)
        become(name, queue.ptr, concurrency);
    await_ready(bench);
}

void bench_stop_peer(struct bench *bench)
{
    kill(bench->peer, SIGKILL);
    waitpid(bench->peer, NULL, 0);
    bench->peer = 0;
    bench_name_operations(bench, "");
}
