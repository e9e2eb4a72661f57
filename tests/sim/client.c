/* client.c - web tiers as they are: each sends one call after the other, waits for the reply, asks
 * again with the same message id when none comes, and gives up in the end. */
#include "fakes/bus_fake.h"
#include "sim/sim.h"
#include "support/seen.h"
#include "wire/json.h"

#define SENDS_MAX      8
#define TIMEOUT_MIN_US (200 * US_PER_MS)
#define TIMEOUT_MAX_US (3 * US_PER_S)
#define THINK_US       (40 * US_PER_MS)
#define LATE_US        (2 * US_PER_S)
#define ECHOES         3 /* one answered call in so many is sent once more in the end */
#define HURRIED        3 /* one call in so many has a deadline */
#define HURRY_MIN_MS   20
#define HURRY_MAX_MS   2000

static void act(void *context);

const struct shopper *sim_shopper(const struct sim *sim, int user)
{
    return user < 0 ? &sim->admin : &sim->users[user];
}

static void act_at(struct sim_client *client, int64_t at_us)
{
    struct schedule *schedule = &client->sim->schedule;
    schedule_cancel(schedule, client->ticket);
    client->ticket = schedule_at(schedule, at_us, act, client);
}

static int64_t now_of(const struct sim_client *client)
{
    return client->sim->schedule.now_us;
}

/* --- what it asks for ------------------------------------------------------------------------------ */

static const struct good *any_good(struct sim_client *client)
{
    return &client->sim->goods[chance_between(&client->chance, 0, client->sim->plan.goods - 1)];
}

/* One that some client was told, or one that nobody knows. */
static struct str any_order(struct sim_client *client)
{
    const struct sim *sim = client->sim;
    if (sim->order_count == 0)
        return STR("0123456789abcdef01234567");
    return sim->orders[chance_between(&client->chance, 0, (int64_t)sim->order_count - 1)];
}

static struct str empty(struct sim_client *client, const struct call *call)
{
    (void)client;
    (void)call;
    return STR("{}");
}

static struct str product_and_quantity(struct sim_client *client, const struct call *call)
{
    (void)call;
    return str_printf(&client->sim->arena, "{\"productId\":\"%.*s\",\"quantity\":%d}",
                      STR_FMT(any_good(client)->id), (int)chance_between(&client->chance, 1, 3));
}

static struct str product(struct sim_client *client, const struct call *call)
{
    (void)call;
    return str_printf(&client->sim->arena, "{\"productId\":\"%.*s\"}",
                      STR_FMT(any_good(client)->id));
}

static struct str note(struct sim_client *client, const struct call *call)
{
    return str_printf(&client->sim->arena, "{\"note\":\"%.*s\"}", STR_FMT(call->message_id));
}

static struct str order_and_reason(struct sim_client *client, const struct call *call)
{
    return str_printf(&client->sim->arena, "{\"orderId\":\"%.*s\",\"reason\":\"%.*s\"}",
                      STR_FMT(any_order(client)), STR_FMT(call->message_id));
}

static struct str order_and_status(struct sim_client *client, const struct call *call)
{
    static const char *const states[] = {"paid", "processing", "shipped", "delivered", "cancelled"};
    return str_printf(&client->sim->arena,
                      "{\"orderId\":\"%.*s\",\"status\":\"%s\",\"note\":\"%.*s\"}",
                      STR_FMT(any_order(client)), states[chance_between(&client->chance, 0, 4)],
                      STR_FMT(call->message_id));
}

static struct str delta_and_reason(struct sim_client *client, const struct call *call)
{
    const int delta = (int)chance_between(&client->chance, 1, 6);
    return str_printf(
        &client->sim->arena, "{\"productId\":\"%.*s\",\"delta\":%d,\"reason\":\"%.*s\"}",
        STR_FMT(any_good(client)->id), delta > 4 ? -delta / 2 : delta, STR_FMT(call->message_id));
}

static struct str count_after_looking(struct sim_client *client, const struct call *call)
{
    (void)call;
    return str_printf(&client->sim->arena, "{\"productId\":\"%.*s\",\"onHand\":%d}",
                      STR_FMT(any_good(client)->id), (int)chance_between(&client->chance, 0, 15));
}

