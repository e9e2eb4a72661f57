/* sessions.c - of the one who logs in and out: what the documents, the journal and the replies say of
 * his sessions fits together, and every end of a session has a cause. */
#include <inttypes.h>

#include "auth/session.h"
#include "auth/user.h"
#include "sim/sim.h"
#include "wire/json.h"

#define SKEWS_US (40 * US_PER_S) /* two clocks that are wrong, each in its own way */
#define LAPSE_US (5 * US_PER_S)  /* Redis is away for no longer */

/* --- what is known of a call ---------------------------------------------------------------------- */

struct decided {
    const struct call *call;
    const struct journal_reply *reply; /* NULL: it was not decided */
    struct str code;                   /* of the error; absent: it succeeded */
    struct ticket told;                /* session absent: no tokens */
    struct decided *next;
};

struct ledger {
    struct sim *sim;
    const struct user *user; /* NULL: there is no account */
    struct doc_list sessions;
    struct decided *first;
};

static bool is(const struct decided *decided, const char *operation, int status)
{
    return decided->reply && decided->reply->status == status &&
           strcmp(decided->call->operation, operation) == 0;
}

static bool is_done(const struct decided *decided, const char *operation)
{
    return is(decided, operation, 200) || is(decided, operation, 201);
}

static bool is_refused(const struct decided *decided, const char *operation, const char *code)
{
    return is(decided, operation, 401) && str_eq(decided->code, str_of(code));
}

static bool is_about(const struct decided *decided, struct str session)
{
    const struct visit *visit = &decided->call->visit;
    return visit->ticket && !visit->is_forged && !str_is_absent(visit->refresh) &&
           str_eq(visit->ticket->session, session);
}

static bool is_logout_of_all(const struct call *call)
{
    return strcmp(call->operation, "auth.logout") == 0 && str_is_absent(call->visit.refresh);
}

static void read_reply(struct sim *sim, struct decided *decided)
{
    const struct json *json;
    struct err err = {0};
    if (json_parse(&sim->arena, decided->reply->body, &json, &err) != OUTCOME_DONE) {
        sim_fail(sim, "an answer in the journal is not JSON");
        return;
    }
    decided->code = json_str(json_at(json, "/error/code"));
    const struct str refresh = json_str(json_at(json, "/data/refreshToken"));
    if (!str_is_absent(refresh) && !ticket_read(sim, refresh, &decided->told))
        sim_fail(sim, "a refresh token in the journal is none");
}

static void read_calls(struct ledger *ledger)
{
    struct sim *sim = ledger->sim;
    for (const struct call *call = sim->history.first; call; call = call->next) {
        if (call->user != VISITOR)
            continue;
        struct decided *decided = ARENA_NEW(&sim->arena, struct decided);
        *decided = (struct decided){.call = call, .next = ledger->first};
        decided->reply = call_is_query(call) ? NULL : call_decision(sim, call);
        if (decided->reply)
            read_reply(sim, decided);
        ledger->first = decided;
    }
}

static struct ledger accounts_of(struct sim *sim)
{
    struct ledger ledger = {.sim = sim, .sessions = sim_load(sim, &session_type)};
    const struct doc_list users = sim_load(sim, &user_type);
    for (size_t i = 0; i < users.count; i++) {
        const struct user *user = users.items[i];
        if (!str_eq(user->email, sim->visitor.email))
            continue;
        if (ledger.user)
            sim_fail(sim, "two accounts have one address");
        ledger.user = user;
    }
    /* He may not have been told of it. */
    if (ledger.user)
        sim->visitor.user_id = ledger.user->head.id;
    return ledger;
}

static struct ledger ledger_of(struct sim *sim)
{
    struct ledger ledger = accounts_of(sim);
    read_calls(&ledger);
    return ledger;
}

static const struct session *session_of(const struct ledger *ledger, struct str id)
{
    for (size_t i = 0; i < ledger->sessions.count; i++) {
        const struct session *session = ledger->sessions.items[i];
        if (str_eq(session->head.id, id))
            return session;
    }
    return NULL;
}

