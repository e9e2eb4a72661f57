/* visitor.c - one who logs in and out, and what he may come to think of. */
#include "sim/visitor.h"

#include "auth/refresh_token.h"
#include "sim/sim.h"
#include "wire/json.h"

#define REPEATED_US (60 * US_PER_S) /* answers with secrets are repeated for so long */

/* The bytes in the text of a refresh token: refresh_token.h. */
#define ROTATION_BYTES 4
#define SIGNED_BYTES   (ROTATION_BYTES + REFRESH_SECRET_BYTES)
#define MAC_BYTES      12
#define PAYLOAD_BYTES  (SIGNED_BYTES + MAC_BYTES)

void visitor_open(struct sim *sim)
{
    sim->visitor = (struct visitor){.email = STR("ann@shop.example"),
                                    .password = STR("quiet river stones"),
                                    .user_id = STR_ABSENT};
}

/* --- tokens --------------------------------------------------------------------------------------- */

static bool read_payload(struct sim *sim, struct str refresh, uint8_t payload[PAYLOAD_BYTES])
{
    struct str bytes;
    if (refresh.len <= ID_TEXT + 1 ||
        !base64url_decode(&sim->arena,
                          (struct str){refresh.ptr + ID_TEXT + 1, refresh.len - ID_TEXT - 1},
                          &bytes) ||
        bytes.len != PAYLOAD_BYTES)
        return false;
    memcpy(payload, bytes.ptr, PAYLOAD_BYTES);
    return true;
}

static struct str write_token(struct sim *sim, struct str session,
                              const uint8_t payload[PAYLOAD_BYTES])
{
    return str_join(&sim->arena, session, '.', base64url(&sim->arena, payload, PAYLOAD_BYTES));
}

bool ticket_read(struct sim *sim, struct str refresh, struct ticket *out)
{
    uint8_t payload[PAYLOAD_BYTES];
    if (!read_payload(sim, refresh, payload))
        return false;
    *out = (struct ticket){.refresh = refresh, .session = {refresh.ptr, ID_TEXT}};
    for (int i = 0; i < ROTATION_BYTES; i++)
        out->rotation = out->rotation << 8 | payload[i];
    return true;
}

/* --- forgeries: of a session that he knows, each of another kind ------------------------------------- */

static void forge_junk(struct sim_client *client, const struct ticket *ticket,
                       uint8_t payload[PAYLOAD_BYTES])
{
    (void)ticket;
    chance_fill(&client->chance, payload, PAYLOAD_BYTES);
}

static void forge_rotation(struct sim_client *client, const struct ticket *ticket,
                           uint8_t payload[PAYLOAD_BYTES])
{
    (void)client;
    (void)ticket;
    payload[ROTATION_BYTES - 1]++;
}

static void forge_secret(struct sim_client *client, const struct ticket *ticket,
                         uint8_t payload[PAYLOAD_BYTES])
{
    (void)ticket;
    payload[chance_between(&client->chance, ROTATION_BYTES, SIGNED_BYTES - 1)] ^= 1;
}

/* Signed as we would sign it, with another key. */
static void forge_mac(struct sim_client *client, const struct ticket *ticket,
                      uint8_t payload[PAYLOAD_BYTES])
{
    struct arena *arena = &client->sim->arena;
    uint8_t key[AUTH_KEY_BYTES];
    chance_fill(&client->chance, key, sizeof(key));
    const struct str parts[] = {
        STR("refresh token"),
        str_join(arena, ticket->session, '.', (struct str){(const char *)payload, SIGNED_BYTES})};
    auth_digest(key, parts, 2, payload + SIGNED_BYTES, MAC_BYTES);
}

/* A good token of another session, under this one's name. */
static void forge_session(struct sim_client *client, const struct ticket *ticket,
                          uint8_t payload[PAYLOAD_BYTES])
{
    const struct ticket *other = client->visitor->tickets;
    while (other && str_eq(other->session, ticket->session))
        other = other->next;
    if (!other || !read_payload(client->sim, other->refresh, payload))
        forge_junk(client, ticket, payload);
}

