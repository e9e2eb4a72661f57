/* reloads.c - SIGHUP with good plans and bad ones: whatever the file says, the shop is served by one
 * plan or the other, nothing is answered twice, and a plan that cannot work changes nothing. */
#include <signal.h>

#include "base/clock.h"
#include "life/life.h"

#define REPLACED "reloaded: every lane was replaced"
#define BACK     "every lane works with the old configuration again"
#define REFUSED  "reload refused"

static bool has(const struct lanes *lanes, pid_t pid)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->pids[i] == pid)
            return true;
    return false;
}

static bool same_lanes(const struct lanes *a, const struct lanes *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = has(b, a->pids[i]);
    return same;
}

static bool none_stayed(const struct lanes *before, const struct lanes *after)
{
    for (size_t i = 0; i < before->count; i++)
        if (has(after, before->pids[i]))
            return false;
    return true;
}

/* Asks all the time, one dish in a few milliseconds, until the log says so. */
static int64_t ask_until(struct life *life, int64_t number, const char *text, int times)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (host_logged(life, text) < times && clock_monotonic_us() < end_us) {
        guest_ask(life, number++, "soup");
        guest_listen(life, 2);
    }
    LIFE_CHECK(life, host_logged(life, text) == times);
    return number;
}

static void check_all_served(struct life *life, int64_t asked)
{
    int64_t served = 0;
    guest_await(life, (size_t)asked);
    for (int64_t number = 0; number < asked; number++)
        served += guest_status(life, number) == 200;
    LIFE_CHECK(life, served == asked);
    LIFE_CHECK(life, life->repeats == 0);
}

/* --- the matrix ----------------------------------------------------------------------------------- */

enum fate { CHANGES, STAYS, GOES_BACK };

static const char *const told[] = {[CHANGES] = REPLACED, [STAYS] = REFUSED, [GOES_BACK] = BACK};

struct row {
    const char *name;
    int64_t lanes, partitions; /* before */
    struct reload reload;
    enum fate fate;
};

#define SCARCE (48LL * 1024 * 1024) /* bytes; a lane needs more before it is at work */

/* clang-format off */
static const struct row rows[] = {
    {"same",                    2, 0, {0},                                     CHANGES},
    {"grows",                   1, 0, {.lanes = 2},                            CHANGES},
    {"shrinks",                 3, 0, {.lanes = -2},                           CHANGES},
    {"partitions, same",        2, 4, {0},                                     CHANGES},
    {"partitions, grows",       1, 4, {.lanes = 2},                            CHANGES},
    {"partitions, shrinks",     3, 4, {.lanes = -2},                           CHANGES},
    {"bad file",                2, 0, {.is_bad_file = true},                   STAYS},
    {"bad file, grows",         1, 0, {.is_bad_file = true, .lanes = 2},       STAYS},
    {"hopeless",                2, 0, {.is_hopeless = true},                   GOES_BACK},
    {"hopeless, grows",         2, 0, {.is_hopeless = true, .lanes = 3},       GOES_BACK},
    {"hopeless, shrinks",       3, 0, {.is_hopeless = true, .lanes = -2},      GOES_BACK},
    {"hopeless, partitions",    2, 4, {.is_hopeless = true, .lanes = 1},       GOES_BACK},
    {"no memory",               2, 0, {.memory_max = SCARCE},                  GOES_BACK},
    {"no memory, grows",        1, 0, {.memory_max = SCARCE, .lanes = 2},      GOES_BACK},
};
/* clang-format on */

static void partition(struct life *life, int64_t count)
{
    static struct partition_settings settings = {.domain = {"kitchen", 7}};
    settings.count = count;
    life->engine.partitions.items = &settings;
    life->engine.partitions.count = count > 0;
    host_prepare(life);
}

