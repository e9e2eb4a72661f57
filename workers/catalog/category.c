/* category.c - categories: their rules. */
#include "catalog/catalog.h"

#define SLUG_NUMBER_MAX 9 /* numbers are tried one after the other, and each costs a round */

/* A need; *out is the category other than `id` that has the slug, or NULL. */
static bool slug_holder(struct job *job, struct str slug, struct str id, struct category **out)
{
    struct category *holder = NULL;
    if (!job_doc_by(job, &category_type, "slug", slug, DOC_READ, (void **)&holder))
        return false;
    /* The holder that was found may have been renamed earlier in this batch. */
    const bool taken = holder && str_eq(holder->slug, slug) && !str_eq(holder->head.id, id);
    *out = taken ? holder : NULL;
    return true;
}

static enum outcome check_wished(struct job *job, struct str slug, struct str id, struct err *err)
{
    struct category *holder = NULL;
    NEED(job, slug_holder(job, slug, id, &holder));
    if (!holder)
        return OUTCOME_DONE;
    const enum outcome outcome = err_refuse(
        err, E_DUPLICATE_SLUG, "the category '%.*s' has this slug", STR_FMT(holder->name));
    err_field_add(err, job_arena(job), STR("/slug"), "is taken");
    return outcome;
}

/* Makes a slug from the name ("shoes"), with a number when another category has that ("shoes-2"),
 * and in the end with the id, which no other category can have. Returns NEED as a handler does. */
static enum outcome make_slug(struct job *job, struct str name, struct str id, struct str *out)
{
    struct arena *arena = job_arena(job);
    const struct str plain = slug_of(arena, name, id);
    for (int number = 1; number <= SLUG_NUMBER_MAX; number++) {
        const struct str slug =
            number == 1 ? plain : str_printf(arena, "%.*s-%d", STR_FMT(plain), number);
        struct category *holder = NULL;
        NEED(job, slug_holder(job, slug, id, &holder));
        if (!holder) {
            *out = slug;
            return OUTCOME_DONE;
        }
    }
    *out = str_printf(arena, "%.*s-%.*s", STR_FMT(plain), STR_FMT(id));
    return OUTCOME_DONE;
}

enum outcome category_slug(struct job *job, struct str wished, struct str name, struct str id,
                           struct str *out, struct err *err)
{
    if (str_is_absent(wished))
        return make_slug(job, name, id, out);
    TRY(check_wished(job, wished, id, err));
    *out = wished;
    return OUTCOME_DONE;
}

static enum outcome no_such_parent(struct job *job, struct err *err)
{
    const enum outcome outcome = err_refuse(err, E_NOT_FOUND, "there is no such parent category");
    err_field_add(err, job_arena(job), STR("/parentId"), "no such category");
    return outcome;
}

/* Every ancestor is DOC_CHECKED, so that two moves which close a circle only together
 * cannot both pass. */
enum outcome category_check_parent(struct job *job, struct str id, struct str parent_id,
                                   struct err *err)
{
    struct str at = parent_id;
    for (int depth = 1; !str_is_absent(at); depth++) {
        struct category *ancestor = NULL;
        if (str_eq(at, id))
            return err_refuse(err, E_CYCLE, "a category cannot stand below itself");
        if (depth == CATEGORY_DEPTH_MAX)
            return err_refuse(err, E_CYCLE, "categories may be %d levels deep", CATEGORY_DEPTH_MAX);
        NEED(job, category_by_id(job, at, DOC_CHECKED, &ancestor));
        if (!ancestor)
            return no_such_parent(job, err);
        at = ancestor->parent_id;
    }
    return OUTCOME_DONE;
}
