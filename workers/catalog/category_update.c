/* category_update.c - category.update: renames or moves a category; what is not given stays.
 *
 * The slug follows the name, unless the request wishes for another one. Products show the new name
 * at once, because their views join it. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "request.h"

/* The same name once more is no reason for a new slug. */
static enum outcome choose_slug(struct job *job, struct category *category,
                                const struct category_update_request *req, struct err *err)
{
    const bool renamed = !str_is_absent(req->name) && !str_eq(req->name, category->name);
    if (!renamed && str_is_absent(req->slug))
        return OUTCOME_DONE;
    return category_slug(job, req->slug, req->name, category->head.id, &category->slug, err);
}

static enum outcome update(struct job *job, const void *request, struct err *err)
{
    const struct category_update_request *req = request;
    struct category *category = NULL;
    NEED(job, category_by_id(job, req->category_id, DOC_FOR_UPDATE, &category));
    if (!category)
        return err_refuse(err, E_NOT_FOUND, "there is no such category");
    TRY(expect_version(req->expected_version, category->head.version, err));
    TRY(choose_slug(job, category, req, err));
    if (req->parent_id_given)
        TRY(category_check_parent(job, category->head.id, req->parent_id, err));

    job_patch(job, &category_type, category, req);
    job_changed(job, category);
    emit(job, &category_updated, category, category);
    return reply(job, &category_view_schema, category);
}

const struct operation category_update = {
    .name = "category.update",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &category_update_schema,
    .handle = update,
    .summary = "Rename or move a category",
    .reply = &category_view_schema,
    .errors =
        (const struct error_code *const[]){E_DUPLICATE_SLUG, E_CYCLE, E_VERSION_CONFLICT, NULL},
};
