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
    int64_t prefetch;     /* messages that a lane holds unacknowledged, for each queue */
    int64_t pipeline_min; /* so many must wait before a batch overlaps with the one before it */
    /* The longest run of one handler or hash of one password; the lane of a longer one is cut. */
    int64_t handler_ms;
    int64_t memory_max; /* bytes of address space of a lane; 0: no limit */
};

#define PARTITIONS_MAX 256

/* A domain whose commands keep their order under many lanes (partitions.h). */
struct partition_settings {
    struct str domain;
    int64_t count;
};

struct engine_settings {
    struct str prefix; /* first word of exchanges, queues and keys */
    int log_level;     /* enum log_level */
    struct str amqp_uri;
    struct str amqp_operator_uri; /* for commands that declare or look into queues; "": amqp_uri */
    int64_t amqp_heartbeat_ms;
    int64_t amqp_timeout_ms;
    int64_t amqp_consumer_timeout_ms;
    struct str mongodb_uri;
    int64_t mongodb_timeout_ms;
    struct str redis_uri;
    int64_t redis_timeout_ms;
    int64_t body_max;    /* bytes of one message's body */
    int64_t reply_rate;  /* bytes of long replies to one reply_to, per second; 0: no limit */
    int64_t reply_burst; /* bytes that it may have at once */
    int64_t reply_max;   /* bytes of one reply, event or notification */
    /* Patterns of queues, besides our own, that replies may be sent to. */
    LIST(struct str)
    reply_queues;
    int64_t batch_bytes; /* bytes of requests in one batch */
    int64_t held_max;    /* bytes of messages that wait in a lane during an outage */
    int64_t lease_ms;
    int64_t journal_retention_ms;
    LIST(int64_t) retry_delays; /* ms */
    int64_t relay_age_ms; /* an outbox entry that stays unpublished so long is published again */
    int64_t drain_ms;
    bool accept_unsigned_events; /* events of lanes whose version did not sign them */
    struct str status_file;      /* written by the supervisor; "": none */
    struct str master_key;
    struct str token_key;
    struct str token_issuer;
    struct str token_audience;
    int64_t token_skew_ms;
    int64_t account_check_ms;  /* for so long a check of a token against its account is relied on */
    LIST(struct str) api_keys; /* empty: any client is accepted */
    LIST(struct str) trusted_edges; /* further API keys, whose x-client-ip is believed */
    int64_t password_queue;         /* messages that wait in a lane behind the one being hashed */
    int64_t password_opslimit;
    int64_t password_memlimit;
    LIST(struct pool_settings) pools;
    LIST(struct partition_settings) partitions;
};

#define ENGINE_LISTS 2

extern const struct setting_table engine_settings_table;
extern const struct setting_list engine_lists[ENGINE_LISTS]; /* pools, partitions */

#endif
