/* user.c - accounts: how they are stored, found and shown. No wire form has the password hash. */
#include "auth/user.h"

#include "auth/email.h"

static const struct field user_fields[] = {
    DOC_FIELDS(struct user, FIELD_ID),
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct user, name)},
    {.name = "email", .kind = FIELD_STR, .offset = offsetof(struct user, email)},
    {.name = "emailKey", .kind = FIELD_STR, .offset = offsetof(struct user, email_key)},
    {.name = "emailForm",
     .kind = FIELD_STR,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct user, email_form)},
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
    {.name = "emailForm",
     .keys = "emailForm:1",
     .flags = INDEX_UNIQUE,
     .only_when = "emailForm=exists"},
};

const struct doc_type user_type = {
    .collection = "users",
    .shape = &user_shape,
    .indexes = user_indexes,
    .index_count = sizeof(user_indexes) / sizeof(user_indexes[0]),
};

bool user_by_id(struct job *job, struct str id, enum access access, struct user **out)
{
    void *doc = NULL;
    if (!job_doc(job, &user_type, id, access, &doc))
        return false;
    *out = doc;
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

static struct str form_of(struct arena *arena, struct str email)
{
    const char *fault;
    return email_form(arena, email, &fault);
}

void user_set_email(struct arena *arena, struct user *user, struct str email)
{
    user->email = email;
    user->email_key = str_lower(arena, email);
    user->email_form = form_of(arena, email);
}

struct str user_email_account(struct arena *arena, struct str email)
{
    const struct str form = form_of(arena, email);
    return str_is_absent(form) ? str_lower(arena, email) : form;
}

/* Two accounts that the previous release made may have one form today; then the key tells
 * which one is meant. */
bool user_by_email(struct job *job, struct str email, enum access access, struct user **out)
{
    void *by_key = NULL;
    void *by_form = NULL;
    const struct str key = str_lower(job_arena(job), email);
    const struct str form = form_of(job_arena(job), email);
    const bool has_key = job_doc_by(job, &user_type, "emailKey", key, access, &by_key);
    const bool has_form =
        str_is_absent(form) || job_doc_by(job, &user_type, "emailForm", form, access, &by_form);
    if (!has_key || !has_form)
        return false;
    *out = by_key ? by_key : by_form;
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
