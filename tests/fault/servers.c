/* servers.c - the servers of the rig: stopping them, and putting a hand inside. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/fault.h"
#include "store/mongoc_headers.h"

static const char *rig_dir(void)
{
    const char *dir = getenv("RIG_DIR");
    return dir ? dir : "build/test-run";
}

bool servers_are_ours(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.pid", rig_dir(), name);
    return access(path, R_OK) == 0;
}

static _Noreturn void become_script(const char *command, const char *name)
{
    static const char *const addresses[] = {"CARTWRIGHT_AMQP_URI", "CARTWRIGHT_MONGODB_URI",
                                            "CARTWRIGHT_REDIS_URI"};
    char path[4096];
    const char *root = getenv("ROOT");
    snprintf(path, sizeof(path), "%s/tests/rig/servers.sh", root ? root : ".");
    /* With an address in its environment it would take the server for somebody else's. */
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        unsetenv(addresses[i]);
    execl(path, "servers.sh", command, rig_dir(), name, (char *)NULL);
    _exit(127);
}

bool servers_do(const char *command, const char *name)
{
    const pid_t pid = fork();
    if (pid == 0)
        become_script(command, name);
    int status = 0;
    return waitpid(pid, &status, 0) == pid && status == 0;
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

bool servers_fail_point(struct fault *fault, const char *json)
{
    bson_error_t error;
    char *text = NULL;
    if (asprintf(&text, "{\"configureFailPoint\":\"failCommand\",%s}", json) < 0)
        panic("out of memory");
    bson_t *command = bson_new_from_json((const uint8_t *)text, -1, &error);
    mongoc_client_t *client = mongoc_client_new(fault->mongodb_uri);
    if (!command || !client)
        fault_die("a fail point", &(struct err){.text = "it cannot be written"});
    const bool ok = mongoc_client_command_simple(client, "admin", command, NULL, NULL, &error);
    mongoc_client_destroy(client);
    bson_destroy(command);
    free(text);
    return ok;
}
