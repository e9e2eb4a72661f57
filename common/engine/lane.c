/* lane.c - the loop of a lane: it takes the messages that are there, carries them through and keeps
 * house.
 *
 * A lane never waits for more than is there: an idle shop works on batches of one, a busy one on
 * batches of a hundred. When a dependency is down nothing is taken; what was received waits here,
 * unacknowledged, and one probe at a time asks whether the dependency is back. */
#include "engine/lane.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "engine/batch.h"
#include "engine/dead_watch.h"
#include "engine/mail_watch.h"
#include "engine/pipeline.h"
#include "engine/relay.h"
#include "service/names.h"
#include "service/partitions.h"
#include "wire/encoding.h"

#define ARENA_BLOCK    (256 * 1024)
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   5000
/* For the first ELECTION_MS of an outage the probes are close together: a replica set elects a
 * primary within some ten seconds, and longer pauses would add to that. */
#define ELECTION_MS       60000
#define ELECTION_PAUSE_MS 1000
#define IDLE_MS           100 /* so that SIGTERM is noticed within this time */
#define MARK_PERIOD_US    200000
#define MARK_BATCH        32
#define STATS_PERIOD_US   10000000
#define RENEWAL_PERIOD_US 5000000
#define QUIET_US          1000000
#define HOLD_MS           3000 /* a connection that lasts so long without a message holds */

/* --- queue of deliveries -------------------------------------------------------------------------- */

static void queue_reserve(struct lane_queue *queue)
{
    queue->items = memory_grow(queue->items, queue->count, &queue->capacity, sizeof(*queue->items));
}

static void queue_push(struct lane_queue *queue, struct delivery *delivery)
{
    queue_reserve(queue);
    queue->items[queue->count++] = delivery;
    queue->bytes += delivery->held;
}

static void queue_drop_first(struct lane_queue *queue, size_t count)
{
    for (size_t i = 0; i < count; i++)
        queue->bytes -= queue->items[i]->held;
    queue->count -= count;
    memmove(queue->items, queue->items + count, queue->count * sizeof(*queue->items));
}

static void queue_free_all(struct lane_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        delivery_free(queue->items[i]);
    queue->count = queue->bytes = 0;
}

void lane_settled(struct lane *lane, struct delivery *delivery)
{
    lane->slot->settled++;
    lane->was_alone = losses_settled(&lane->losses) || lane->was_alone;
    queue_push(&lane->settled, delivery);
}

void lane_give_back(struct lane *lane, struct delivery *delivery)
{
    struct lane_queue *queue = &lane->waiting;
    size_t place = 0;
    queue_reserve(queue);
    while (place < queue->count && queue->items[place]->tag < delivery->tag)
        place++;
    memmove(queue->items + place + 1, queue->items + place,
            (queue->count - place) * sizeof(*queue->items));
    queue->items[place] = delivery;
    queue->count++;
    queue->bytes += delivery->held;
}

void lane_take(struct lane *lane, size_t count)
{
    queue_drop_first(&lane->waiting, count);
}

/* --- life -------------------------------------------------------------------------------------------- */

static void read_crashpoint(struct lane *lane)
{
    const char *wish = getenv("CARTWRIGHT_CRASHPOINT");
    if (!wish || lane->slot->incarnation > 0)
        return;
    const char *colon = strchr(wish, ':');
    int64_t count = 1;
    if (colon && !str_to_int64(str_of(colon + 1), &count))
        return;
    lane->crashpoint = wish;
    lane->crash_countdown = (int)count;
}

void lane_crashpoint(struct lane *lane, const char *where)
{
    if (!lane->crashpoint)
        return;
    const size_t len = strlen(where);
    const char after = strncmp(lane->crashpoint, where, len) == 0 ? lane->crashpoint[len] : 'x';
    if ((after == '\0' || after == ':') && --lane->crash_countdown == 0)
        kill(getpid(), SIGKILL);
}