static struct str forged(struct sim_client *client, const struct ticket *ticket)
{
    static void (*const ways[])(struct sim_client *, const struct ticket *, uint8_t *) = {
        forge_junk, forge_rotation, forge_secret, forge_mac, forge_session};
    const int64_t last = (int64_t)(sizeof(ways) / sizeof(ways[0])) - 1;
    uint8_t payload[PAYLOAD_BYTES];
    if (!read_payload(client->sim, ticket->refresh, payload))
        panic("a token that was told cannot be read");
    ways[chance_between(&client->chance, 0, last)](client, ticket, payload);
    return write_token(client->sim, ticket->session, payload);
}

/* --- what a tab does --------------------------------------------------------------------------------- */

static const struct ticket *any_ticket(struct sim_client *client)
{
    int64_t count = 0;
    for (const struct ticket *ticket = client->visitor->tickets; ticket; ticket = ticket->next)
        count++;
    const struct ticket *ticket = client->visitor->tickets;
    for (int64_t skip = chance_between(&client->chance, 0, count - 1); skip > 0; skip--)
        ticket = ticket->next;
    return ticket;
}

static void ask_register(struct sim_client *client, struct call *call)
{
    call->operation = "auth.register";
    call->body = str_printf(&client->sim->arena,
                            "{\"name\":\"Ann Archer\",\"email\":\"%.*s\",\"password\":\"%.*s\"}",
                            STR_FMT(client->visitor->email), STR_FMT(client->visitor->password));
}

static void ask_login(struct sim_client *client, struct call *call)
{
    call->operation = "auth.login";
    call->body = str_printf(&client->sim->arena, "{\"email\":\"%.*s\",\"password\":\"%.*s\"}",
                            STR_FMT(client->visitor->email), STR_FMT(client->visitor->password));
}

static void offer(struct sim_client *client, struct call *call, const char *operation,
                  const struct ticket *ticket, bool is_forged)
{
    call->operation = operation;
    call->visit = (struct visit){
        .ticket = ticket,
        .refresh = is_forged ? forged(client, ticket) : ticket->refresh,
        .is_forged = is_forged,
    };
    call->body = str_printf(&client->sim->arena, "{\"refreshToken\":\"%.*s\"}",
                            STR_FMT(call->visit.refresh));
}

static void ask_refresh(struct sim_client *client, struct call *call)
{
    offer(client, call, "auth.refresh", client->visitor->current, false);
}

static void ask_refresh_again(struct sim_client *client, struct call *call)
{
    offer(client, call, "auth.refresh", any_ticket(client), false);
}

static void ask_refresh_forged(struct sim_client *client, struct call *call)
{
    offer(client, call, "auth.refresh", any_ticket(client), true);
}

static void ask_logout(struct sim_client *client, struct call *call)
{
    offer(client, call, "auth.logout", any_ticket(client), false);
}

static void ask_logout_forged(struct sim_client *client, struct call *call)
{
    offer(client, call, "auth.logout", any_ticket(client), true);
}

static void ask_logout_all(struct sim_client *client, struct call *call)
{
    call->operation = "auth.logout";
    call->visit = (struct visit){.ticket = any_ticket(client), .refresh = STR_ABSENT};
    call->token = call->visit.ticket->access;
    call->body = STR("{}");
}

static void ask_account(struct sim_client *client, struct call *call)
{
    call->operation = "user.get";
    call->visit = (struct visit){.ticket = any_ticket(client), .refresh = STR_ABSENT};
    call->token = call->visit.ticket->access;
    call->body = STR("{}");
}

/* What he must have for it. */
enum has { HAS_NOTHING, HAS_ACCOUNT, HAS_TICKET, HAS_CURRENT };