static struct str other_price(struct sim_client *client, const struct call *call)
{
    (void)call;
    return str_printf(&client->sim->arena,
                      "{\"productId\":\"%.*s\",\"price\":{\"amount\":%d,\"currency\":\"GBP\"}}",
                      STR_FMT(any_good(client)->id), (int)chance_between(&client->chance, 50, 999));
}

static struct str on_or_off_sale(struct sim_client *client, const struct call *call)
{
    (void)call;
    return str_printf(&client->sim->arena, "{\"productId\":\"%.*s\",\"status\":\"%s\"}",
                      STR_FMT(any_good(client)->id),
                      chance_one_in(&client->chance, 3) ? "retired" : "published");
}

static struct str everything_read(struct sim_client *client, const struct call *call)
{
    (void)client;
    (void)call;
    return STR("{\"all\":true}");
}

struct habit {
    const char *operation;
    int share; /* of all habits of its table, in proportion */
    struct str (*body)(struct sim_client *client, const struct call *call);
};

static const struct habit customer_habits[] = {
    {"cart.item.add", 8, product_and_quantity},
    {"order.place", 7, note},
    {"cart.item.update", 2, product_and_quantity},
    {"cart.item.remove", 2, product},
    {"cart.clear", 1, empty},
    {"cart.get", 3, empty},
    {"order.cancel", 3, order_and_reason},
    {"notification.read", 1, everything_read},
};

static const struct habit admin_habits[] = {
    {"order.status.set", 6, order_and_status}, {"inventory.adjust", 4, delta_and_reason},
    {"inventory.set", 1, count_after_looking}, {"product.update", 5, other_price},
    {"product.update", 2, on_or_off_sale},     {"order.cancel", 1, order_and_reason},
};

static const struct habit *pick(struct sim_client *client, const struct habit *habits, size_t count)
{
    int shares = 0;
    for (size_t i = 0; i < count; i++)
        shares += habits[i].share;
    int64_t left = chance_between(&client->chance, 1, shares);
    size_t i = 0;
    while ((left -= habits[i].share) > 0)
        i++;
    return &habits[i];
}

static const struct habit *next_habit(struct sim_client *client)
{
    return client->user < 0
               ? pick(client, admin_habits, sizeof(admin_habits) / sizeof(admin_habits[0]))
               : pick(client, customer_habits,
                      sizeof(customer_habits) / sizeof(customer_habits[0]));
}

/* --- sending ----------------------------------------------------------------------------------------- */

struct parcel {
    struct sim_client *client;
    struct call *call;
};

struct call *client_call(const struct sim *sim, struct str message_id)
{
    struct call *call = sim->history.first;
    while (call && !str_eq(call->message_id, message_id))
        call = call->next;
    return call;
}

bool call_is_query(const struct call *call)
{
    return strcmp(call->operation, "cart.get") == 0 || strcmp(call->operation, "user.get") == 0;
}

void client_lost_place(struct sim *sim, struct str message_id)
{
    struct call *call = client_call(sim, message_id);
    if (call)
        call->lost_place = true;
}

static void deliver(void *context)
{
    const struct parcel *parcel = context;
    parcel->client->sim->parcels--;
    struct call *call = parcel->call;
    struct sim *sim = parcel->client->sim;
    sim_note(sim, "client %d sends %s %.*s", parcel->client->index, call->operation,
             STR_FMT(call->message_id));
    const struct bus_message message = {
        .exchange = sim->premises->requests,
        .routing_key = str_of(call->operation),
        .body = call->body,
        .message_id = call->message_id,
        .correlation_id = call->message_id,
        .reply_to = parcel->client->queue,
        .deadline = call->deadline,
        .authorization = str_is_absent(call->token)
                             ? STR_ABSENT
                             : str_printf(&sim->arena, "Bearer %.*s", STR_FMT(call->token)),
        .partition_key = call->user != VISITOR && sim->plan.partitioned
                             ? sim_shopper(sim, call->user)->id
                             : STR_ABSENT,
    };
    /* While the broker is away nobody takes it; the client will ask again. */
    if (sim->schedule.now_us >= sim->broker_away_until_us) {
        if (!bus_fake_send(sim->broker, &message))
            sim_fail(sim, "no queue takes %s", call->operation);
        call->copies++;
        if (call->arrived == 0)
            call->arrived = ++sim->arrivals;
    }
    sim_ring_all(sim);
}

