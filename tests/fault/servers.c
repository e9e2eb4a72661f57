/* servers.c - the servers of the rig: stopping them, and putting a hand inside. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/fault.h"
#include "store/mongoc_headers.h"

const char *servers_dir(void)
{
    const char *dir = getenv("RIG_DIR");
    return dir ? dir : "build/test-run";
}

bool servers_are_ours(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.pid", servers_dir(), name);
    return access(path, R_OK) == 0;
}

/* servers.sh COMMAND RIG_DIR WORDS... */
static _Noreturn void become_script(const char *command, const char *const words[4])
{
    static const char *const addresses[] = {
        "CARTWRIGHT_AMQP_URI",        "CARTWRIGHT_AMQP_OPERATOR_URI", "CARTWRIGHT_CLIENT_AMQP_URI",
        "CARTWRIGHT_READER_AMQP_URI", "CARTWRIGHT_MONGODB_URI",       "CARTWRIGHT_REDIS_URI"};
    char path[4096];
    const char *root = getenv("ROOT");
    snprintf(path, sizeof(path), "%s/tests/rig/servers.sh", root ? root : ".");
    /* With an address in its environment it would take the server for somebody else's. */
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        unsetenv(addresses[i]);
    execl(path, "servers.sh", command, servers_dir(), words[0], words[1], words[2], words[3],
          (char *)NULL);
    _exit(127);
}

static bool run_script(const char *command, const char *const words[4])
{
    const pid_t pid = fork();
    if (pid == 0)
        become_script(command, words);
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

bool servers_do(const char *command, const char *name)
{
    return run_script(command, (const char *const[4]){name});
}

bool servers_rabbitmqctl(const char *command, const char *argument, const char *value)
{
    return run_script("ctl", (const char *const[4]){"-q", command, argument, value});
}

/* --- through the proxy -------------------------------------------------------------------------- */

/* Where the port of "scheme://user:pass@host:port/path?options" begins. */
static const char *port_in(const char *uri)
{
    const char *host = strstr(uri, "://");
    const char *end = host ? host + 3 + strcspn(host + 3, "/?") : NULL;
    while (end && end > host + 3 && *end != ':')
        end--;
    if (!end || *end != ':')
        fault_die("the address of a server", &(struct err){.text = "it has no port"});
    return end + 1;
}

static const char *uri_of(const struct fault *fault, enum link link)
{
    const char *const uris[LINKS] = {
        [LINK_RABBITMQ] = fault->settings->engine.amqp_uri.ptr,
        [LINK_MONGOD] = fault->mongodb_uri,
        [LINK_REDIS] = fault->settings->engine.redis_uri.ptr,
    };
    return uris[link];
}

struct proxy *links_open(const struct fault *fault)
{
    uint16_t targets[LINKS];
    for (size_t i = 0; i < LINKS; i++)
        targets[i] = (uint16_t)strtol(port_in(uri_of(fault, (enum link)i)), NULL, 10);
    return proxy_start(targets);
}

static void set_link(const struct fault *fault, enum link link, const char *name,
                     const char *options)
{
    const char *uri = uri_of(fault, link);
    const char *port = port_in(uri);
    const char *rest = port + strspn(port, "0123456789");
    char text[1024];
    snprintf(text, sizeof(text), "%.*s%d%.*s%s", (int)(port - uri), uri,
             proxy_port(fault->proxy, link), options ? (int)strcspn(rest, "?") : (int)strlen(rest),
             rest, options ? options : "");
    setenv(name, text, 1);
}

/* A driver that looked for the replica set would find the server itself, past the proxy. */
void links_set_environment(const struct fault *fault)
{
    /* Longer than MongoDB lets a transaction live whose lane died with its supervisor. */
    setenv("CARTWRIGHT_RETRY_DELAYS", "100ms,300ms,20s", 1);
    set_link(fault, LINK_RABBITMQ, "CARTWRIGHT_AMQP_URI", NULL);
    set_link(fault, LINK_MONGOD, "CARTWRIGHT_MONGODB_URI", "?directConnection=true");
    set_link(fault, LINK_REDIS, "CARTWRIGHT_REDIS_URI", NULL);
}

/* --- Redis -------------------------------------------------------------------------------------- */

static redisContext *open_redis(const struct fault *fault)
{
    const char *uri = fault->settings->engine.redis_uri.ptr;
    char host[256];
    int port = 0;
    if (sscanf(uri, "redis://%255[^:/]:%d", host, &port) != 2)
        fault_die("the address of Redis", &(struct err){.text = "no host and port"});
    redisContext *redis = redisConnect(host, port);
    if (!redis || redis->err)
        fault_die("Redis", &(struct err){.text = "it does not answer"});
    return redis;
}

void servers_redis(struct fault *fault, const char *command)
{
    redisContext *redis = open_redis(fault);
    redisReply *reply = redisCommand(redis, command);
    if (!reply)
        fault_die("Redis", &(struct err){.text = "it does not answer"});
    freeReplyObject(reply);
    redisFree(redis);
}

/* --- MongoDB ------------------------------------------------------------------------------------ */

bool servers_mongodb(struct fault *fault, const char *database, const char *json)
{
    bson_error_t error;
    bson_t *command = bson_new_from_json((const uint8_t *)json, -1, &error);
    mongoc_client_t *client = mongoc_client_new(fault->mongodb_uri);
    if (!command || !client)
        fault_die("a command of MongoDB", &(struct err){.text = "it cannot be written"});
    const bool ok = mongoc_client_command_simple(client, database, command, NULL, NULL, &error);
    mongoc_client_destroy(client);
    bson_destroy(command);
    return ok;
}
