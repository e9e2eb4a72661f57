/* scan.c - goes through a dead queue without taking anything out of it.
 *
 * A quorum queue hands each letter to one consumer at a time. The letters that were looked at stay
 * unacknowledged on this connection. When it ends, the broker puts all of them back in their old
 * order (a nack would put them anywhere). Dead queues allow any number of deliveries, so looking at
 * a letter often does no harm. From a queue that may allow only a few, no letter is taken. */
#include "base/clock.h"
#include "letters/dead_letter.h"
#include "service/names.h"

/* A visitor that moves letters holds no more than these at first, so that other operators see the
 * rest. When all of them are to stay, more must be held to reach the letters behind them. */
#define WINDOW      64
#define WINDOW_GROW 4
#define ARENA_BLOCK ((size_t)64 * 1024)
/* The broker cuts off a consumer that holds a message for longer than consumer_timeout (we ask for
 * 5 min), so a pass that removes letters ends before. */
#define HOLD_US     (60 * 1000000LL)
#define PATIENCE_US (5 * 1000000LL) /* with a broker that holds letters and sends none */

enum pass_end {
    PASS_DONE, /* no more letters came, or no more are wanted */
    PASS_FULL, /* as many letters are held as may be */
    PASS_LATE, /* letters were held for long enough */
};

struct scanner {
    struct dead_office *office;
    struct str domain;
    const struct dead_visitor *visitor;
    struct arena arena; /* of the present letter */
    struct str queue;
    size_t window; /* letters that the present pass may hold */
    size_t received, removed;
    int64_t began_us;
    bool stopped;
};

static enum outcome show(struct scanner *scanner, struct delivery *delivery, struct err *err)
{
    struct dead_office *office = scanner->office;
    enum dead_verdict verdict = DEAD_LEAVE;
    struct dead_letter letter;
    scanner->received++;
    arena_clear(&scanner->arena);
    dead_letter_read(&scanner->arena, office, scanner->domain, delivery, &letter);
    TRY(scanner->visitor->visit(scanner->visitor->context, &letter, &verdict, err));
    scanner->stopped = verdict == DEAD_STOP;
    if (verdict != DEAD_REMOVE)
        return OUTCOME_DONE;
    scanner->removed++;
    bus_ack(office->bus, delivery, false);
    return bus_flush(office->bus, err);
}

/* BUS_IDLE may come early, after a confirm or a signal. *out is NULL, with DONE, when no letter
 * came for quiet_ms. */
static enum outcome listen(const struct dead_office *office, struct delivery **out, struct err *err)
{
    const int64_t end_us = clock_monotonic_us() + office->quiet_ms * 1000LL;
    *out = NULL;
    do {
        const enum bus_event event = bus_next(office->bus, office->quiet_ms, out);
        if (event == BUS_CLOSED)
            return err_retry(err, "%s", bus_lost_reason(office->bus));
        if (event == BUS_MESSAGE)
            return OUTCOME_DONE;
    } while (clock_monotonic_us() < end_us && !office->stopping());
    return OUTCOME_DONE;
}

/* *out is NULL, with DONE, when there are no more letters. A busy broker may be silent for a while
 * although letters are in the queue, so the depth of the queue is asked for. */
static enum outcome next_letter(const struct scanner *scanner, struct delivery **out,
                                struct err *err)
{
    struct bus *bus = scanner->office->bus;
    const int64_t end_us = clock_monotonic_us() + PATIENCE_US;
    int64_t ready = 0;
    do {
        TRY(listen(scanner->office, out, err));
        if (*out)
            return OUTCOME_DONE;
        TRY(bus_queue_depth(bus, scanner->queue, &ready, err));
    } while (ready > 0 && clock_monotonic_us() < end_us && !scanner->office->stopping());
    return OUTCOME_DONE;
}

static bool is_late(const struct scanner *scanner)
{
    return scanner->removed > 0 && clock_monotonic_us() > scanner->began_us + HOLD_US;
}

