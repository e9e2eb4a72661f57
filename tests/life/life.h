/* life.h - what the tests of a worker's life share: a kitchen (a service whose guests may ask for
 * what kills a cook), its supervisor as a process of its own, and a guest on a real broker.
 *
 * The kitchen has the prefix "life" and a database of its own. */
#ifndef CARTWRIGHT_TESTS_LIFE_LIFE_H
#define CARTWRIGHT_TESTS_LIFE_LIFE_H

#include <sys/types.h>

#include "bus/bus.h"
#include "supervisor/supervisor.h"
#include "support/latency.h"

#define LIFE_PREFIX  "life"
#define QUEUE_MEALS  "life.kitchen"
#define QUEUE_DEAD   "life.dead.kitchen"
#define PATIENCE_S   30 /* generous: a slow machine with other things to do */
#define LANES_MAX    8
#define REQUESTS_MAX 1000000

struct lanes {
    pid_t pids[LANES_MAX];
    size_t count;
};

/* Message m<number>, and the first answer to it. */
struct request {
    int64_t asked_us;
    int64_t status;  /* 0: not answered */
    int64_t version; /* that the answer tells; -1: none */
};

/* What SIGHUP finds; all zeros: the plan as it is. */
struct reload {
    bool is_bad_file;   /* refused when it is read */
    bool is_hopeless;   /* reads well: a key that is none */
    bool is_misled;     /* reads well: a broker where nobody listens; put right the next time */
    int64_t lanes;      /* that many more, or fewer */
    int64_t memory_max; /* another limit; 0: the same */
};

struct life {
    struct arena home; /* of the program */
    struct service service;
    struct engine_settings engine; /* of the next supervisor */
    struct pool_settings pool;
    struct reload reload;
    struct bus *bus;
    const char *log_path;
    const char *status_path;
    pid_t supervisor; /* 0: not running */
    long log_from;    /* where its log begins */
    int rolls;        /* restarts of a roll */
    int stirs;        /* of each pot */
    /* of the present test */
    const char *test;
    struct arena arena;
    struct request requests[REQUESTS_MAX]; /* by number */
    size_t reply_count;
    struct latency latency; /* from asking to the answer */
    int64_t repeats;        /* further answers to what was answered */
    bool failed;
};

struct life_test {
    const char *name;
    void (*run)(struct life *life);
};

/* Each ends with a row without a name. */
extern const struct life_test crash_tests[];
extern const struct life_test cycle_tests[];
extern const struct life_test bus_tests[];
extern const struct life_test roll_tests[];
extern const struct life_test order_tests[];
extern const struct life_test reload_tests[];
extern const struct life_test stuck_tests[];
extern const struct life_test slow_tests[];

/* One line on standard error; the test has failed. */
void life_fail(struct life *life, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Everything as a test finds it: settings, queues, answers. */
void life_begin(struct life *life);
/* The program cannot go on. */
_Noreturn void life_die(const char *what, const char *why);
void life_sleep_ms(int64_t ms);
#define LIFE_CHECK(life, condition)                                                                \
    do {                                                                                           \
        if (!(condition))                                                                          \
            life_fail((life), "%s:%d: not so: %s", __FILE__, __LINE__, #condition);                \
    } while (0)
/* Until the condition holds; it fails after PATIENCE_S. */
#define LIFE_AWAIT(life, condition)                                                                \
    do {                                                                                           \
        const int64_t end_us_ = clock_monotonic_us() + PATIENCE_S * 1000000LL;                     \
        while (!(condition) && clock_monotonic_us() < end_us_)                                     \
            life_sleep_ms(20);                                                                     \
        LIFE_CHECK(life, condition);                                                               \
    } while (0)

/* kitchen.c: operation kitchen.cook {"id", "dish"}. Dishes that end a cook: "segv", "abort", "hang",
 * "memory"; "slow" takes three seconds, anything else is written down. And kitchen.stir {"id", "dish"}:
 * a pot and a spoon, each one version more. And kitchen.feast {"id", "dish"}: a commit of ten commands,
 * in the middle of which "poison" ends whoever writes it. */
extern const struct domain kitchen_worker;
extern const struct doc_type *const kitchen_types[];
struct service kitchen_service(void);

/* --- host.c: the supervisor ----------------------------------------------------------------------- */

/* Exchanges, queues, collections. */
void host_prepare(struct life *life);
void host_start(struct life *life);
void host_start_ready(struct life *life);
/* SIGTERM, and its exit status; -1 when it did not end, or by a signal. */
int host_stop(struct life *life);
int host_await_end(struct life *life);
void host_kill(struct life *life);
struct lanes host_lanes(const struct life *life);
/* What it has logged until now does not count any more. */
void host_forget_log(struct life *life);
/* How often `text` stands in what it has logged. */
int host_logged(const struct life *life, const char *text);
/* A whole line of its log that holds both; "" when there is none. */
struct str host_line(struct life *life, const char *text, const char *also);
/* Of the last line that holds it, from 1; 0 when there is none. */
int host_line_number(const struct life *life, const char *text);
/* servers.sh COMMAND RIG_DIR NAME; false when the rig has no such server. */
bool host_server(struct life *life, const char *command, const char *name);
/* "\"mode\":...,\"data\":..." of mongod's failCommand; false when it has no such thing. */
bool host_fail_mongod(struct life *life, const char *rest);
/* rabbitmqctl on the rig's broker; false when it failed, or there is none. */
bool host_ctl(struct life *life, const char *arguments);
/* `cartwright health`: exit status, and what it printed. */
int host_health(struct life *life, bool json, struct str *out);

/* --- guest.c: who asks ---------------------------------------------------------------------------- */

void guest_open(struct life *life);
/* Nothing of earlier tests waits anywhere. */
void guest_clear(struct life *life);
/* Message m<number>, confirmed. */
void guest_ask(struct life *life, int64_t number, const char *dish);
/* The same, for kitchen.feast. */
void guest_ask_for_a_feast(struct life *life, int64_t number, const char *dish);
/* Message m<number>, with the pot as its partition key; on its way by guest_confirm at the latest. */
void guest_stir(struct life *life, int64_t number, struct str pot, struct str spoon);
void guest_confirm(struct life *life);
/* The oldest message of a queue goes back to where it failed first. */
void guest_ask_again(struct life *life, const char *queue);
/* Takes what is there within the time. */
void guest_listen(struct life *life, int timeout_ms);
/* Until so many are answered. */
void guest_await(struct life *life, size_t count);
/* 0: not answered. */
int64_t guest_status(const struct life *life, int64_t number);
int64_t guest_depth(struct life *life, const char *queue);
/* The header of the oldest message in a queue, which stays there; absent: none. */
struct str guest_header(struct life *life, const char *queue, const char *header);
/* Deletes the queue of requests and makes it again in one breath. */
void guest_replace_queue(struct life *life);

#endif
