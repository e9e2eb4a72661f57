/* settings.h - the engine's part of the configuration. */
#ifndef CARTWRIGHT_SERVICE_SETTINGS_H
#define CARTWRIGHT_SERVICE_SETTINGS_H

#include "base/fields.h"
#include "config/config.h"

struct pool_settings {
    struct str name;
    LIST(struct str) domains;
    int64_t lanes;
    int64_t batch_max;    /* messages of one batch */
    int64_t prefetch;     /* messages a lane holds unacknowledged */
    int64_t pipeline_min; /* messages that must wait before a batch overlaps with the last one */
    int64_t handler_ms;   /* longest run of one handler, then its lane is cut */
    int64_t memory_max;   /* bytes of address space of a lane; 0: no limit */
};

#define PARTITIONS_MAX 256

/* A domain whose commands keep their order under many lanes (partitions.h). */
struct partition_settings {
    struct str domain;
    int64_t count;
};

struct engine_settings {
    struct str prefix; /* of exchanges, queues, keys */
    int log_level;     /* enum log_level */
    struct str amqp_uri;
    struct str amqp_operator_uri; /* of commands that declare and look into queues; "": amqp_uri */
    int64_t amqp_heartbeat_ms;
    int64_t amqp_timeout_ms;
    int64_t amqp_consumer_timeout_ms;
    struct str mongodb_uri;
    int64_t mongodb_timeout_ms;
    struct str redis_uri;
    int64_t redis_timeout_ms;
    int64_t body_max;    /* bytes of one message */
    int64_t reply_rate;  /* bytes of replies for one reply_to, in a second; 0: no limit */
    int64_t reply_burst; /* and at once */
    int64_t reply_max;   /* bytes of one reply, event or notification */
    LIST(struct str)
    reply_queues;        /* patterns of queues that replies may be sent to, besides our own */
    int64_t batch_bytes; /* bytes of one batch */
    int64_t held_max;    /* bytes of messages that wait in a lane */
    int64_t lease_ms;
    int64_t journal_retention_ms;
    LIST(int64_t) retry_delays; /* ms */
    int64_t relay_age_ms;       /* an unpublished outbox entry this old is published again */
    int64_t drain_ms;
    bool accept_unsigned_events; /* of a version that did not sign them */
    struct str status_file;      /* of the supervisor; "" for none */
    struct str master_key;
    struct str token_key;
    struct str token_issuer;
    struct str token_audience;
    int64_t token_skew_ms;
    int64_t account_check_ms;       /* a verified token is checked against the account this often */
    LIST(struct str) api_keys;      /* empty: any client */
    LIST(struct str) trusted_edges; /* API keys, too */
    int64_t password_queue;         /* messages that wait for one password to be hashed */
    int64_t password_opslimit;
    int64_t password_memlimit;
    LIST(struct pool_settings) pools;
    LIST(struct partition_settings) partitions;
};

#define ENGINE_LISTS 2

extern const struct setting_table engine_settings_table;
extern const struct setting_list engine_lists[ENGINE_LISTS]; /* pools, partitions */

#endif