static bool has_ended(const struct ledger *ledger, const struct session *session)
{
    return session->revoked || session->generation != ledger->user->generation;
}

/* --- when a session ends -------------------------------------------------------------------------- */

static bool is_known_to_have_ended(const struct sim *sim, struct str session)
{
    const struct ended *ended = sim->visitor.ended;
    while (ended && !str_eq(ended->session, session))
        ended = ended->next;
    return ended != NULL;
}

/* Who goes with its tokens, and was decided by now, did not meet the end of the session. */
static void note_end(struct sim *sim, struct str session)
{
    struct ended *ended = ARENA_NEW(&sim->arena, struct ended);
    *ended = (struct ended){session, sim->visitor.ended};
    sim->visitor.ended = ended;
    for (struct call *call = sim->history.first; call; call = call->next)
        if (call->visit.ticket && is_logout_of_all(call) &&
            str_eq(call->visit.ticket->session, session))
            call->visit.was_decided_first = call_decision(sim, call) != NULL;
}

void sessions_written(struct sim *sim)
{
    const struct ledger ledger = accounts_of(sim);
    for (size_t i = 0; ledger.user && i < ledger.sessions.count; i++) {
        const struct session *session = ledger.sessions.items[i];
        if (str_eq(session->user_id, ledger.user->head.id) && has_ended(&ledger, session) &&
            !is_known_to_have_ended(sim, session->head.id))
            note_end(sim, session->head.id);
    }
}

bool is_turned_away(const struct call *call, int64_t status)
{
    return status == E_UNAUTHENTICATED->status && call->visit.ticket && is_logout_of_all(call) &&
           !call->visit.was_decided_first;
}

/* --- when an end was known -------------------------------------------------------------------------- */

static int64_t first_told_us(const struct ledger *ledger, struct str session)
{
    int64_t first = INT64_MAX;
    for (const struct ticket *ticket = ledger->sim->visitor.tickets; ticket; ticket = ticket->next)
        if (str_eq(ticket->session, session) && ticket->told_us < first)
            first = ticket->told_us;
    return first;
}

static bool tells_end(const struct ledger *ledger, const struct decided *decided,
                      struct str session)
{
    const struct call *call = decided->call;
    if (call->replies == 0)
        return false;
    if (is_logout_of_all(call))
        return call->status == 200 && first_told_us(ledger, session) < call->begun_us;
    return is_about(decided, session) &&
           (is(decided, "auth.logout", 200) || is_refused(decided, "auth.refresh", "TOKEN_REUSED"));
}

/* Whose answer was the first to say that the session is over; NULL: nobody knows. */
static const struct call *end_of(const struct ledger *ledger, struct str session)
{
    const struct call *first = NULL;
    for (const struct decided *decided = ledger->first; decided; decided = decided->next)
        if (tells_end(ledger, decided, session) &&
            (!first || decided->call->answered_us < first->answered_us))
            first = decided->call;
    return first;
}

/* --- refresh ------------------------------------------------------------------------------------------- */