static enum outcome go_through(struct scanner *scanner, enum pass_end *end, struct err *err)
{
    *end = PASS_DONE;
    while (!scanner->stopped && !scanner->office->stopping()) {
        struct delivery *delivery;
        *end = scanner->received - scanner->removed >= scanner->window ? PASS_FULL
               : is_late(scanner)                                      ? PASS_LATE
                                                                       : PASS_DONE;
        if (*end != PASS_DONE)
            return OUTCOME_DONE;
        TRY(next_letter(scanner, &delivery, err));
        if (!delivery)
            return OUTCOME_DONE;
        const enum outcome outcome = show(scanner, delivery, err);
        delivery_free(delivery);
        TRY(outcome);
    }
    return OUTCOME_DONE;
}

/* True when a letter came after the end of the pass: the connection holds it. */
static bool is_late_delivery(struct bus *bus)
{
    struct delivery *delivery = NULL;
    const bool came = bus_next(bus, 0, &delivery) == BUS_MESSAGE;
    delivery_free(delivery);
    return came;
}

/* Stops consuming. When letters are held, it also ends the connection that holds them, and opens a
 * new one for what comes next. */
static enum outcome let_go(struct bus *bus, bool holds, struct err *err)
{
    TRY(bus_cancel(bus, err));
    return holds || is_late_delivery(bus) ? bus_reconnect(bus, err) : OUTCOME_DONE;
}

/* Puts held letters back. When the broker is lost (RETRY), it has put them back by itself. */
static enum outcome put_back(struct bus *bus, bool holds, enum outcome outcome, struct err *err)
{
    struct err own = {0};
    if (outcome == OUTCOME_RETRY)
        return outcome;
    const enum outcome back = let_go(bus, holds, &own);
    if (outcome != OUTCOME_DONE || back == OUTCOME_DONE)
        return outcome;
    *err = own;
    return back;
}

static enum outcome make_pass(struct scanner *scanner, enum pass_end *end, struct err *err)
{
    struct bus *bus = scanner->office->bus;
    scanner->received = scanner->removed = 0;
    scanner->began_us = clock_monotonic_us();
    enum outcome outcome = bus_consume(bus, &scanner->queue, 1, (int)scanner->window, err);
    if (outcome == OUTCOME_DONE)
        outcome = go_through(scanner, end, err);
    return put_back(bus, scanner->received > 0, outcome, err);
}

static enum outcome make_passes(struct scanner *scanner, bool *cut, struct err *err)
{
    const size_t most = scanner->office->scan_max;
    enum pass_end end;
    for (;;) {
        TRY(make_pass(scanner, &end, err));
        *cut = end == PASS_FULL && scanner->window >= most;
        if (end == PASS_DONE || *cut)
            return OUTCOME_DONE;
        if (end == PASS_FULL)
            scanner->window =
                scanner->window * WINDOW_GROW < most ? scanner->window * WINDOW_GROW : most;
    }
}

/* Each look at a letter is one of its deliveries, so this is checked before the first one. */
static enum outcome check_frail(const struct dead_office *office, struct str domain,
                                struct err *err)
{
    for (const struct str *frail = office->frail; frail && !str_is_absent(*frail); frail++)
        if (str_eq(*frail, domain))
            return err_refuse(
                err, E_FORBIDDEN,
                "the letters of %.*s may be gone after 20 looks (RabbitMQ 4, a queue "
                "without x-delivery-limit): set the policy that `cartwright topology` "
                "tells, then say --limit-by-policy",
                STR_FMT(domain));
    return OUTCOME_DONE;
}

enum outcome dead_scan(struct dead_office *office, struct str domain,
                       const struct dead_visitor *visitor, bool *cut, struct err *err)
{
    const bool few = visitor->moves && office->scan_max > WINDOW;
    struct scanner scanner = {.office = office,
                              .domain = domain,
                              .visitor = visitor,
                              .window = few ? WINDOW : office->scan_max};
    struct arena names;
    TRY(check_frail(office, domain, err));
    arena_init(&names, 256);
    arena_init(&scanner.arena, ARENA_BLOCK);
    scanner.queue = name_dead(&names, office->settings->prefix, domain);
    const enum outcome outcome = make_passes(&scanner, cut, err);
    arena_release(&scanner.arena);
    arena_release(&names);
    return outcome;
}
