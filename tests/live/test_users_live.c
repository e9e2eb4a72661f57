/* What the broker's users may and may not do, tried on a real RabbitMQ that has the permissions of
 * docker/rabbitmq-definitions.json. Each row of the table is one action of one user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bus/bus_amqp.h"

#define CHANNEL 2

static const char *const addresses[] = {
    "CARTWRIGHT_AMQP_URI",
    "CARTWRIGHT_AMQP_OPERATOR_URI",
    "CARTWRIGHT_CLIENT_AMQP_URI",
    "CARTWRIGHT_READER_AMQP_URI",
};

enum user { WORKER, OPERATOR, WEB, READER, USERS };

static const char *const user_names[] = {"worker", "operator", "web", "reader"};

struct users {
    char prefix[32];
    struct bus_uri uris[USERS];
    struct link links[USERS];
};

static void ignore_delivery(void *owner, struct delivery *delivery)
{
    (void)owner;
    delivery_free(delivery);
}

static void ignore_confirm(void *owner, uint64_t tag, bool multiple, bool ok)
{
    (void)owner, (void)tag, (void)multiple, (void)ok;
}

static const struct link_events events = {ignore_delivery, ignore_delivery, ignore_confirm};

#define assert_done(call)                                                                          \
    do {                                                                                           \
        if ((call) != OUTCOME_DONE)                                                                \
            fail_msg("%s", err.text);                                                              \
    } while (0)

/* --- what can be tried ---------------------------------------------------------------------------- */

/* `name` is the whole one; "" is a queue that the broker names. */
typedef enum outcome attempt(struct link *link, struct str name, struct err *err);

static enum outcome declare_queue(struct link *link, struct str name, struct err *err)
{
    amqp_queue_declare_t declare = {.queue = amqp_bytes_of(name), .exclusive = true};
    return link_call(link, CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &declare,
                     AMQP_QUEUE_DECLARE_OK_METHOD, err);
}

static enum outcome declare_exchange(struct link *link, struct str name, const char *kind,
                                     struct err *err)
{
    amqp_exchange_declare_t declare = {.exchange = amqp_bytes_of(name),
                                       .type = amqp_cstring_bytes(kind)};
    return link_call(link, CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &declare,
                     AMQP_EXCHANGE_DECLARE_OK_METHOD, err);
}

static enum outcome declare_topic(struct link *link, struct str name, struct err *err)
{
    return declare_exchange(link, name, "topic", err);
}

/* Bindings of such an exchange with huge weights eat the broker's memory. */
static enum outcome declare_hash(struct link *link, struct str name, struct err *err)
{
    return declare_exchange(link, name, BUS_CONSISTENT_HASH, err);
}

/* An own queue whose expired messages the broker publishes to the exchange. */
static enum outcome dead_letter_to(struct link *link, struct str name, struct err *err)
{
    amqp_table_entry_t exchange = {
        .key = amqp_cstring_bytes("x-dead-letter-exchange"),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_bytes_of(name)}};
    amqp_queue_declare_t declare = {.exclusive = true, .arguments = {1, &exchange}};
    return link_call(link, CHANNEL, AMQP_QUEUE_DECLARE_METHOD, &declare,
                     AMQP_QUEUE_DECLARE_OK_METHOD, err);
}

/* The last queue that the broker has named on this channel. */
static enum outcome bind_own_queue(struct link *link, struct str name, struct err *err)
{
    TRY(declare_queue(link, STR(""), err));
    amqp_queue_bind_t bind = {.exchange = amqp_bytes_of(name),
                              .routing_key = amqp_cstring_bytes("#")};
    return link_call(link, CHANNEL, AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD, err);
}

static enum outcome bind_to_events(struct link *link, struct str queue, struct err *err)
{
    char exchange[64];
    const int prefix = (int)strcspn(queue.ptr, ".");
    snprintf(exchange, sizeof(exchange), "%.*s.events", prefix, queue.ptr);
    amqp_queue_bind_t bind = {.queue = amqp_bytes_of(queue),
                              .exchange = amqp_cstring_bytes(exchange),
                              .routing_key = amqp_cstring_bytes("#")};
    return link_call(link, CHANNEL, AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD, err);
}

