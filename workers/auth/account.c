/* account.c - makes an account. An email address has at most one account, and a password that is
 * easily guessed is refused before it is hashed. */
#include "auth/account.h"

#include <strings.h>

#include "auth/email.h"
#include "crypto/auth.h"

/* Names and mailboxes of fewer bytes turn up in good passwords by chance. */
#define TELLING_WORD_MIN 4

static bool contains_word(struct str password, struct str word)
{
    if (word.len < TELLING_WORD_MIN)
        return false;
    for (size_t i = 0; i + word.len <= password.len; i++)
        if (strncasecmp(password.ptr + i, word.ptr, word.len) == 0)
            return true;
    return false;
}

static struct str local_part(struct str email)
{
    const char *at = memchr(email.ptr, '@', email.len);
    return at ? (struct str){email.ptr, (size_t)(at - email.ptr)} : email;
}

const char *password_weakness(const struct applicant *applicant)
{
    if (password_is_common(applicant->password))
        return "is one of the most common passwords";
    if (contains_word(applicant->password, local_part(applicant->email)))
        return "contains the email address";
    if (contains_word(applicant->password, applicant->name))
        return "contains the name";
    return NULL;
}

static enum outcome check_password(struct job *job, const struct applicant *applicant,
                                   struct err *err)
{
    const char *weakness = password_weakness(applicant);
    if (!weakness)
        return OUTCOME_DONE;
    const enum outcome refused = err_refuse(err, E_WEAK_PASSWORD, "the password %s", weakness);
    err_field_add(err, job_arena(job), STR("/password"), "%s", weakness);
    return refused;
}

static enum outcome check_address(struct job *job, const struct applicant *applicant,
                                  struct err *err)
{
    const char *fault = email_fault(job_arena(job), applicant->email);
    if (!fault)
        return OUTCOME_DONE;
    const enum outcome outcome =
        err_invalid(err, E_VALIDATION_FAILED, "nobody can have this email address");
    err_field_add(err, job_arena(job), STR("/email"), "%s", fault);
    return outcome;
}

static enum outcome check_email(struct job *job, const struct applicant *applicant,
                                struct user **holder, struct err *err)
{
    /* DOC_READ is enough: when two messages ask for an address at once, the unique indexes let only
     * one of them have it. */
    NEED(job, user_by_email(job, applicant->email, DOC_READ, holder));
    if (*holder)
        return err_refuse(err, E_EMAIL_TAKEN, "there is an account with this email address");
    return OUTCOME_DONE;
}

enum outcome account_create(struct job *job, const struct applicant *applicant, struct user **out,
                            struct err *err)
{
    struct str hash = STR_ABSENT;
    TRY(check_address(job, applicant, err));
    TRY(check_password(job, applicant, err));
    TRY(check_email(job, applicant, out, err));
    NEED(job, job_password_hash(job, applicant->password, &hash));

    struct user *user = ARENA_NEW(job_arena(job), struct user);
    user->head.id = job_new_id(job);
    user->name = applicant->name;
    user_set_email(job_arena(job), user, applicant->email);
    user->password_hash = hash;
    user->role = (int)applicant->role;
    job_insert(job, &user_type, user);
    emit(job, &user_registered, user, user);
    *out = user;
    return OUTCOME_DONE;
}