enum outcome lane_init(struct lane *lane, const struct lane_parts *parts, struct err *err)
{
    *lane = (struct lane){
        .service = parts->service,
        .settings = parts->settings,
        .pool = parts->pool,
        .index = parts->index,
        .bus = parts->bus,
        .store = parts->store,
        .lock = parts->lock,
        .slot = parts->slot,
        .blame = parts->blame,
        .stopping = parts->stopping,
        .now_ms = parts->now_ms,
        .hold_ms = HOLD_MS,
    };
    TRY(auth_keys_load(parts->settings->master_key, parts->settings->token_key, &lane->keys, err));
    arena_init(&lane->arena, ARENA_BLOCK);
    for (size_t i = 0; i < LANE_ROOMS; i++) {
        arena_init(&lane->rooms[i].arena, ARENA_BLOCK);
        arena_init(&lane->rooms[i].run_arena, ARENA_BLOCK);
    }
    if (lane->bus)
        bus_watch(lane->bus, store_commit_fd(lane->store));
    random_bytes(lane->owner, sizeof(lane->owner));
    lane->tokens = calloc(TOKEN_CACHE_SLOTS, sizeof(*lane->tokens));
    if (!lane->tokens)
        panic("out of memory for the token cache");
    doc_caches_init(&lane->docs, lane->service->types);
    read_crashpoint(lane);
    return OUTCOME_DONE;
}

void lane_release(struct lane *lane)
{
    queue_free_all(&lane->waiting);
    free(lane->waiting.items);
    queue_free_all(&lane->settled);
    free(lane->settled.items);
    relay_release(lane);
    lane_forget_unstamped(lane);
    free(lane->unstamped.items);
    free(lane->tokens);
    doc_caches_release(&lane->docs);
    arena_release(&lane->arena);
    for (size_t i = 0; i < LANE_ROOMS; i++) {
        arena_release(&lane->rooms[i].arena);
        arena_release(&lane->rooms[i].run_arena);
    }
}

struct password_cost lane_password_cost(const struct lane *lane)
{
    return (struct password_cost){lane->settings->password_opslimit,
                                  lane->settings->password_memlimit};
}

void lane_pause(int64_t ms)
{
    clock_pause_ms(ms);
}

size_t lane_in_hand(const struct lane *lane)
{
    return lane->waiting.count + (lane->under_way ? lane->under_way->count : 0);
}

/* --- receiving ------------------------------------------------------------------------------------------ */

static void take_in(struct lane *lane, struct delivery *delivery)
{
    if (lane->leaves_rest)
        delivery_free(delivery); /* unacknowledged: it goes back to the queue */
    else
        queue_push(&lane->waiting, delivery);
}

/* Returns false when the connection is gone. */
static bool receive(struct lane *lane, int timeout_ms)
{
    struct delivery *delivery = NULL;
    switch (bus_next(lane->bus, timeout_ms, &delivery)) {
    case BUS_MESSAGE:
        lane->quiet_since_us = 0;
        take_in(lane, delivery);
        return true;
    case BUS_IDLE:
        return true;
    case BUS_CLOSED:
    default:
        lane->bus_lost = true;
        return false;
    }
}

/* True while fewer messages wait than one batch may have, and fewer bytes
 * than two batches may have. */
static bool has_room(const struct lane *lane)
{
    return lane->waiting.count < (size_t)lane->pool->batch_max &&
           lane->waiting.bytes < 2 * (size_t)lane->settings->batch_bytes;
}

/* True when the waiting messages take too much memory, in an outage, where
 * nothing leaves the lane. */
static bool holds_too_much(const struct lane *lane)
{
    return lane->waiting.bytes >= (size_t)lane->settings->held_max;
}

/* Behind a batch under way, a few messages are not worth a batch: each batch costs the same round
 * trips, and more messages are coming. But a batch as large as the one under way would be ready too
 * late, and the database would be idle meanwhile. */
