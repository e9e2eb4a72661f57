/* settings.c - the engine's settings: names, defaults, limits. `cartwright config` prints them. */
#include "service/settings.h"

#include "base/log.h"
#include "service/delay.h"

#define AT(member)   offsetof(struct engine_settings, member)
#define POOL(member) offsetof(struct pool_settings, member)
#define PART(member) offsetof(struct partition_settings, member)
#define MIB          (1024LL * 1024)
#define DAY_MS       (24LL * 3600 * 1000)

/* clang-format off */
static const struct setting rows[] = {
    {.name = "prefix", .kind = SETTING_STR, .offset = AT(prefix), .fallback = "cartwright",
     .fixed = true, .help = "first word of every exchange, queue and key; lets environments share servers"},
    {.name = "log.level", .kind = SETTING_ENUM, .offset = AT(log_level), .fallback = "info",
     .names = log_level_names, .help = "debug, info, warn or error"},

    {.name = "amqp.uri", .kind = SETTING_SECRET, .offset = AT(amqp_uri),
     .help = "RabbitMQ: amqp[s]://user:password@host:port,host:port/vhost"},
    {.name = "amqp.operatorUri", .kind = SETTING_SECRET, .offset = AT(amqp_operator_uri),
     .fallback = "", .help = "the same for `topology` and `dead-letter`, whose user may declare and see "
                             "more; empty: amqp.uri"},
    {.name = "amqp.heartbeat", .kind = SETTING_DURATION, .offset = AT(amqp_heartbeat_ms),
     .fallback = "10s", .min = 1000, .max = 60000, .help = "a silent broker counts as lost after two"},
    {.name = "amqp.timeout", .kind = SETTING_DURATION, .offset = AT(amqp_timeout_ms),
     .fallback = "5s", .min = 100, .max = 60000, .help = "longest wait for the broker in one call"},
    {.name = "amqp.consumerTimeout", .kind = SETTING_DURATION, .offset = AT(amqp_consumer_timeout_ms),
     .fallback = "30m", .min = 1000, .max = 30 * DAY_MS,
     .help = "the broker's consumer_timeout; an outage half as long hands the messages back"},
    {.name = "mongodb.uri", .kind = SETTING_SECRET, .offset = AT(mongodb_uri),
     .fixed = true, .help = "MongoDB replica set: mongodb://host:port/database?replicaSet=rs0"},
    {.name = "mongodb.timeout", .kind = SETTING_DURATION, .offset = AT(mongodb_timeout_ms),
     .fallback = "10s", .min = 100, .max = 60000, .help = "longest wait for one answer"},
    {.name = "redis.uri", .kind = SETTING_SECRET, .offset = AT(redis_uri),
     .help = "Redis: redis://[user:password@]host:port[/db] or unix:///path"},
    {.name = "redis.timeout", .kind = SETTING_DURATION, .offset = AT(redis_timeout_ms),
     .fallback = "300ms", .min = 10, .max = 10000, .help = "longest wait for one answer"},

    {.name = "message.bodyMax", .kind = SETTING_SIZE, .offset = AT(body_max),
     .fallback = "256KiB", .min = 1024, .max = MIB, .help = "a larger request is TOO_LARGE"},
    {.name = "message.replyMax", .kind = SETTING_SIZE, .offset = AT(reply_max),
     .fallback = "1000KiB", .min = 1024, .max = 8 * MIB,
     .help = "longest reply or event; below the max_message_size of the broker (1 MiB in ours)"},
    {.name = "reply.rate", .kind = SETTING_SIZE, .offset = AT(reply_rate), .fallback = "16MiB",
     .max = 1024 * MIB, .help = "bytes of long replies that a lane sends to one reply_to in a second; 0B: no limit"},
    {.name = "reply.burst", .kind = SETTING_SIZE, .offset = AT(reply_burst), .fallback = "16MiB",
     .min = 64 * 1024, .max = 1024 * MIB, .help = "and at once"},
    {.name = "reply.queues", .kind = SETTING_STRS, .offset = AT(reply_queues), .fallback = "",
     .help = "patterns (bff.*) of queues that reply_to may name, besides direct reply-to, server-named ones and <prefix>.reply.*"},
    {.name = "batch.bytes", .kind = SETTING_SIZE, .offset = AT(batch_bytes),
     .fallback = "2MiB", .min = 64 * 1024, .max = 8 * MIB, .help = "bytes of requests in one batch"},
    {.name = "batch.heldMax", .kind = SETTING_SIZE, .offset = AT(held_max),
     .fallback = "32MiB", .min = MIB, .max = 4096 * MIB,
     .help = "bytes of messages that wait in a lane during an outage; more go back to the broker"},
    {.name = "lock.lease", .kind = SETTING_DURATION, .offset = AT(lease_ms),
     .fallback = "5s", .min = 100, .max = 60000, .help = "life of a lock whose lane is gone"},
    {.name = "journal.retention", .kind = SETTING_DURATION, .offset = AT(journal_retention_ms),
     .fallback = "30d", .min = 3600000, .max = 400 * DAY_MS,
     .help = "how long a repeated message id is recognised"},
    {.name = "retry.delays", .kind = SETTING_DURATIONS, .offset = AT(retry_delays),
     .fallback = "1s,10s,1m,10m", .min = DELAY_UNIT_MS, .max = DELAY_MAX_MS,
     .help = "rounds of a failing message before the dead letters; each up to a fifth longer"},
    {.name = "relay.age", .kind = SETTING_DURATION, .offset = AT(relay_age_ms),
     .fallback = "10s", .min = 100, .max = 600000,
     .help = "events unconfirmed for so long are published again"},
    {.name = "events.acceptUnsigned", .kind = SETTING_BOOL, .offset = AT(accept_unsigned_events),
     .fallback = "false",
     .help = "take up events without a signature: only while lanes of a version before 2 still run"},
    {.name = "drain.timeout", .kind = SETTING_DURATION, .offset = AT(drain_ms),
     .fallback = "25s", .min = 1000, .max = 600000, .help = "time to finish after SIGTERM"},
    {.name = "worker.statusFile", .kind = SETTING_STR, .offset = AT(status_file), .fallback = "",
     .help = "where the supervisor writes its state for `cartwright health`; empty: nowhere"},

    {.name = "auth.masterKey", .kind = SETTING_SECRET, .offset = AT(master_key),
     .fixed = true, .help = "64 hex digits: seals, signs and digests; several with commas: the first one makes, all verify"},
    {.name = "auth.tokenKey", .kind = SETTING_SECRET, .offset = AT(token_key),
     .fixed = true, .help = "64 hex digits: signs access tokens (HS256)"},
    {.name = "auth.issuer", .kind = SETTING_STR, .offset = AT(token_issuer),
     .fallback = "cartwright", .help = "iss of access tokens"},
    {.name = "auth.audience", .kind = SETTING_STR, .offset = AT(token_audience),
     .fallback = "cartwright-shop", .help = "aud of access tokens"},
    {.name = "auth.skew", .kind = SETTING_DURATION, .offset = AT(token_skew_ms),
     .fallback = "60s", .max = 300000, .help = "tolerated difference of clocks"},
    {.name = "auth.accountCheck", .kind = SETTING_DURATION, .offset = AT(account_check_ms),
     .fallback = "5s", .max = 600000,
     .help = "how long a customer's token may outlive a change that Redis did not tell of"},
    {.name = "auth.apiKeys", .kind = SETTING_SECRETS, .offset = AT(api_keys), .fallback = "",
     .min = 16, .help = "accepted values of header x-api-key, 16 bytes or more; empty: none is asked for"},
    {.name = "auth.trustedEdges", .kind = SETTING_SECRETS, .offset = AT(trusted_edges), .fallback = "",
     .min = 16, .help = "further API keys, whose header x-client-ip is believed"},
    {.name = "auth.passwordQueue", .kind = SETTING_INT, .offset = AT(password_queue),
     .fallback = "32", .max = 1000,
     .help = "log-ins and the like that wait in a lane behind one that is under way; more are RATE_LIMITED"},
    {.name = "auth.passwordPasses", .kind = SETTING_INT, .offset = AT(password_opslimit),
     .fallback = "3", .min = 2, .max = 20, .help = "argon2id passes"},
    {.name = "auth.passwordMemory", .kind = SETTING_SIZE, .offset = AT(password_memlimit),
     .fallback = "64MiB", .min = 19 * MIB, .max = 1024 * MIB, .help = "argon2id memory"},
};