static void check_lanes(struct life *life, const struct row *row, const struct lanes *before)
{
    const size_t wanted = (size_t)(row->lanes + (row->fate == CHANGES ? row->reload.lanes : 0));
    LIFE_AWAIT(life, host_lanes(life).count == wanted);
    const struct lanes after = host_lanes(life);
    LIFE_CHECK(life,
               row->fate == CHANGES ? none_stayed(before, &after) : same_lanes(before, &after));
}

/* A second SIGHUP, when the file is right, shows that the first one left nothing behind. */
static int64_t reload_again(struct life *life, const struct row *row, int64_t asked)
{
    const int before = host_logged(life, told[row->fate]);
    kill(life->supervisor, SIGHUP);
    return ask_until(life, asked, told[row->fate], before + 1);
}

static void try_row(struct life *life, const struct row *row)
{
    struct str text;
    life->pool.lanes = row->lanes;
    life->reload = row->reload;
    partition(life, row->partitions);
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    int64_t asked = ask_until(life, 0, told[row->fate], 1);
    check_lanes(life, row, &before);
    if (row->fate != CHANGES)
        asked = reload_again(life, row, asked);
    check_all_served(life, asked);
    LIFE_AWAIT(life, host_health(life, false, &text) == 0 && str_eq(text, STR("ready\n")));
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void matrix(struct life *life)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !life->failed; i++) {
        life_begin(life);
        try_row(life, &rows[i]);
        if (life->failed)
            life_fail(life, "it was the row '%s'", rows[i].name);
    }
    host_kill(life);
    partition(life, 0);
}

/* --- what a row cannot say ------------------------------------------------------------------------ */

static void replaces_every_lane(struct life *life)
{
    int64_t asked = 0;
    life->pool.lanes = 2;
    host_start_ready(life);
    for (int round = 1; round <= 3; round++) {
        const struct lanes before = host_lanes(life);
        kill(life->supervisor, SIGHUP);
        asked = ask_until(life, asked, REPLACED, round);
        const struct lanes after = host_lanes(life);
        LIFE_CHECK(life, after.count == 2 && none_stayed(&before, &after));
    }
    check_all_served(life, asked);
    LIFE_CHECK(life, host_logged(life, "lane died") == 0);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void says_what_is_wrong(struct life *life)
{
    life->reload.is_bad_file = true;
    host_start_ready(life);
    kill(life->supervisor, SIGHUP);
    LIFE_AWAIT(life, host_logged(life, REFUSED) == 1);
    LIFE_CHECK(life, host_line(life, REFUSED, "line 7 is wrong").len > 0);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* The new lane waits for a broker that does not exist, the old ones work on, and the file is put right. */
static void is_put_right(struct life *life)
{
    life->reload.is_misled = true;
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    int64_t asked = ask_until(life, 0, "127.0.0.1:1", 1);
    LIFE_CHECK(life, host_lanes(life).count == 2);
    kill(life->supervisor, SIGHUP);
    asked = ask_until(life, asked, REPLACED, 1);
    const struct lanes after = host_lanes(life);
    LIFE_CHECK(life, after.count == 1 && none_stayed(&before, &after));
    check_all_served(life, asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* A lane that was to go for good dies before its turn comes: nobody is started in its place. */
static void stays_shrunk(struct life *life)
{
    struct str text;
    life->pool.lanes = 3;
    life->reload = (struct reload){.is_misled = true, .lanes = -2};
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    const int64_t asked = ask_until(life, 0, "127.0.0.1:1", 1);
    kill(before.pids[2], SIGKILL);
    LIFE_AWAIT(life, host_logged(life, "lane died") == 1);
    LIFE_AWAIT(life, host_health(life, true, &text) == 0 && !strstr(text.ptr, "\"lane\":3"));
    guest_await(life, (size_t)asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

const struct life_test reload_tests[] = {
    {"reload_replaces_every_lane", replaces_every_lane},
    {"reload_says_what_is_wrong", says_what_is_wrong},
    {"reload_put_right", is_put_right},
    {"reload_stays_shrunk", stays_shrunk},
    {"reload_matrix", matrix},
    {0},
};
