/* peers.c - workers as other teams write them, behind queues of their own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "worker/names.h"
#include "worker/process.h"

#define RUN_SH        "tests/bench/peers/run.sh"
#define LOG_FILE      ".run/bench-peer.log"
#define READY_SECONDS 30

static void become(const char *name, const char *queue, int concurrency)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", concurrency);
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

struct str bench_start_peer(struct bench *bench, const char *name, int concurrency)
{
    const struct str queue =
        bench_declare_queue(bench, str_printf(&bench->arena, "bench.%s", name));
    bench->peer = fork();
    if (bench->peer == 0)
        become(name, queue.ptr, concurrency);
    await_ready(bench);
    return queue;
}

void bench_stop_peer(struct bench *bench)
{
    kill(bench->peer, SIGKILL);
    waitpid(bench->peer, NULL, 0);
    bench->peer = 0;
}