static bool is_worth_a_batch(const struct lane *lane)
{
    const size_t waiting = lane->waiting.count;
    if (!lane->under_way)
        return waiting > 0;
    return !has_room(lane) ||
           (waiting >= (size_t)lane->pool->pipeline_min && 2 * waiting >= lane->under_way->count);
}

/* Takes in the messages that are there already; waits only while there is nothing to do. */
static void collect(struct lane *lane, int timeout_ms)
{
    size_t before = lane->waiting.count;
    if (!receive(lane, is_worth_a_batch(lane) ? 0 : timeout_ms))
        return;
    while (lane->waiting.count > before && has_room(lane)) {
        before = lane->waiting.count;
        if (!receive(lane, 0))
            return;
    }
}

/* A packed body counts as the longest one, because it may become as long as that. */
static size_t length_of(const struct lane *lane, const struct delivery *delivery)
{
    return encoding_named(delivery->content_encoding) == ENCODING_NONE
               ? delivery->body.len
               : (size_t)lane->settings->body_max;
}

/* Returns how many of the waiting messages make a batch: bounded by count
 * and by bytes, at least one. */
static size_t batch_size(const struct lane *lane)
{
    size_t bytes = 0;
    size_t count = 0;
    if (lane->losses.alone > 0)
        return 1;
    while (count < lane->waiting.count && count < (size_t)lane->pool->batch_max) {
        bytes += length_of(lane, lane->waiting.items[count]);
        if (count > 0 && bytes > (size_t)lane->settings->batch_bytes)
            break;
        count++;
    }
    return count;
}

static enum outcome work(struct lane *lane, struct err *err)
{
    TRY(pipeline_poll(lane, err));
    if (!is_worth_a_batch(lane))
        return OUTCOME_DONE;
    TRY(pipeline_push(lane, batch_size(lane), err));
    lane->stumbles = 0;
    return OUTCOME_DONE;
}

/* --- housekeeping ------------------------------------------------------------------------------------------ */

static void log_stats(struct lane *lane, int64_t now_us)
{
    if (now_us < lane->next_stats_us)
        return;
    const bool first = lane->next_stats_us == 0;
    lane->next_stats_us = now_us + STATS_PERIOD_US;
    if (first || lane->counters.batches == 0)
        return;
    struct log_line line;
    log_begin(&line, LOG_INFO, "lane");
    log_int(&line, "messages", lane->counters.messages);
    log_int(&line, "batches", lane->counters.batches);
    log_int(&line, "commits", lane->counters.commits);
    log_int(&line, "conflicts", lane->counters.conflicts);
    log_int(&line, "deferred", lane->counters.deferred);
    log_int(&line, "duplicates", lane->counters.duplicates);
    log_int(&line, "failed", lane->counters.failed);
    log_int(&line, "dropped", lane->counters.dropped);
    log_int(&line, "unlockedBatches", lane->counters.unlocked_batches);
    log_int(&line, "localLimits", lane->counters.local_limits);
    log_int(&line, "returnedReplies", (int64_t)bus_returned(lane->bus));
    log_end(&line);
    log_flush();
    lane->counters = (struct lane_counters){0};
}

static void note_quiet(struct lane *lane, int64_t now_us)
{
    if (lane_in_hand(lane) > 0 || lane->settled.count > 0)
        lane->quiet_since_us = 0;
    else if (lane->quiet_since_us == 0)
        lane->quiet_since_us = now_us;
}

static bool is_quiet(const struct lane *lane, int64_t now_us)
{
    return lane->quiet_since_us > 0 && now_us >= lane->quiet_since_us + QUIET_US;
}

/* A queue that was deleted and made again at once has forgotten this consumer, and the broker
 * does not say so (bus_renew). A lane that had something in hand within the last second does not
 * renew: its acknowledgements have made room for more messages, which may be on their way and
 * would be delivered twice. */
