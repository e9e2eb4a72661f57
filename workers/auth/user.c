/* user.c - accounts: how they are stored, found and shown. No password hash leaves this form. */
#include "auth/user.h"

static const struct field user_fields[] = {
    DOC_FIELDS(struct user, FIELD_ID),
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct user, name)},
    {.name = "email", .kind = FIELD_STR, .offset = offsetof(struct user, email)},
    {.name = "emailKey", .kind = FIELD_STR, .offset = offsetof(struct user, email_key)},
    {.name = "emailVerified",
     .kind = FIELD_BOOL,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct user, email_verified)},
    {.name = "passwordHash",
     .kind = FIELD_STR,
     .flags = FIELD_SECRET,
     .offset = offsetof(struct user, password_hash)},
    {.name = "role", .kind = FIELD_ENUM, .offset = offsetof(struct user, role), .names = who_names},
    {.name = "generation", .kind = FIELD_INT, .offset = offsetof(struct user, generation)},
};

static const struct field user_view_fields[] = {
    {.name = "id", .kind = FIELD_ID, .flags = FIELD_KEY, .offset = offsetof(struct user, head.id)},
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct user, name)},
    {.name = "email", .kind = FIELD_STR, .offset = offsetof(struct user, email)},
    {.name = "role", .kind = FIELD_ENUM, .offset = offsetof(struct user, role), .names = who_names},
    {.name = "createdAt", .kind = FIELD_TIME, .offset = offsetof(struct user, head.created_at)},
    {.name = "updatedAt", .kind = FIELD_TIME, .offset = offsetof(struct user, head.updated_at)},
};

const struct shape user_view_shape = SHAPE("User", struct user, user_view_fields);

static const struct shape user_shape = DOC_SHAPE("UserDocument", struct user, user_fields);

static const struct doc_index user_indexes[] = {
    {.name = "emailKey", .keys = "emailKey:1", .flags = INDEX_UNIQUE},
};

const struct doc_type user_type = {
    .collection = "users", .shape = &user_shape, .indexes = user_indexes, .index_count = 1};

bool user_by_id(struct job *job, struct str id, enum access access, struct user **out)
{
    void *doc = NULL;
    if (!job_doc(job, &user_type, id, access, &doc))
        return false;
    *out = doc;
    return true;
}

struct str user_email_key(struct arena *arena, struct str email)
{
    return str_lower(arena, email);
}

bool user_by_email(struct job *job, struct str email, enum access access, struct user **out)
{
    void *doc = NULL;
    const struct str key = user_email_key(job_arena(job), email);
    if (!job_doc_by(job, &user_type, "emailKey", key, access, &doc))
        return false;
    *out = doc;
    return true;
}

/* --- the roster ------------------------------------------------------------------------------- */

static const struct field roster_fields[] = {
    DOC_FIELDS(struct roster, FIELD_STR),
    {.name = "count", .kind = FIELD_INT, .offset = offsetof(struct roster, count)},
};

static const struct shape roster_shape = DOC_SHAPE("Roster", struct roster, roster_fields);

const struct doc_type roster_type = {.collection = "rosters", .shape = &roster_shape};

bool roster_of_superadmins(struct job *job, enum access access, struct roster **out)
{
    void *doc = NULL;
    if (!job_doc(job, &roster_type, ROSTER_SUPERADMINS, access, &doc))
        return false;
    *out = doc;
    return true;
}

void roster_add(struct job *job, struct roster *roster, int64_t delta)
{
    if (roster) {
        roster->count += delta;
        job_changed(job, roster);
        return;
    }
    struct roster *first = ARENA_NEW(job_arena(job), struct roster);
    first->head.id = ROSTER_SUPERADMINS;
    first->count = delta;
    job_insert(job, &roster_type, first);
}
