/* proxy.c - one poll() loop; every connection is two pipes with one buffer each.
 *
 * A pipe reads when its buffer is empty, and writes when the buffer is due: what a mode delays or
 * holds stays in the sender's kernel, which is what a slow or dead line does to it. */
#include "support/proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

#define CONNECTIONS_MAX 256
#define BUFFER          16384
#define SLICE           7
#define CRAWL_US        30000
#define TICK_MS         5 /* how late a change of mode may be seen */
#define BACKLOG         64

struct proxy {
    pid_t pid;
    struct {
        uint16_t target, port;
        _Atomic int mode;
        _Atomic unsigned cuts;
    } links[LINKS];
};

/* One direction of a connection. */
struct pipe {
    char bytes[BUFFER];
    size_t at, len;
    int64_t due_us;
    bool ended; /* its source has said all */
};

struct connection {
    bool used;
    enum link link;
    int worker, server;
    struct pipe asking, answer;
};

struct loop {
    struct proxy *proxy;
    int listeners[LINKS]; /* -1: closed */
    unsigned cuts[LINKS]; /* that were carried out */
    struct connection *connections;
    struct connection *watched[CONNECTIONS_MAX]; /* by poll(), in pairs behind the listeners */
    size_t watched_count;
};

/* --- sockets ------------------------------------------------------------------------------------ */

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* -1: it is taken. */
static int listen_at(uint16_t port)
{
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = loopback(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Beside the server's own, which servers.sh chose with care. */
static int listen_beside(uint16_t target, uint16_t *port)
{
    int fd;
    *port = target;
    do
        fd = listen_at(++*port);
    while (fd < 0 && *port < UINT16_MAX);
    return fd;
}

/* Loopback answers at once, yes or no. */
static int connect_to(uint16_t port)
{
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = loopback(port);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void reset_socket(int fd)
{
    const struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void reset_connection(struct connection *connection)
{
    reset_socket(connection->worker);
    reset_socket(connection->server);
    connection->used = false;
}

/* --- bytes -------------------------------------------------------------------------------------- */

static bool is_held(const struct loop *loop, const struct connection *connection,
                    const struct pipe *pipe)
{
    const int mode = loop->proxy->links[connection->link].mode;
    return mode == LINK_STALLS || (mode == LINK_HOLDS_ASKING && pipe == &connection->asking) ||
           (mode == LINK_HOLDS_ANSWER && pipe == &connection->answer);
}

/* False when the connection is broken. */
static bool fill(struct pipe *pipe, int from, int mode)
{
    const ssize_t got = recv(from, pipe->bytes, BUFFER, MSG_DONTWAIT);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    pipe->ended = got == 0;
    pipe->at = 0;
    pipe->len = (size_t)got;
    pipe->due_us = mode == LINK_CRAWLS ? clock_monotonic_us() + CRAWL_US : 0;
    return true;
}

static bool drain(struct pipe *pipe, int to, int mode)
{
    const size_t rest = pipe->len - pipe->at;
    const size_t most = mode == LINK_SLICES && rest > SLICE ? SLICE : rest;
    const ssize_t sent = send(to, pipe->bytes + pipe->at, most, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    pipe->at += (size_t)sent;
    return true;
}

static bool move(struct loop *loop, const struct connection *connection, struct pipe *pipe,
                 int from, int to)
{
    const int mode = loop->proxy->links[connection->link].mode;
    if (is_held(loop, connection, pipe))
        return true;
    if (pipe->at == pipe->len && !fill(pipe, from, mode))
        return false;
    if (pipe->at < pipe->len && clock_monotonic_us() >= pipe->due_us && !drain(pipe, to, mode))
        return false;
    /* A half-closed connection of these protocols is a closed one. */
    return !pipe->ended;
}

static void serve(struct loop *loop, struct connection *connection)
{
    if (move(loop, connection, &connection->asking, connection->worker, connection->server) &&
        move(loop, connection, &connection->answer, connection->server, connection->worker))
        return;
    close(connection->worker);
    close(connection->server);
    connection->used = false;
}

/* --- the loop ----------------------------------------------------------------------------------- */

static struct connection *free_connection(struct loop *loop)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (!loop->connections[i].used)
            return &loop->connections[i];
    return NULL;
}

static void take_connection(struct loop *loop, enum link link)
{
    const int on = 1;
    const int worker = accept4(loop->listeners[link], NULL, NULL, SOCK_CLOEXEC);
    if (worker < 0)
        return;
    struct connection *connection = free_connection(loop);
    const int server = connection ? connect_to(loop->proxy->links[link].target) : -1;
    if (server < 0) {
        reset_socket(worker);
        return;
    }
    setsockopt(worker, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->used = true;
    connection->link = link;
    connection->worker = worker;
    connection->server = server;
    connection->asking.at = connection->asking.len = 0;
    connection->answer.at = connection->answer.len = 0;
    connection->asking.ended = connection->answer.ended = false;
}

static void obey(struct loop *loop, enum link link)
{
    const bool refuses = loop->proxy->links[link].mode == LINK_REFUSES;
    const unsigned cuts = loop->proxy->links[link].cuts;
    if (refuses || cuts != loop->cuts[link])
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            if (loop->connections[i].used && loop->connections[i].link == link)
                reset_connection(&loop->connections[i]);
    loop->cuts[link] = cuts;
    if (refuses && loop->listeners[link] >= 0) {
        close(loop->listeners[link]);
        loop->listeners[link] = -1;
    } else if (!refuses && loop->listeners[link] < 0) {
        loop->listeners[link] = listen_at(loop->proxy->links[link].port);
    }
}

/* POLLIN where a pipe could take, POLLOUT where it has something that is due. */
static short events_of(const struct loop *loop, const struct connection *connection,
                       const struct pipe *in, const struct pipe *out)
{
    short events = 0;
    if (!is_held(loop, connection, in) && in->at == in->len)
        events |= POLLIN;
    if (!is_held(loop, connection, out) && out->at < out->len &&
        clock_monotonic_us() >= out->due_us)
        events |= POLLOUT;
    return events;
}

/* A held connection is not watched at all: its end would wake us again and again. */
static void watch(struct loop *loop, struct connection *connection, struct pollfd pair[2])
{
    const short worker = events_of(loop, connection, &connection->asking, &connection->answer);
    const short server = events_of(loop, connection, &connection->answer, &connection->asking);
    pair[0] = (struct pollfd){.fd = worker ? connection->worker : -1, .events = worker};
    pair[1] = (struct pollfd){.fd = server ? connection->server : -1, .events = server};
    loop->watched[loop->watched_count++] = connection;
}

static void wait_for(struct loop *loop, struct pollfd *fds)
{
    for (size_t i = 0; i < LINKS; i++)
        fds[i] = (struct pollfd){.fd = loop->listeners[i], .events = POLLIN};
    loop->watched_count = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (loop->connections[i].used)
            watch(loop, &loop->connections[i], &fds[LINKS + 2 * loop->watched_count]);
    if (poll(fds, LINKS + 2 * loop->watched_count, TICK_MS) < 0 && errno != EINTR)
        panic("poll: %s", strerror(errno));
}

static _Noreturn void run(struct loop *loop)
{
    static struct pollfd fds[LINKS + 2 * CONNECTIONS_MAX];
    for (;;) {
        for (size_t i = 0; i < LINKS; i++)
            obey(loop, (enum link)i);
        wait_for(loop, fds);
        for (size_t i = 0; i < loop->watched_count; i++)
            if (fds[LINKS + 2 * i].revents || fds[LINKS + 2 * i + 1].revents)
                serve(loop, loop->watched[i]);
        for (size_t i = 0; i < LINKS; i++)
            if (fds[i].revents & POLLIN)
                take_connection(loop, (enum link)i);
    }
}

/* --- from outside ------------------------------------------------------------------------------- */

struct proxy *proxy_start(const uint16_t targets[LINKS])
{
    struct proxy *proxy =
        mmap(NULL, sizeof(*proxy), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct loop loop = {.proxy = proxy,
                        .connections = calloc(CONNECTIONS_MAX, sizeof(struct connection))};
    if (proxy == MAP_FAILED || !loop.connections)
        panic("out of memory for the proxy");
    for (size_t i = 0; i < LINKS; i++) {
        proxy->links[i].target = targets[i];
        loop.listeners[i] = listen_beside(targets[i], &proxy->links[i].port);
    }
    const pid_t program = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != program)
            _exit(0); /* it ended before we could ask to be told */
        run(&loop);
    }
    proxy->pid = pid;
    for (size_t i = 0; i < LINKS; i++)
        close(loop.listeners[i]);
    free(loop.connections);
    return proxy;
}

void proxy_stop(struct proxy *proxy)
{
    kill(proxy->pid, SIGKILL);
    waitpid(proxy->pid, NULL, 0);
    munmap(proxy, sizeof(*proxy));
}

uint16_t proxy_port(const struct proxy *proxy, enum link link)
{
    return proxy->links[link].port;
}

void proxy_set(struct proxy *proxy, enum link link, enum link_mode mode)
{
    proxy->links[link].mode = (int)mode;
}

void proxy_cut(struct proxy *proxy, enum link link)
{
    proxy->links[link].cuts++;
}
