/* seed.c - documents straight through the store. */
#include "flow/seed.h"

#include <inttypes.h>

#include "auth/session.h"
#include "auth/user.h"
#include "base/clock.h"
#include "wire/json.h"
#include "wire/json_tree.h"

#define LONG_MS (30 * MS_PER_DAY)

static struct commit commit_of(struct arena *arena, const struct write *writes, size_t count)
{
    return (struct commit){.id = id_new(arena, world_now()),
                           .now = world_now(),
                           .writes = writes,
                           .write_count = count};
}

/* --- users --------------------------------------------------------------------------------------- */

static struct user *new_user(struct arena *arena, struct str name, enum who role)
{
    struct user *user = ARENA_NEW(arena, struct user);
    *user = (struct user){
        .head = {.id = id_new(arena, world_now()),
                 .version = 1,
                 .created_at = world_now(),
                 .updated_at = world_now()},
        .name = name,
        .password_hash = STR(""),
        .role = (int)role,
    };
    user_set_email(arena, user, str_printf(arena, "%.*s@example.com", STR_FMT(name)));
    return user;
}

static struct session *new_session(struct arena *arena, const struct user *user)
{
    struct session *session = ARENA_NEW(arena, struct session);
    *session = (struct session){
        .head = {.id = id_new(arena, world_now()),
                 .version = 1,
                 .created_at = world_now(),
                 .updated_at = world_now()},
        .user_id = user->head.id,
        .digest = STR(""),
        .idle_until = world_now() + LONG_MS,
        .expires_at = world_now() + LONG_MS,
    };
    return session;
}

static enum outcome sign(struct world *world, struct arena *arena, const struct user *user,
                         const struct session *session, bool expired, struct str *out,
                         struct err *err)
{
    const struct engine_settings *engine = &world->settings.engine;
    const int64_t now_s = world_now() / MS_PER_SECOND;
    const int64_t age_s = expired ? 24 * 3600 : 0;
    const struct token_options options = {engine->token_issuer.ptr, engine->token_audience.ptr,
                                          engine->token_skew_ms / MS_PER_SECOND, false};
    const struct claims claims = {
        .subject = user->head.id,
        .role = str_of(who_names[user->role]),
        .session = session->head.id,
        .id = id_new(arena, world_now()),
        .issued_at = now_s - age_s,
        .expires_at = now_s - age_s + world->settings.shop.access_token_ms / MS_PER_SECOND,
    };
    return token_issue(arena, world->lane.keys.token, &options, &claims, out, err);
}

/* One superadmin more in the count that guards the last one. */
static enum outcome count_superadmin(struct world *world, struct arena *arena, struct write *write,
                                     struct err *err)
{
    const struct str id = STR("superadmin");
    struct store_find find = {.type = &roster_type, .path = "id", .values = &id, .count = 1};
    TRY(store_find(world->store, arena, &find, err));
    struct roster *roster = ARENA_NEW(arena, struct roster);
    roster->head = (struct doc_head){.id = id, .created_at = world_now()};
    if (find.found.count)
        *roster = *(const struct roster *)find.found.items[0];
    *write = (struct write){.kind = find.found.count ? WRITE_REPLACE : WRITE_INSERT,
                            .type = &roster_type,
                            .doc = roster,
                            .base_version = roster->head.version};
    roster->count++;
    roster->head.version++;
    roster->head.updated_at = world_now();
    return OUTCOME_DONE;
}

enum outcome seed_user(struct world *world, struct arena *arena, struct str name, enum who role,
                       bool expired, struct seed_user *out, struct err *err)
{
    const struct user *user = new_user(arena, name, role);
    const struct session *session = new_session(arena, user);
    struct write writes[3] = {
        {.kind = WRITE_INSERT, .type = &user_type, .doc = user},
        {.kind = WRITE_INSERT, .type = &session_type, .doc = session},
    };
    if (role == SUPERADMIN)
        TRY(count_superadmin(world, arena, &writes[2], err));
    const struct commit commit = commit_of(arena, writes, role == SUPERADMIN ? 3 : 2);
    TRY(store_commit(world->store, &commit, err));
    out->id = user->head.id;
    out->session = session->head.id;
    return sign(world, arena, user, session, expired, &out->token, err);
}

/* --- looking ----------------------------------------------------------------------------------------- */

const struct doc_type *seed_type(const struct world *world, struct str collection)
{
    for (size_t i = 0; world->service.types[i]; i++)
        if (str_eq(str_of(world->service.types[i]->collection), collection))
            return world->service.types[i];
    return NULL;
}

enum outcome seed_document(struct world *world, struct arena *arena, const struct doc_type *type,
                           struct str id, struct str *out, struct err *err)
{
    struct store_find find = {.type = type, .path = "id", .values = &id, .count = 1};
    TRY(store_find(world->store, arena, &find, err));
    *out = find.found.count ? json_of_shape(arena, type->shape, find.found.items[0]) : STR_ABSENT;
    return OUTCOME_DONE;
}

static void add_term(struct query *query, const char *path, const json_t *value)
{
    if (json_is_boolean(value))
        query_is_bool(query, path, json_is_true(value));
    else if (json_is_integer(value))
        query_is_int(query, path, json_integer_value(value));
    else
        query_is(query, path, str_of(json_string_value(value)));
}

enum outcome seed_count(struct world *world, struct arena *arena, const struct doc_type *type,
                        const struct json *fields, int64_t *out, struct err *err)
{
    struct query query = query_of(type);
    query.with_total = true;
    json_t *object = (json_t *)(uintptr_t)json_tree(fields); /* for iteration only */
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
        add_term(&query, json_object_iter_key(i), json_object_iter_value(i));
    struct query_page page = {0};
    TRY(store_query(world->store, arena, &query, &page, err));
    *out = page.total;
    return OUTCOME_DONE;
}