static enum outcome renew_if_due(struct lane *lane, int64_t now_us, struct err *err)
{
    note_quiet(lane, now_us);
    if (!is_quiet(lane, now_us) || now_us < lane->next_renewal_us)
        return OUTCOME_DONE;
    const bool first = lane->next_renewal_us == 0;
    lane->next_renewal_us = now_us + RENEWAL_PERIOD_US;
    /* A call to a server may have taken long, and what arrived meanwhile is not read yet. */
    if (first || !receive(lane, 0) || lane->waiting.count > 0)
        return OUTCOME_DONE;
    const enum outcome outcome = bus_renew(lane->bus, err);
    lane->bus_lost = lane->bus_lost || outcome != OUTCOME_DONE;
    return outcome;
}

static enum outcome keep_house(struct lane *lane, struct err *err)
{
    const int64_t now_us = clock_monotonic_us();
    slot_alive(lane->slot);
    relay_take_confirms(lane);
    const size_t unwritten = lane->published.count + lane->refused.count;
    if (unwritten >= MARK_BATCH || (unwritten > 0 && now_us >= lane->next_mark_us)) {
        lane->next_mark_us = now_us + MARK_PERIOD_US;
        TRY(relay_write_down(lane, err));
    }
    log_stats(lane, now_us);
    mail_watch(lane, now_us);
    TRY(renew_if_due(lane, now_us, err));
    TRY(dead_watch_if_due(lane, now_us, err));
    return relay_run_if_due(lane, now_us, err);
}

/* Begins or ends taking messages, as the supervisor wants; the lane
 * finishes what it has in hand. */
static enum outcome follow_supervisor(struct lane *lane, struct err *err)
{
    const bool aside = lane->slot->aside;
    if (aside == lane->is_aside || *lane->stopping)
        return OUTCOME_DONE;
    lane->is_aside = aside;
    log_info(aside ? "stands aside: too many messages met locks of other lanes"
                   : "takes part again");
    return aside ? bus_cancel(lane->bus, err) : lane_consume(lane, err);
}

static enum outcome take_many_again(struct lane *lane, struct err *err);

enum outcome lane_step(struct lane *lane, int timeout_ms, struct err *err)
{
    TRY(follow_supervisor(lane, err));
    collect(lane, timeout_ms);
    if (lane->bus_lost)
        return err_retry(err, "%s", bus_lost_reason(lane->bus));
    if (relay_is_stuck(lane, clock_monotonic_us())) {
        lane->bus_lost = true;
        return err_retry(err, "the broker does not confirm what was published long ago");
    }
    TRY(work(lane, err));
    if (lane->bus_lost)
        return err_retry(err, "%s", bus_lost_reason(lane->bus));
    TRY(take_many_again(lane, err));
    return keep_house(lane, err);
}

/* --- recovery ------------------------------------------------------------------------------------------------ */

/* Returns the digest of the message in hand that the broker delivered
 * first; 0: nothing is in hand. */
static uint64_t oldest_in_hand(const struct lane *lane)
{
    const struct delivery *oldest = lane->waiting.count ? lane->waiting.items[0] : NULL;
    for (size_t i = 0; i < lane->settled.count; i++)
        if (!oldest || lane->settled.items[i]->tag < oldest->tag)
            oldest = lane->settled.items[i];
    return oldest ? delivery_digest(oldest) : 0;
}

static void forget_deliveries(struct lane *lane)
{
    const bool alone = lane->losses.alone > 0;
    losses_note(&lane->losses, oldest_in_hand(lane), lane->pool->prefetch);
    if (!alone && lane->losses.alone > 0)
        log_warn(
            "lost the broker %d times with the same message in hand: one at a time from now on",
            LOSSES_MAX);
    queue_free_all(&lane->waiting); /* the broker delivers them again */
    queue_free_all(&lane->settled); /* these, too; the journal knows them */
}

/* Connects and consumes anew, with as many messages in hand as are wanted now. Cancelling on a live
 * connection would not do: the messages on their way would come out of order. */