static void check_successor(const struct ledger *ledger, const struct decided *decided)
{
    struct sim *sim = ledger->sim;
    const struct call *call = decided->call;
    const struct ticket *spent = call->visit.ticket;
    const int64_t grace_us = sim->premises->settings.shop.refresh_grace_ms * US_PER_MS;
    const struct str id = call->message_id;
    const struct call *end = end_of(ledger, spent->session);
    if (!str_eq(decided->told.session, spent->session) ||
        decided->told.rotation != spent->rotation + 1)
        sim_fail(sim, "%.*s: the successor of token %" PRId64 " is number %" PRId64, STR_FMT(id),
                 spent->rotation, decided->told.rotation);
    if (end && end->answered_us < call->begun_us)
        sim_fail(sim, "%.*s: a token is exchanged whose session was over", STR_FMT(id));
    for (const struct ticket *later = sim->visitor.tickets; later; later = later->next) {
        if (!str_eq(later->session, spent->session) || later->told_us >= call->begun_us)
            continue;
        if (later->rotation >= spent->rotation + 2)
            sim_fail(sim, "%.*s: token %" PRId64 " is exchanged after number %" PRId64 " was told",
                     STR_FMT(id), spent->rotation, later->rotation);
        if (later->rotation == spent->rotation + 1 && sim->struck[FAULT_CLOCK_STEP] == 0 &&
            later->told_us + grace_us < call->begun_us)
            sim_fail(sim, "%.*s: token %" PRId64 " is exchanged long after it was spent",
                     STR_FMT(id), spent->rotation);
    }
}

/* The last one that was spent is good for a while yet. */
static void check_reused(const struct ledger *ledger, const struct decided *decided,
                         const struct session *session)
{
    struct sim *sim = ledger->sim;
    const int64_t rotation = decided->call->visit.ticket->rotation;
    const int64_t grace_ms = sim->premises->settings.shop.refresh_grace_ms;
    const bool is_late = decided->reply->at >= session->rotated_at + grace_ms;
    if (rotation >= session->rotation || (rotation == session->rotation - 1 && !is_late))
        sim_fail(sim, "%.*s: token %" PRId64 " of %" PRId64 " counts as reused",
                 STR_FMT(decided->call->message_id), rotation, session->rotation);
}

static void check_genuine(const struct ledger *ledger, const struct decided *decided)
{
    struct sim *sim = ledger->sim;
    const struct call *call = decided->call;
    const struct session *session = session_of(ledger, call->visit.ticket->session);
    if (!decided->reply)
        return;
    if (!session)
        sim_fail(sim, "a session is gone");
    else if (is_done(decided, "auth.refresh"))
        check_successor(ledger, decided);
    else if (is_refused(decided, "auth.refresh", "TOKEN_REUSED"))
        check_reused(ledger, decided, session);
    else if (!is(decided, "auth.logout", 200) && !has_ended(ledger, session))
        sim_fail(sim, "%s %.*s: a good token of a session that lives is refused: %.*s",
                 call->operation, STR_FMT(call->message_id), STR_FMT(decided->code));
    else if (strcmp(call->operation, "auth.logout") == 0 && decided->reply->status != 200)
        sim_fail(sim, "%.*s: who has a token may not log out", STR_FMT(call->message_id));
}

static void check_forged(const struct ledger *ledger, const struct decided *decided)
{
    const struct call *call = decided->call;
    if (decided->reply && !is_refused(decided, call->operation, "TOKEN_INVALID"))
        sim_fail(ledger->sim, "%s %.*s: a forged token is answered %d %.*s", call->operation,
                 STR_FMT(call->message_id), decided->reply->status, STR_FMT(decided->code));
}

/* --- access tokens -------------------------------------------------------------------------------------- */

/* A lane that looked at the account a moment ago goes by that when nobody tells it otherwise. */
static int64_t access_grace_us(const struct sim *sim, const struct call *call, int64_t ended_us)
{
    if (call->visit.lapse_us < ended_us - LAPSE_US)
        return 0;
    return sim->premises->settings.engine.account_check_ms * US_PER_MS +
           (sim->struck[FAULT_CLOCK_STEP] ? SKEWS_US : 0);
}

static void check_access(const struct ledger *ledger, const struct call *call)
{
    struct sim *sim = ledger->sim;
    const struct session *session = session_of(ledger, call->visit.ticket->session);
    const struct call *end = end_of(ledger, call->visit.ticket->session);
    if (call->replies == 0 || !session)
        return;
    if (call->status == 200 && end &&
        end->answered_us + access_grace_us(sim, call, end->begun_us) < call->begun_us)
        sim_fail(sim, "%s %.*s: an access token is good whose session was over", call->operation,
                 STR_FMT(call->message_id));
    if (call->status == 401 && !has_ended(ledger, session))
        sim_fail(sim, "%s %.*s: an access token is refused whose session lives", call->operation,
                 STR_FMT(call->message_id));
}

