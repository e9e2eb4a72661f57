/* invariants.c - no session is of a later generation than its user, and the superadmins are
 * counted correctly. (That a session has one valid refresh token needs no check: it keeps the
 * digest of one only.) */
#include "auth/invariants.h"

#include "auth/session.h"
#include "auth/user.h"
#include "base/map.h"

#define LOOKS_MAX 5 /* looks at a roster that keeps changing */

/* --- sessions --------------------------------------------------------------------------------------------- */

static void check_session(struct check *check, const struct session *session,
                          const struct user *user)
{
    if (session->idle_until > session->expires_at)
        check_found(check, session_type.collection, session->head.id,
                    "it idles until %" PRId64 " and ends before, at %" PRId64, session->idle_until,
                    session->expires_at);
    /* A generation only grows, and the user was read after the session. */
    if (user && session->generation > user->generation)
        check_found(check, session_type.collection, session->head.id,
                    "it is of generation %" PRId64 ", its user %.*s only of %" PRId64,
                    session->generation, STR_FMT(user->head.id), user->generation);
}

static enum outcome verify_page(struct check *check, const struct doc_list *sessions,
                                struct arena *arena, struct err *err)
{
    struct doc_list users;
    struct map by_id;
    struct str *ids = arena_array(arena, sessions->count, sizeof(*ids));
    for (size_t i = 0; i < sessions->count; i++)
        ids[i] = ((const struct session *)sessions->items[i])->user_id;
    TRY(check_find(check, &user_type, ids, sessions->count, &users, err));
    map_init(&by_id, arena);
    for (size_t i = 0; i < users.count; i++)
        map_set(&by_id, doc_head(users.items[i])->id, (void *)(uintptr_t)users.items[i]);
    for (size_t i = 0; i < sessions->count; i++)
        check_session(check, sessions->items[i], map_get(&by_id, ids[i]));
    return OUTCOME_DONE;
}

static enum outcome verify_pages(struct check *check, struct arena *arena, struct err *err)
{
    struct check_cursor cursor = check_cursor(check, &session_type, STR_ABSENT);
    const void *session;
    for (;;) {
        TRY(check_next(&cursor, &session, err));
        if (!session)
            return OUTCOME_DONE;
        if (!check_ends_page(&cursor))
            continue;
        arena_clear(arena);
        TRY(verify_page(check, &cursor.page, arena, err));
    }
}

static enum outcome verify_sessions(struct check *check, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    const enum outcome outcome = verify_pages(check, &arena, err);
    arena_release(&arena);
    return outcome;
}

const struct invariant sessions_invariant = {
    .name = "sessions",
    .summary = "a session is not newer than its user's generation, and idles within its life",
    .verify = verify_sessions,
};

/* --- superadmins ------------------------------------------------------------------------------------------ */

static enum outcome read_roster(struct check *check, struct roster *out, struct err *err)
{
    const void *roster;
    TRY(check_find_one(check, &roster_type, ROSTER_SUPERADMINS, &roster, err));
    *out = roster ? *(const struct roster *)roster : (struct roster){0};
    return OUTCOME_DONE;
}

/* Counts the superadmins between two readings of the roster: when it has not changed, they must be
 * as many as it says. */
static enum outcome verify_superadmins(struct check *check, struct err *err)
{
    struct query query = query_of(&user_type);
    query_is(&query, "role", str_of(who_names[SUPERADMIN]));
    query.with_total = true;
    for (int look = 0; look < LOOKS_MAX; look++) {
        struct roster before, after;
        struct query_page page;
        TRY(read_roster(check, &before, err));
        TRY(check_query(check, &query, &page, err));
        TRY(read_roster(check, &after, err));
        if (before.head.version != after.head.version)
            continue;
        if (after.count != page.total)
            check_found(check, roster_type.collection, ROSTER_SUPERADMINS,
                        "it counts %" PRId64 ", there are %" PRId64, after.count, page.total);
        return OUTCOME_DONE;
    }
    return OUTCOME_DONE;
}

const struct invariant superadmins_invariant = {
    .name = "superadmins",
    .summary = "the roster, which guards the last superadmin, counts them rightly",
    .verify = verify_superadmins,
};