static enum outcome consume_anew(struct lane *lane, int64_t hold_ms, struct err *err)
{
    /* The connection is lost; this forgets what it consumed. */
    (void)!bus_cancel(lane->bus, err);
    TRY(bus_reconnect(lane->bus, err));
    lane->bus_lost = false;
    lane_await_server(lane, hold_ms);
    if (!lane->bus_lost)
        return lane_consume(lane, err);
    losses_acquit(&lane->losses);
    return err_retry(err, "%s", bus_lost_reason(lane->bus));
}

/* When a message is suspected of ending the connection, the lane must know whether the
 * connection holds without the message. While the lane takes messages one at a time, it looks
 * for that after each loss. */
static enum outcome reconnect_bus(struct lane *lane, struct err *err)
{
    forget_deliveries(lane);
    if (lane->losses.alone > 0)
        TRY(consume_anew(lane, lane->hold_ms, err));
    else
        TRY(bus_reconnect(lane->bus, err));
    lane->bus_lost = false;
    lane->quiet_since_us = 0;
    return OUTCOME_DONE;
}

/* When so many messages were taken alone and nothing has happened, the lane
 * takes as many as usual again. */
static enum outcome take_many_again(struct lane *lane, struct err *err)
{
    if (!lane->was_alone || lane_in_hand(lane) > 0 || lane->is_aside)
        return OUTCOME_DONE;
    lane->was_alone = false;
    lane_acknowledge(lane, ACK_NOW);
    TRY(bus_flush(lane->bus, err));
    bus_disconnect(lane->bus);
    lane->bus_lost = true;
    return consume_anew(lane, 0, err);
}

void lane_await_server(struct lane *lane, int64_t ms)
{
    const int64_t end_us = clock_monotonic_us() + ms * 1000;
    const sig_atomic_t stopping = *lane->stopping;
    while (clock_monotonic_us() < end_us && *lane->stopping == stopping) {
        slot_alive(lane->slot);
        const bool is_served = lane->bus && !lane->bus_lost && !holds_too_much(lane);
        if (!is_served || !receive(lane, IDLE_MS))
            lane_pause(IDLE_MS);
    }
}

/* The broker does not lend messages for longer than its consumer_timeout, and it lends `prefetch`
 * messages of each queue, however large they are. Well before either becomes too much, all of them
 * go back at once, and nothing is taken until the database answers. So an outage costs a message
 * one of its deliveries, however long the outage lasts. */
static void hand_back_in_time(struct lane *lane, int64_t since_us)
{
    const int64_t patience_us = lane->settings->amqp_consumer_timeout_ms * 1000 / 2;
    const bool lasts = clock_monotonic_us() - since_us >= patience_us;
    if (lane->bus_lost || !(lasts || holds_too_much(lane)))
        return;
    log_info("the outage lasts: %zu messages (%zu bytes) go back to the broker",
             lane->waiting.count, lane->waiting.bytes);
    bus_disconnect(lane->bus);
    queue_free_all(&lane->waiting);
    lane->bus_lost = true;
}

static int64_t longer_pause(int stumbles)
{
    const int64_t pause_ms = (int64_t)PAUSE_FIRST_MS << (stumbles < 6 ? stumbles : 6);
    return pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS;
}

static int64_t next_pause(int64_t pause_ms, int64_t since_us)
{
    const bool may_elect = clock_monotonic_us() - since_us < ELECTION_MS * 1000LL;
    const int64_t longest = may_elect ? ELECTION_PAUSE_MS : PAUSE_MAX_MS;
    return pause_ms * 2 < longest ? pause_ms * 2 : longest;
}

/* The database is asked first: a lane that takes messages before the database is back only
 * spends their deliveries. */
static enum outcome probe(struct lane *lane, struct err *err)
{
    TRY(store_ping(lane->store, err));
    return lane->bus_lost ? reconnect_bus(lane, err) : OUTCOME_DONE;
}