static void hand_over(struct parcel *parcel, int64_t delay_us)
{
    struct sim *sim = parcel->client->sim;
    sim->parcels++;
    schedule_at(&sim->schedule, sim->schedule.now_us + delay_us, deliver, parcel);
}

static void send(struct sim_client *client, struct call *call)
{
    struct sim *sim = client->sim;
    struct parcel *parcel = ARENA_NEW(&sim->arena, struct parcel);
    *parcel = (struct parcel){client, call};
    call->sends++;
    if (!sim_strikes(sim, FAULT_REQUEST_LOST))
        hand_over(parcel, 0);
    if (sim_strikes(sim, FAULT_REQUEST_TWICE))
        hand_over(parcel, 0);
    if (sim_strikes(sim, FAULT_REQUEST_LATE))
        hand_over(parcel, sim_between(sim, 0, LATE_US));
}

static void send_pending(struct sim_client *client)
{
    client->deadline_us =
        now_of(client) + chance_between(&client->chance, TIMEOUT_MIN_US, TIMEOUT_MAX_US);
    act_at(client, client->deadline_us);
    send(client, client->pending);
}

static void ask_as_shopper(struct sim_client *client, struct call *call)
{
    const struct habit *habit = next_habit(client);
    call->operation = habit->operation;
    call->token = sim_shopper(client->sim, client->user)->token;
    call->body = habit->body(client, call);
}

static void begin_call(struct sim_client *client)
{
    struct sim *sim = client->sim;
    struct call *call = ARENA_NEW(&sim->arena, struct call);
    *call = (struct call){
        .client = client->index,
        .user = client->user,
        .begun_us = now_of(client),
        .message_id = str_printf(&sim->arena, "c%d-%zu", client->index, sim->history.count),
        .must_be_answered = client->is_encore,
        .seen_version = client->user < 0 ? 0 : sim->cart_versions[client->user],
    };
    memcpy(call->told_versions, sim->told_versions, sizeof(call->told_versions));
    if (client->visitor)
        visitor_ask(client, call);
    else
        ask_as_shopper(client, call);
    if (!client->is_encore && chance_one_in(&client->chance, HURRIED))
        call->deadline =
            clock_now_ms() + chance_between(&client->chance, HURRY_MIN_MS, HURRY_MAX_MS);
    *(sim->history.last ? &sim->history.last->next : &sim->history.first) = call;
    sim->history.last = call;
    sim->history.count++;
    client->calls_left--;
    client->pending = call;
    send_pending(client);
}

/* --- replies ------------------------------------------------------------------------------------------ */

static bool is_cart_operation(const struct call *call)
{
    return strncmp(call->operation, "cart.", 5) == 0;
}

static void learn_product(struct sim *sim, struct str id, int64_t version)
{
    for (int i = 0; i < sim->plan.goods; i++)
        if (str_eq(sim->goods[i].id, id) && version > sim->told_versions[i])
            sim->told_versions[i] = version;
}

/* What a client learns from a reply: the version of its cart or product, the id of its order. */
static void learn(struct sim *sim, const struct call *call, const struct json *reply)
{
    const int64_t version = json_int(json_at(reply, "/data/version"), -1);
    if (strcmp(call->operation, "product.update") == 0)
        learn_product(sim, json_str(json_at(reply, "/data/id")), version);
    if (is_cart_operation(call) && version > sim->cart_versions[call->user])
        sim->cart_versions[call->user] = version;
    const struct str id = json_str(json_at(reply, "/data/id"));
    if (strcmp(call->operation, "order.place") == 0 && !str_is_absent(id) &&
        sim->order_count < sizeof(sim->orders) / sizeof(sim->orders[0]))
        sim->orders[sim->order_count++] = id;
}

static void take_first_reply(struct sim *sim, struct call *call, const struct delivery *reply,
                             const struct json *json)
{
    call->status = (int)reply->status;
    call->reply = str_dup(&sim->arena, reply->body);
    seen_sent(reply->correlation_id, str_of(call->operation));
    seen_reply(reply);
    call->answered_us = sim->schedule.now_us;
    const int64_t version = json_int(json_at(json, "/data/version"), -1);
    if (strcmp(call->operation, "cart.get") == 0 && version < call->seen_version)
        sim_fail(sim, "cart.get %.*s shows version %lld, but %lld was answered before",
                 STR_FMT(call->message_id), (long long)version, (long long)call->seen_version);
    if (call->user == VISITOR)
        visitor_learn(sim, call, json);
    else
        learn(sim, call, json);
}