static void check_visit(const struct ledger *ledger, const struct decided *decided)
{
    const struct visit *visit = &decided->call->visit;
    if (!visit->ticket)
        return;
    if (str_is_absent(visit->refresh))
        check_access(ledger, decided->call);
    else if (visit->is_forged)
        check_forged(ledger, decided);
    else
        check_genuine(ledger, decided);
}

/* --- sessions ---------------------------------------------------------------------------------------------- */

static bool was_issued(const struct ledger *ledger, const struct session *session, int64_t rotation)
{
    struct str text = STR_ABSENT;
    for (const struct decided *decided = ledger->first; decided; decided = decided->next) {
        const struct ticket *told = &decided->told;
        if (told->rotation != rotation || !str_eq(told->session, session->head.id))
            continue;
        if (!str_is_absent(text) && !str_eq(text, told->refresh))
            sim_fail(ledger->sim, "session %.*s has two tokens with the number %" PRId64,
                     STR_FMT(session->head.id), rotation);
        text = told->refresh;
    }
    return !str_is_absent(text);
}

static void check_session(const struct ledger *ledger, const struct session *session)
{
    struct sim *sim = ledger->sim;
    const struct str id = session->head.id;
    bool has_cause = false;
    for (const struct decided *decided = ledger->first; decided; decided = decided->next)
        has_cause |= is_about(decided, id) && (is(decided, "auth.logout", 200) ||
                                               is_refused(decided, "auth.refresh", "TOKEN_REUSED"));
    if (session->revoked != has_cause)
        sim_fail(sim, "session %.*s %s", STR_FMT(id),
                 has_cause ? "goes on after its end" : "has ended without a cause");
    for (int64_t rotation = 1; rotation <= session->rotation; rotation++)
        if (!was_issued(ledger, session, rotation))
            sim_fail(sim, "session %.*s: token %" PRId64 " of %" PRId64 " was told to nobody",
                     STR_FMT(id), rotation, session->rotation);
}

/* One for each log-in, and as many ends of all as were asked for. */
static void check_counts(const struct ledger *ledger)
{
    struct sim *sim = ledger->sim;
    int64_t accounts = 0, logins = 0, sessions = 0, ends = 0;
    for (const struct decided *decided = ledger->first; decided; decided = decided->next) {
        accounts += is_done(decided, "auth.register");
        logins += is_done(decided, "auth.register") || is_done(decided, "auth.login");
        ends += is_logout_of_all(decided->call) && is_done(decided, "auth.logout");
    }
    for (size_t i = 0; ledger->user && i < ledger->sessions.count; i++) {
        const struct session *session = ledger->sessions.items[i];
        sessions += str_eq(session->user_id, ledger->user->head.id);
    }
    if (accounts != (ledger->user != NULL))
        sim_fail(sim, "%" PRId64 " registrations succeeded", accounts);
    if (sessions != logins)
        sim_fail(sim, "%" PRId64 " sessions of %" PRId64 " log-ins", sessions, logins);
    if (ledger->user && ledger->user->generation != ends)
        sim_fail(sim, "all sessions were ended %" PRId64 " times, by %" PRId64 " log-outs",
                 ledger->user->generation, ends);
}

void check_sessions(struct sim *sim)
{
    const struct ledger ledger = ledger_of(sim);
    for (const struct decided *decided = ledger.first; decided; decided = decided->next)
        check_visit(&ledger, decided);
    for (size_t i = 0; ledger.user && i < ledger.sessions.count; i++) {
        const struct session *session = ledger.sessions.items[i];
        if (str_eq(session->user_id, ledger.user->head.id))
            check_session(&ledger, session);
    }
    check_counts(&ledger);
}