static const struct setting pool_rows[] = {
    {.name = "name", .kind = SETTING_STR, .offset = POOL(name), .fixed = true,
     .help = "shown in logs"},
    {.name = "domains", .kind = SETTING_STRS, .offset = POOL(domains), .former = "workers",
     .fixed = true, .help = "whose queues its lanes serve"},
    {.name = "lanes", .kind = SETTING_INT, .offset = POOL(lanes), .fallback = "1", .min = 1,
     .max = 64, .help = "processes"},
    {.name = "batchMax", .kind = SETTING_INT, .offset = POOL(batch_max), .fallback = "128",
     .min = 1, .max = 1024, .help = "messages of one batch"},
    {.name = "prefetch", .kind = SETTING_INT, .offset = POOL(prefetch), .fallback = "256",
     .min = 1, .max = 4096, .help = "messages a lane holds unacknowledged"},
    {.name = "pipelineMin", .kind = SETTING_INT, .offset = POOL(pipeline_min), .fallback = "32",
     .min = 1, .max = 1024, .help = "so many must wait before a batch overlaps with the last one"},
    {.name = "handlerMax", .kind = SETTING_DURATION, .offset = POOL(handler_ms), .fallback = "10s",
     .min = 100, .max = 600000, .help = "a handler or password that takes longer hangs: cut"},
    {.name = "memoryMax", .kind = SETTING_SIZE, .offset = POOL(memory_max), .fallback = "4GiB",
     .max = 1024LL * 1024 * MIB, .help = "address space of a lane; 0B: no limit"},
};

static const struct setting partition_rows[] = {
    {.name = "domain", .kind = SETTING_STR, .offset = PART(domain), .fixed = true,
     .former = "worker",
     .help = "whose requests keep their order, by x-partition-key, under many lanes"},
    {.name = "count", .kind = SETTING_INT, .offset = PART(count), .min = 1, .max = PARTITIONS_MAX,
     .fixed = true, .help = "queues that they are spread over; at least as many as lanes"},
};
/* clang-format on */

const struct setting_table engine_settings_table = {rows, sizeof(rows) / sizeof(rows[0])};

const struct setting_list engine_lists[ENGINE_LISTS] = {
    {
        .name = "pools",
        .items = pool_rows,
        .item_count = sizeof(pool_rows) / sizeof(pool_rows[0]),
        .item_size = sizeof(struct pool_settings),
        .offset = AT(pools),
    },
    {
        .name = "partitions",
        .items = partition_rows,
        .item_count = sizeof(partition_rows) / sizeof(partition_rows[0]),
        .item_size = sizeof(struct partition_settings),
        .offset = AT(partitions),
    },
};