void lane_recover(struct lane *lane)
{
    struct err err = {0};
    int64_t pause_ms = PAUSE_FIRST_MS;
    const int64_t since_us = clock_monotonic_us();
    lane->slot->ready = 0;
    slot_alive(lane->slot);
    if (pipeline_finish(lane, &err) != OUTCOME_DONE)
        err_clear(&err); /* its messages wait with the others now */
    /* Servers that answer a probe and yet fail the work must not make this a hot loop. */
    if (lane->stumbles++ > 0)
        lane_await_server(lane, longer_pause(lane->stumbles));
    while (!*lane->stopping && probe(lane, &err) != OUTCOME_DONE) {
        struct log_line line;
        log_begin(&line, LOG_WARN, "waiting for a server");
        log_err(&line, &err);
        log_int(&line, "nextTryMs", pause_ms);
        log_end(&line);
        slot_waits(lane->slot, &err);
        lane_await_server(lane, pause_ms);
        hand_back_in_time(lane, since_us);
        pause_ms = next_pause(pause_ms, since_us);
    }
    slot_goes_on(lane->slot);
    lane->slot->ready = !*lane->stopping;
    if (!*lane->stopping)
        log_info("all servers answer again");
}

/* --- the whole life -------------------------------------------------------------------------------------------- */

struct names {
    struct arena *arena;
    struct str *items;
    size_t count, capacity;
};

static void add_name(struct names *names, struct str name)
{
    names->items = arena_grow(names->arena, names->items, names->count, sizeof(*names->items),
                              &names->capacity);
    names->items[names->count++] = name;
}

/* Adds the lane's share of the domain's partitions. */
static void add_partitions(const struct lane *lane, struct str domain, struct names *names)
{
    const int64_t count = partitions_of(lane->settings, domain);
    for (int64_t k = lane->index; k < count; k += lane->pool->lanes)
        add_name(names, name_partition(names->arena, lane->settings->prefix, domain, k));
}

void lane_queues(const struct lane *lane, struct arena *arena, struct str **out, size_t *count)
{
    const struct str prefix = lane->settings->prefix;
    struct names names = {.arena = arena};
    for (size_t i = 0; i < lane->pool->domains.count; i++) {
        const struct str domain = lane->pool->domains.items[i];
        const struct str queue = name_queue(arena, prefix, domain);
        add_name(&names, queue);
        if (str_eq(queue, name_unknown(arena, prefix)))
            add_name(&names, name_died(arena, prefix));
        add_partitions(lane, domain, &names);
        for (size_t k = 0; lane->service->domains[k]; k++)
            if (str_eq(str_of(lane->service->domains[k]->name), domain) &&
                domain_subscribes(lane->service->domains[k]))
                add_name(&names, name_event_queue(arena, prefix, domain));
    }
    *out = names.items;
    *count = names.count;
}

enum outcome lane_consume(struct lane *lane, struct err *err)
{
    struct str *queues;
    size_t count;
    lane_queues(lane, &lane->arena, &queues, &count);
    const int64_t prefetch = lane->losses.alone > 0 ? 1 : lane->pool->prefetch;
    const enum outcome outcome = bus_consume(lane->bus, queues, count, (int)prefetch, err);
    arena_clear(&lane->arena);
    lane->quiet_since_us = 0;
    return outcome;
}

/* --- the loop --------------------------------------------------------------------------------------------- */

void lane_run(struct lane *lane)
{
    struct err err = {0};
    lane->slot->ready = lane->slot->has_worked = 1;
    while (!*lane->stopping) {
        if (lane_step(lane, IDLE_MS, &err) == OUTCOME_DONE)
            continue;
        struct log_line line;
        log_begin(&line, LOG_WARN, "stopped taking messages");
        log_err(&line, &err);
        log_end(&line);
        lane_recover(lane);
    }
    lane_drain(lane);
    log_flush();
}