static const struct {
    enum has needs;
    int share; /* in proportion, of all that is possible */
    void (*ask)(struct sim_client *client, struct call *call);
} habits[] = {
    {HAS_CURRENT, 12, ask_refresh},      {HAS_TICKET, 2, ask_refresh_again},
    {HAS_TICKET, 3, ask_refresh_forged}, {HAS_TICKET, 1, ask_logout},
    {HAS_TICKET, 1, ask_logout_forged},  {HAS_TICKET, 1, ask_logout_all},
    {HAS_TICKET, 5, ask_account},        {HAS_ACCOUNT, 3, ask_login},
    {HAS_NOTHING, 1, ask_register},
};

#define HABITS (sizeof(habits) / sizeof(habits[0]))

static enum has possessions(const struct visitor *visitor)
{
    return visitor->current                   ? HAS_CURRENT
           : visitor->tickets                 ? HAS_TICKET
           : !str_is_absent(visitor->user_id) ? HAS_ACCOUNT
                                              : HAS_NOTHING;
}

void visitor_ask(struct sim_client *client, struct call *call)
{
    const enum has has = possessions(client->visitor);
    int64_t shares = 0;
    call->token = STR_ABSENT;
    if (client->is_encore) {
        (has == HAS_NOTHING ? ask_register : ask_login)(client, call);
        return;
    }
    for (size_t i = 0; i < HABITS; i++)
        shares += habits[i].needs <= has ? habits[i].share : 0;
    int64_t left = chance_between(&client->chance, 1, shares);
    size_t i = 0;
    while (habits[i].needs > has || (left -= habits[i].share) > 0)
        i++;
    habits[i].ask(client, call);
}

/* --- what it learns ---------------------------------------------------------------------------------- */

static void take_ticket(struct sim *sim, const struct json *data)
{
    struct visitor *visitor = &sim->visitor;
    struct ticket *ticket = ARENA_NEW(&sim->arena, struct ticket);
    if (!ticket_read(sim, json_str(json_at(data, "/refreshToken")), ticket)) {
        sim_fail(sim, "no refresh token in an answer that has one");
        return;
    }
    ticket->access = json_str(json_at(data, "/accessToken"));
    ticket->told_us = sim->schedule.now_us;
    ticket->next = visitor->tickets;
    visitor->tickets = ticket;
    const struct ticket *current = visitor->current;
    if (!current || !str_eq(current->session, ticket->session) ||
        current->rotation < ticket->rotation)
        visitor->current = ticket;
}

/* Who dies between the commit and the reply tells nobody, and without Redis nobody hears. */
static int64_t last_lapse_us(const struct sim *sim)
{
    static const enum fault_kind kinds[] = {FAULT_CRASH,        FAULT_POISON,
                                            FAULT_LOCK_REFUSES, FAULT_LOCK_ANSWER_LOST,
                                            FAULT_LOCK_AWAY,    FAULT_LOCK_WIPED};
    int64_t last_us = INT64_MIN;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (sim->struck[kinds[i]] > 0 && sim->struck_us[kinds[i]] > last_us)
            last_us = sim->struck_us[kinds[i]];
    return last_us;
}

void visitor_learn(struct sim *sim, struct call *call, const struct json *reply)
{
    struct visitor *visitor = &sim->visitor;
    call->visit.lapse_us = last_lapse_us(sim);
    const struct json *data = json_at(reply, "/data");
    const struct str user_id = json_str(json_at(data, "/user/id"));
    if (!str_is_absent(user_id))
        visitor->user_id = user_id;
    if (!str_is_absent(json_str(json_at(data, "/refreshToken")))) {
        take_ticket(sim, data);
        return;
    }
    /* Logged out, or told that the session is over; who tried a forgery knows better. */
    const struct ticket *current = visitor->current;
    if (call->visit.ticket && current && !call->visit.is_forged && !call_is_query(call) &&
        str_eq(current->session, call->visit.ticket->session))
        visitor->current = NULL;
}

/* Lanes whose clocks are wrong may be early. */
void visitor_check_gone(struct sim *sim, const struct call *call)
{
    if (sim->struck[FAULT_CLOCK_STEP] == 0 && sim->schedule.now_us - call->begun_us < REPEATED_US)
        sim_fail(sim, "%s %.*s is not answered again, although it is not long ago", call->operation,
                 STR_FMT(call->message_id));
}
