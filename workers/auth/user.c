/* user.c - accounts: the forms of their addresses, by which they are found, and the count of
 * superadmins. */
#include "auth/user.h"

#include "auth/email.h"

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
