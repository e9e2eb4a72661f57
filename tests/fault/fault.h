/* fault.h - what the fault tests share: a shop on real servers, its workers as processes of their
 * own, a history of every call, and the invariants that hold whatever was done to it.
 *
 *   begin    empty queues, workers started
 *   test     load, and something bad in the middle of it
 *   end      everything answered, everything quiet, workers drained, invariants checked
 *
 * The shop has a prefix and a database of its own; documents of earlier tests stay and are kept apart
 * by the time at which a test began. */
#ifndef CARTWRIGHT_TESTS_FAULT_FAULT_H
#define CARTWRIGHT_TESTS_FAULT_FAULT_H

#include <sys/types.h>

#include "bus/bus_client.h"
#include "shop.h"
#include "support/fixtures.h"
#include "support/proxy.h"

#define FAULT_PREFIX    "fault"
#define COMES_BACK_S    90 /* generous: a slow machine with other things to do */
#define FAULT_LANES_MAX 16
#define SUPERVISORS_MAX 2

/* One call of a client. However often it is sent, it is one call, and all its replies are one. */
struct call {
    struct str operation;
    struct str body;
    struct str token;
    struct str caller; /* user id, absent: none */
    struct str message_id;
    int status;       /* 0: not answered yet */
    struct str reply; /* the first one */
    struct str code;  /* of its error; absent: ok */
    int replies;
    bool impatient;               /* its client asks once: unanswered, its fate is unknown to it */
    bool unknown;                 /* it gave up, and has not asked again */
    bool gave_up;                 /* ever */
    int64_t sent_us, answered_us; /* monotonic: first sent, first answered */
    void *owner;                  /* of who sent it */
};

struct calls {
    struct call **items;
    size_t count, capacity;
};

struct lanes {
    pid_t pids[FAULT_LANES_MAX];
    size_t count;
};

struct fault {
    struct arena home; /* of the program */
    const struct app_settings *settings;
    struct service service;
    struct store *store;
    struct str exchange; /* of requests */
    const char *mongodb_uri;
    const char *log_path;
    struct proxy *proxy;                /* between the workers and their servers; NULL: none */
    pid_t supervisors[SUPERVISORS_MAX]; /* 0: not running */
    size_t supervisor_count;
    long log_from; /* where the log of these workers begins */
    /* of the present test */
    const char *test;
    struct arena arena;
    int64_t began_ms;
    struct calls history;
    struct fixtures fixtures;
    struct good *goods; /* of this test */
    size_t good_count, good_capacity;
    int64_t expected_dead;                     /* dead letters that the test provoked */
    bool events_lost;                          /* the test deleted the queue of a subscriber */
    struct nemesis *nemesis;                   /* of this test; NULL: none */
    size_t kills;                              /* of lanes */
    int reloads_wanted, reloads, reloads_done; /* of the supervisor */
    long reloads_seen_to;                      /* in the log */
    bool failed;
    size_t failures;
};