static enum outcome publish_by(struct link *link, struct str exchange, struct str key,
                               struct err *err)
{
    const struct bus_message message = {
        .exchange = exchange, .routing_key = key, .body = STR("{}"), .transient = true};
    amqp_basic_qos_t qos = {.prefetch_count = 1};
    assert_true(frames_add_message(&link->out, CHANNEL, &message, 0));
    /* A publish is not answered; what comes next on the channel is, or is not. */
    return link_call(link, CHANNEL, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, err);
}

static enum outcome publish_to(struct link *link, struct str name, struct err *err)
{
    return publish_by(link, name, STR("no.such.key"), err);
}

/* By the default exchange, past all others. */
static enum outcome publish_into_queue(struct link *link, struct str name, struct err *err)
{
    return publish_by(link, STR(""), name, err);
}

static enum outcome consume(struct link *link, struct str name, struct err *err)
{
    amqp_basic_consume_t consume = {.queue = amqp_bytes_of(name)};
    return link_call(link, CHANNEL, AMQP_BASIC_CONSUME_METHOD, &consume,
                     AMQP_BASIC_CONSUME_OK_METHOD, err);
}

static enum outcome consume_direct_replies(struct link *link, struct str name, struct err *err)
{
    (void)name;
    amqp_basic_consume_t consume = {.queue = amqp_cstring_bytes("amq.rabbitmq.reply-to"),
                                    .no_ack = true};
    return link_call(link, CHANNEL, AMQP_BASIC_CONSUME_METHOD, &consume,
                     AMQP_BASIC_CONSUME_OK_METHOD, err);
}

static enum outcome purge(struct link *link, struct str name, struct err *err)
{
    amqp_queue_purge_t purge = {.queue = amqp_bytes_of(name)};
    return link_call(link, CHANNEL, AMQP_QUEUE_PURGE_METHOD, &purge, AMQP_QUEUE_PURGE_OK_METHOD,
                     err);
}

static enum outcome delete_queue(struct link *link, struct str name, struct err *err)
{
    amqp_queue_delete_t delete = {.queue = amqp_bytes_of(name)};
    return link_call(link, CHANNEL, AMQP_QUEUE_DELETE_METHOD, &delete, AMQP_QUEUE_DELETE_OK_METHOD,
                     err);
}

static enum outcome delete_exchange(struct link *link, struct str name, struct err *err)
{
    amqp_exchange_delete_t delete = {.exchange = amqp_bytes_of(name)};
    return link_call(link, CHANNEL, AMQP_EXCHANGE_DELETE_METHOD, &delete,
                     AMQP_EXCHANGE_DELETE_OK_METHOD, err);
}

/* --- the table ------------------------------------------------------------------------------------ */

struct row {
    enum user user;
    const char *what; /* for people */
    attempt *attempt;
    const char *name; /* below the prefix when it begins with a dot */
    bool allowed;
};