static void take_other_reply(struct sim *sim, struct call *call, const struct delivery *reply,
                             const struct json *json)
{
    if (is_turned_away(call, reply->status))
        return;
    if (is_turned_away(call, call->status))
        take_first_reply(sim, call, reply, json);
    else if (reply->status != call->status || !str_eq(reply->body, call->reply))
        sim_fail(sim, "%s %.*s was answered in two ways: %d %.*s and %d %.*s", call->operation,
                 STR_FMT(call->message_id), call->status, STR_FMT(call->reply), (int)reply->status,
                 STR_FMT(reply->body));
}

/* "Try again" is no answer; queries may be answered differently each time. */
static void take_reply(struct sim *sim, struct call *call, const struct delivery *reply)
{
    const struct json *json;
    struct err err = {0};
    if (json_parse(&sim->arena, reply->body, &json, &err) != OUTCOME_DONE) {
        sim_fail(sim, "a reply is not JSON: %.*s", STR_FMT(reply->body));
        return;
    }
    sim_note(sim, "%s %.*s is answered %d %.*s", call->operation, STR_FMT(call->message_id),
             (int)reply->status, STR_FMT(json_str(json_at(json, "/error/code"))));
    if (reply->status == E_DEADLINE_EXCEEDED->status) {
        call->late_in_the_end = sim->is_encore;
        call->too_late = true;
    }
    if (json_bool(json_at(json, "/error/retryable"), false))
        return;
    if (str_eq(json_str(json_at(json, "/error/code")), STR("GONE"))) {
        visitor_check_gone(sim, call);
        call->is_gone = true;
    } else if (call->replies++ == 0) {
        take_first_reply(sim, call, reply, json);
    } else if (!call_is_query(call)) {
        take_other_reply(sim, call, reply, json);
    }
}

static void take_mail(struct sim_client *client)
{
    struct sim *sim = client->sim;
    struct delivery *reply;
    while ((reply = bus_fake_take(sim->broker, client->queue))) {
        struct call *call = client_call(sim, reply->correlation_id);
        if (!call)
            sim_fail(sim, "a reply to nobody's question %.*s", STR_FMT(reply->correlation_id));
        else if (!sim_strikes(sim, FAULT_REPLY_LOST))
            take_reply(sim, call, reply);
        delivery_free(reply);
    }
}

/* --- its life -------------------------------------------------------------------------------------------- */

static void think(struct sim_client *client)
{
    client->pending = NULL;
    act_at(client, now_of(client) + chance_between(&client->chance, 0, THINK_US));
}

static void see_to_pending(struct sim_client *client)
{
    if (client->pending->replies > 0 || client->pending->too_late || client->pending->is_gone)
        think(client);
    else if (now_of(client) < client->deadline_us)
        act_at(client, client->deadline_us);
    else if (client->pending->sends < SENDS_MAX || client->is_encore)
        send_pending(client);
    else
        think(client); /* unknown for good */
}

static void act(void *context)
{
    struct sim_client *client = context;
    client->ticket = 0;
    take_mail(client);
    if (client->pending)
        see_to_pending(client);
    else if (client->calls_left > 0)
        begin_call(client);
}

void client_start(struct sim_client *client)
{
    act_at(client, now_of(client) + chance_between(&client->chance, 0, THINK_US));
}

void clients_ring(struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++)
        if (bus_fake_depth(sim->broker, sim->clients[i].queue) > 0)
            act_at(&sim->clients[i], sim->schedule.now_us + sim_between(sim, 20, 2000));
}

bool clients_are_done(const struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++)
        if (sim->clients[i].calls_left > 0 || sim->clients[i].pending ||
            bus_fake_depth(sim->broker, sim->clients[i].queue) > 0)
            return false;
    return sim->parcels == 0;
}

void clients_encore(struct sim *sim)
{
    sim->is_encore = true;
    for (struct call *call = sim->history.first; call; call = call->next)
        if ((call->replies > 0 || call->too_late) && chance_one_in(&sim->chance, ECHOES))
            send(&sim->clients[call->client], call);
    for (int i = 0; i < sim->client_count; i++) {
        sim->clients[i].calls_left = 1;
        sim->clients[i].is_encore = true;
        client_start(&sim->clients[i]);
    }
}