/* One line on standard error, up to a limit; the test has failed. */
void fault_fail(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The program cannot go on. */
_Noreturn void fault_die(const char *what, const struct err *err);
void fault_sleep_ms(int64_t ms);

/* --- world.c -------------------------------------------------------------------------------------- */

void world_open(struct fault *fault);
void world_close(struct fault *fault);
void world_begin(struct fault *fault);
void world_end(struct fault *fault);
/* An empty shop: its database is made anew. Between tests only. */
void world_renew(struct fault *fault);
/* Until no message waits and no event is unpublished. */
void world_await_quiet(struct fault *fault);
/* Kept in the test's list: no two have the same price. */
struct good *world_good(struct fault *fault, int64_t stock);

/* --- workers.c: `cartwright worker` --------------------------------------------------------------- */

/* crashpoint: where the first incarnation of each lane dies, or NULL. Waits until all lanes are
 * ready. */
void workers_start(struct fault *fault, size_t supervisors, const char *crashpoint);
/* One more in the place of one that is gone; does not wait. */
void workers_start_one(struct fault *fault, size_t index, const char *crashpoint);
/* All of them, drained, with exit status 0. */
void workers_stop(struct fault *fault);
/* Those that live now, of all supervisors. */
struct lanes workers_lanes(const struct fault *fault);
struct lanes workers_lanes_of(pid_t supervisor);
bool workers_is_gone(pid_t pid);
/* How often `text` stands in what the present workers have logged. */
int workers_logged(const struct fault *fault, const char *text);
/* The same from a place in the log on, which moves behind the last line that is complete. */
int workers_logged_since(const struct fault *fault, const char *text, long *from);
/* `cartwright topology`, `cartwright index`: in the child of a fork too. */
bool workers_command(const char *command);

/* --- servers.c ------------------------------------------------------------------------------------ */

/* Where they live; their logs are in log/ below it. */
const char *servers_dir(void);
/* That the rig started it, so that it may be stopped. */
bool servers_are_ours(const char *name);
/* servers.sh COMMAND RIG_DIR NAME */
bool servers_do(const char *command, const char *name);
/* rabbitmqctl COMMAND ARGUMENT VALUE */
bool servers_rabbitmqctl(const char *command, const char *argument, const char *value);
/* One Redis command, words separated by blanks. */
void servers_redis(struct fault *fault, const char *command);
/* One command, as JSON. False: the server refuses it, or does not know it. */
bool servers_mongodb(struct fault *fault, const char *database, const char *json);
/* A proxy for the servers of the shop, and the environment with which workers go through it. */
struct proxy *links_open(const struct fault *fault);
void links_set_environment(const struct fault *fault);

/* --- raw.c: AMQP as a stranger may write it ------------------------------------------------------- */

#define RAW_DEEPEST (-1) /* as many as a frame of this broker has room for */

struct raw_message {
    const char *operation; /* routing key, to the exchange of requests */
    struct str body;
    struct str token;
    const char *message_id;   /* NULL: none */
    const char *reply_to;     /* NULL: none */
    const char *content_type; /* NULL: none */
    const char *content_encoding;
    const char *expiration;
    int nested_headers; /* lists in lists in a header, so many, or RAW_DEEPEST */
};

/* Published and, if the broker still lets us, confirmed; false when it closed the channel. */
bool raw_publish(struct fault *fault, const struct raw_message *message);
void raw_delete_queue(const char *queue);

/* --- history.c ------------------------------------------------------------------------------------ */

struct call *history_add(struct fault *fault, const char *operation, struct str body,
                         const struct shopper *shopper);
/* The same call's message id in another call, with another body. */
struct call *history_add_again(struct fault *fault, const struct call *call, struct str body);
void history_reply(struct fault *fault, struct call *call, int status, struct str body);
bool history_is_command(const struct fault *fault, const struct call *call);
bool call_is(const struct call *call, const char *operation);
/* Answered with this error; "ok" is success. */
bool call_has(const struct call *call, const char *code);

/* --- sender.c: a client that does not give up ------------------------------------------------------ */

struct sender {
    struct fault *fault;
    struct bus_client *client; /* NULL: lost */
    struct call **by_ticket;
    size_t ticket_capacity;
    struct calls open; /* sent, not answered */
    int64_t silent_since_us;
    int64_t resend_us; /* after so long a silence; a few seconds */
    int silences;
};

void sender_init(struct sender *sender, struct fault *fault);
void sender_release(struct sender *sender);
void sender_send(struct sender *sender, struct call *call);
/* The next call that was answered for the first time; NULL when there was none within the time.
 * What stays unanswered is sent again, over a new connection when the old one is lost; an impatient
 * call comes back unanswered instead. */
struct call *sender_next(struct sender *sender, int timeout_ms);
/* Until nothing is open; false after COMES_BACK_S. */
bool sender_finish(struct sender *sender);
/* Sends one and waits for its answer. */
void sender_call(struct fault *fault, struct call *call);

/* --- storm.c: customers who shop, and an admin who ships and counts --------------------------------- */

struct storm {
    /* Called again and again while everybody shops; its false ends the storm. NULL: everybody shops
     * once. Must not wait. */
    bool (*trouble)(struct fault *fault);
    /* Called when it was not yet over although the storm is. May be NULL. */
    void (*heal)(struct fault *fault);
    uint64_t seed;
};

/* Everything is answered when it comes back, what clients did not wait for was asked for again. */
void storm_run(struct fault *fault, const struct storm *storm);

/* --- spy.c ---------------------------------------------------------------------------------------- */

/* A bus that consumes nothing yet; waits for the broker. */
struct bus *spy_open_bus(struct fault *fault);
/* Everything in a queue is taken out; take may be NULL. */
size_t spy_take_all(struct fault *fault, struct str queue,
                    void (*take)(void *context, const struct delivery *delivery), void *context);
/* A queue that every event and notification reaches. One for all tests: RabbitMQ 3.10 may forget
 * the leader of a quorum queue that was made just before it is killed. */
struct str spy_queue(void);
/* Declares it and the queue of replies. */
void spy_declare(struct fault *fault);
/* Forgets what earlier tests have left. */
void spy_clear(struct fault *fault);
/* Where raw messages are answered. */
struct str spy_replies(void);
/* Messages ready in the queues of the shop: dead letters, and all others. */
void spy_depths(struct fault *fault, int64_t *dead, int64_t *others);
/* The dead letters, which are shown when the test has failed, or all queues. */
void spy_empty(struct fault *fault, bool dead_only);

/* --- check.c -------------------------------------------------------------------------------------- */

void check_invariants(struct fault *fault);
/* Of a call whose client gave up, as long as it was not asked for again: 0 or 1; then its reply is that
 * of the journal, with which every later answer is compared. */
size_t check_unknown(struct fault *fault, struct call *call);

/* --- nemesis.c: faults from a seed ------------------------------------------------------------------ */

struct trouble;

/* One fault of a schedule. */
struct blow {
    const struct trouble *trouble;
    int64_t at_ms, for_ms; /* since the schedule began */
    uint64_t chance;       /* for its choices */
    enum { BLOW_COMES, BLOW_FALLS, BLOW_LASTS, BLOW_HEALS, BLOW_OVER } stage;
    pid_t apart; /* the process that applies or heals it; 0: none */
    pid_t victim;
    struct lanes orphans;
    int64_t next_ms;
};

/* A row of the table of faults. Both functions say whether they are done, and are called again until
 * they are; `again` is called all the time that it lasts. */
struct trouble {
    const char *name;
    const char *what; /* it hits: two of one do not fall together */
    bool (*apply)(struct fault *fault, struct blow *blow);
    void (*again)(struct fault *fault, struct blow *blow);
    bool (*heal)(struct fault *fault, struct blow *blow);
    int64_t least_ms, most_ms;
    bool
        apart; /* apply and heal wait for others: each in a process of its own, where false is failure */
    enum link link;
    enum link_mode mode;
    const char *text; /* a fail point; a queue */
    bool loses_events;
};

/* faults.c; ends with a row without a name. */
extern const struct trouble troubles[];

struct nemesis_options {
    int64_t seconds;   /* begin no round later; 0: no limit */
    uint64_t from, to; /* seeds; to 0: no end */
    const char *
        faults; /* "a+b,c": each a round, for every seed; "each"; "pairs"; NULL: what the seed says */
};

/* Counts rounds as tests. */
void nemesis_run(struct fault *fault, const struct nemesis_options *options, int *passed,
                 int *failed);

/* --- the tests ------------------------------------------------------------------------------------ */

struct fault_test {
    const char *name;
    void (*run)(struct fault *fault);
    const char *crashpoint;
    const char *server; /* that must be ours; NULL: none */
    bool is_long;       /* minutes: with --long only */
};

/* Each ends with a row without a name. */
extern const struct fault_test race_tests[];
extern const struct fault_test kill_tests[];
extern const struct fault_test outage_tests[];
extern const struct fault_test bad_input_tests[];
extern const struct fault_test bomb_tests[];

#endif