/* clang-format off */
static const struct row rows[] = {
    {WEB, "sends a request", publish_to, ".requests", true},
    {WEB, "forges an event", publish_to, ".events", false},
    {WEB, "forges a notification", publish_to, ".notifications", false},
    {WEB, "sends into the delays", publish_to, ".delay.end", false},
    {WEB, "sends into a work queue", publish_into_queue, ".order", false},
    {WEB, "sends into a dead queue", publish_into_queue, ".dead.order", false},
    {WEB, "listens to direct replies", consume_direct_replies, "", true},
    {WEB, "makes a queue of its own", declare_queue, "", true},
    {WEB, "makes a queue with a name", declare_queue, ".web", false},
    {WEB, "makes a queue for replies", declare_queue, ".reply.mine", false},
    {WEB, "makes a queue of ours", declare_queue, ".order.9", false},
    {WEB, "makes an exchange", declare_topic, ".web", false},
    {WEB, "makes a hash exchange among the replies", declare_hash, ".reply.mine", false},
    {WEB, "makes a hash exchange with the broker's name", declare_hash, "amq.gen-mine", false},
    {WEB, "forges events by dead-lettering", dead_letter_to, ".events", false},
    {WEB, "forges work by dead-lettering", dead_letter_to, "", false},
    {WEB, "binds its own queue to events", bind_own_queue, ".events", true},
    {WEB, "binds its own queue to notifications", bind_own_queue, ".notifications", true},
    {WEB, "listens to others' requests", bind_own_queue, ".requests", false},
    {WEB, "listens to what waits", bind_own_queue, ".delay.end", false},
    {WEB, "floods a work queue with events", bind_to_events, ".order", false},
    {WEB, "takes replies", consume, ".reply.web1", true},
    {WEB, "takes requests away", consume, ".order", false},
    {WEB, "empties a work queue", purge, ".order", false},
    {WEB, "reads dead letters", consume, ".dead.order", false},
    {WEB, "takes a subscriber's events", consume, ".subscriber.mail", false},
    {WEB, "deletes a work queue", delete_queue, ".order", false},
    {WEB, "deletes the queue of replies", delete_queue, ".reply.web1", false},
    {WEB, "deletes the exchange of requests", delete_exchange, ".requests", false},

    {WORKER, "takes requests", consume, ".order", true},
    {WORKER, "takes a partition's requests", consume, ".order.0", true},
    {WORKER, "takes events", consume, ".order.events", true},
    {WORKER, "publishes events", publish_to, ".events", true},
    {WORKER, "publishes notifications", publish_to, ".notifications", true},
    {WORKER, "sends into the delays", publish_to, ".delay.end", true},
    {WORKER, "answers", publish_into_queue, ".reply.web1", true},
    {WORKER, "buries", publish_into_queue, ".dead.order", true},
    {WORKER, "sends requests", publish_to, ".requests", false},
    {WORKER, "reads dead letters", consume, ".dead.order", false},
    {WORKER, "takes what waits", consume, ".delay.00", false},
    {WORKER, "takes others' replies", consume, ".reply.web1", false},
    {WORKER, "takes a subscriber's events", consume, ".subscriber.mail", false},
    {WORKER, "makes a queue", declare_queue, ".order.9", false},
    {WORKER, "makes a queue that the broker names", declare_queue, "", false},
    {WORKER, "makes an exchange", declare_topic, ".worker", false},
    {WORKER, "deletes a work queue", delete_queue, ".order", false},

    {READER, "takes a subscriber's events", consume, ".subscriber.mail", true},
    {READER, "makes a queue of its own", declare_queue, "", true},
    {READER, "binds its own queue to events", bind_own_queue, ".events", true},
    {READER, "binds its own queue to notifications", bind_own_queue, ".notifications", true},
    {READER, "makes a hash exchange among the subscribers", declare_hash, ".subscriber.mine", false},
    {READER, "makes a subscriber's queue", declare_queue, ".subscriber.mine", false},
    {READER, "listens to requests", bind_own_queue, ".requests", false},
    {READER, "sends a request", publish_to, ".requests", false},
    {READER, "forges an event", publish_to, ".events", false},
    {READER, "sends into a work queue", publish_into_queue, ".order", false},
    {READER, "takes replies", consume, ".reply.web1", false},
    {READER, "takes requests away", consume, ".order", false},
    {READER, "reads dead letters", consume, ".dead.order", false},
    {READER, "forges events by dead-lettering", dead_letter_to, ".events", false},
    {READER, "deletes a subscriber's queue", delete_queue, ".subscriber.mail", false},

    {OPERATOR, "makes a queue", declare_queue, ".order.9", true},
    {OPERATOR, "makes an exchange", declare_topic, ".another", true},
    {OPERATOR, "reads dead letters", consume, ".dead.order", true},
    {OPERATOR, "sends them again", publish_into_queue, ".order", true},
    {OPERATOR, "makes a queue outside of the shop", declare_queue, "elsewhere", false},
    {OPERATOR, "sends to the broker's own exchange", publish_to, "amq.topic", false},
};
/* clang-format on */

/* --- the world ------------------------------------------------------------------------------------- */

static struct str full_name(struct users *users, const char *name, char buffer[64])
{
    snprintf(buffer, 64, "%s%s", name[0] == '.' ? users->prefix : "", name);
    return str_of(buffer);
}

static void open_link(struct users *users, enum user user)
{
    struct err err = {0};
    const struct link_options options = {.uri = &users->uris[user],
                                         .name = "cartwright live test of users",
                                         .timeout_ms = 5000,
                                         .body_max = 1000,
                                         .events = &events};
    assert_done(link_open(&users->links[user], &options, &err));
}

/* In the order of making; unmade the other way round. */
static const char *const exchanges[] = {".requests", ".events", ".notifications", ".delay.end"};
static const char *const queues[] = {".order",    ".order.0",    ".order.events",   ".dead.order",
                                     ".delay.00", ".reply.web1", ".subscriber.mail"};

