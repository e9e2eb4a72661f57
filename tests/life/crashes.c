/* crashes.c - one dish in a hundred ends the cook: it is put away after two deaths, and the others are
 * served as if nothing had been. */
#include "base/clock.h"
#include "life/life.h"

#define GUESTS 100
#define POISON 50

struct poison {
    const char *dish;
    const char *signal;
    const char *frame;  /* of the backtrace */
    const char *reason; /* part of it */
};

/* Whoever was answered before the death may be answered again, from the journal. */
static void check_neighbours(struct life *life)
{
    for (int64_t number = 0; number < GUESTS; number++)
        if (number != POISON && guest_status(life, number) != 200)
            life_fail(life, "%d was answered %d", (int)number, (int)guest_status(life, number));
    LIFE_CHECK(life, guest_status(life, POISON) == 500);
    LIFE_CHECK(life, host_logged(life, "\"attempt\":2") == 0);
    LIFE_CHECK(life, host_logged(life, "message postponed") == 0);
}

static bool header_has(struct life *life, const char *header, const char *text)
{
    const struct str value = guest_header(life, QUEUE_DEAD, header);
    if (value.len && strstr(value.ptr, text))
        return true;
    life_fail(life, "%s is not '%s' but '%.*s'", header, text, STR_FMT(value));
    return false;
}

static void check_dead_letter(struct life *life, const struct poison *poison)
{
    LIFE_AWAIT(life, guest_depth(life, QUEUE_DEAD) == 1);
    header_has(life, "x-failure-signal", poison->signal);
    header_has(life, "x-failure-backtrace", poison->frame);
    header_has(life, "x-failure-backtrace", "batch_decide");
    header_has(life, "x-failure-reason", poison->reason);
    header_has(life, "x-original-queue", QUEUE_MEALS);
}

/* All of them wait before anybody cooks, so they are one batch. */
static void poisoned(struct life *life, const struct poison *poison)
{
    for (int64_t number = 0; number < GUESTS; number++)
        guest_ask(life, number, number == POISON ? poison->dish : "soup");
    host_start(life);
    guest_await(life, GUESTS);
    LIFE_CHECK(life, host_logged(life, "lane died") == 2);
    check_neighbours(life);
    check_dead_letter(life, poison);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void segv(struct life *life)
{
    poisoned(life, &(struct poison){"segv", "SIGSEGV", "cook_segv", "ended the process 2 times"});
    const struct str line = host_line(life, "lane died", "\"deathsOfMessage\":2");
    LIFE_CHECK(life, strstr(line.ptr, "\"signal\":\"SIGSEGV\"") && strstr(line.ptr, "cook_segv"));
}

static void aborted(struct life *life)
{
    poisoned(life, &(struct poison){"abort", "SIGABRT", "cook_abort", "ended the process 2 times"});
}

static void hanging(struct life *life)
{
    life->pool.handler_ms = 500;
    poisoned(life, &(struct poison){"hang", "SIGABRT", "cook_hang", "hung 2 times"});
    LIFE_CHECK(life, host_logged(life, "handler hangs") == 2);
}

static void out_of_memory(struct life *life)
{
    life->pool.memory_max = 1LL << 30;
    poisoned(life,
             &(struct poison){"memory", "SIGABRT", "cook_memory", "ended the process 2 times"});
    LIFE_CHECK(life, host_logged(life, "panic: common/base/arena.c") == 2);
}

/* Whoever repaired the handler and sends the letter again must not find it condemned for ever. */
static void has_a_new_chance(struct life *life)
{
    host_start_ready(life);
    guest_ask(life, 1, "abort");
    guest_await(life, 1);
    LIFE_AWAIT(life, guest_depth(life, QUEUE_DEAD) == 1);
    LIFE_CHECK(life, host_logged(life, "lane died") == 2);
    guest_ask_again(life, QUEUE_DEAD);
    LIFE_AWAIT(life, host_logged(life, "lane died") == 4);
    LIFE_AWAIT(life, guest_depth(life, QUEUE_DEAD) == 1);
    LIFE_CHECK(life, host_stop(life) == 0);
}

const struct life_test crash_tests[] = {
    {"crash_segv", segv},
    {"crash_abort", aborted},
    {"crash_hang", hanging},
    {"crash_out_of_memory", out_of_memory},
    {"crash_replayed", has_a_new_chance},
    {0},
};