static void declare_world(struct users *users)
{
    struct err err = {0};
    char names[16][64];
    struct bus_exchange made_exchanges[4];
    struct bus_queue made_queues[7];
    for (size_t i = 0; i < 4; i++)
        made_exchanges[i] = (struct bus_exchange){.name = full_name(users, exchanges[i], names[i]),
                                                  .kind = "topic"};
    for (size_t i = 0; i < 7; i++)
        made_queues[i] = (struct bus_queue){.name = full_name(users, queues[i], names[4 + i])};
    assert_done(link_declare(&users->links[OPERATOR], CHANNEL,
                             &(struct bus_topology){.exchanges = made_exchanges,
                                                    .exchange_count = 4,
                                                    .queues = made_queues,
                                                    .queue_count = 7},
                             &err));
}

static void users_open(struct users *users)
{
    struct err err = {0};
    *users = (struct users){0};
    snprintf(users->prefix, sizeof(users->prefix), "users%d", (int)getpid());
    for (int user = 0; user < USERS; user++) {
        const char *uri = getenv(addresses[user]);
        if (!uri)
            skip();
        assert_done(bus_uri_parse(str_of(uri), &users->uris[user], &err));
        /* A broker that is not the rig's: its users are not known. */
        if (strcmp(users->uris[user].user, user_names[user]) != 0)
            skip();
        open_link(users, (enum user)user);
    }
    declare_world(users);
}

static void users_close(struct users *users)
{
    struct err err = {0};
    char buffer[64];
    struct link *link = &users->links[OPERATOR];
    assert_done(link_open_channel(link, CHANNEL, &err));
    for (size_t i = 0; i < 7; i++)
        assert_done(delete_queue(link, full_name(users, queues[i], buffer), &err));
    for (size_t i = 0; i < 4; i++)
        assert_done(delete_exchange(link, full_name(users, exchanges[i], buffer), &err));
    for (int user = 0; user < USERS; user++) {
        link_close(&users->links[user]);
        bus_uri_release(&users->uris[user]);
    }
}

/* On a channel of its own: a refusal ends it. */
static bool try_row(struct users *users, const struct row *row)
{
    struct err err = {0};
    char buffer[64];
    struct link *link = &users->links[row->user];
    assert_done(link_open_channel(link, CHANNEL, &err));
    const enum outcome outcome = row->attempt(link, full_name(users, row->name, buffer), &err);
    if (outcome == OUTCOME_DONE)
        assert_done(link_close_channel(link, CHANNEL, &err));
    if (outcome == OUTCOME_DONE && row->allowed)
        return true;
    if (outcome == OUTCOME_REFUSED && !row->allowed && link->call.refused == AMQP_ACCESS_REFUSED)
        return true;
    print_error("%s %s (%s): %s\n", user_names[row->user], row->what, row->name,
                outcome == OUTCOME_DONE ? "the broker lets it" : err.text);
    return false;
}

static void undo(struct users *users, const struct row *row)
{
    struct err err = {0};
    char buffer[64];
    if (row->attempt != declare_topic || !row->allowed)
        return;
    struct link *link = &users->links[OPERATOR];
    assert_done(link_open_channel(link, CHANNEL, &err));
    assert_done(delete_exchange(link, full_name(users, row->name, buffer), &err));
    assert_done(link_close_channel(link, CHANNEL, &err));
}

void test_users_live__may_do_what_they_need_and_no_more(void **state)
{
    (void)state;
    static struct users users;
    int wrong = 0;
    users_open(&users);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wrong += !try_row(&users, &rows[i]);
        undo(&users, &rows[i]);
    }
    users_close(&users);
    assert_int_equal(wrong, 0);
}

void test_users_live__nobody_is_guest(void **state)
{
    (void)state;
    static struct users users;
    struct err err = {0};
    struct link link;
    users_open(&users);
    struct bus_uri guest = users.uris[WORKER];
    guest.user = guest.password = "guest";
    const struct link_options options = {.uri = &guest,
                                         .name = "cartwright live test of users",
                                         .timeout_ms = 5000,
                                         .body_max = 1000,
                                         .events = &events};
    assert_int_equal(link_open(&link, &options, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "refuses user 'guest'"));
    users_close(&users);
}
