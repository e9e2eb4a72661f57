/* category_create.c - category.create: a new category, at the root or below another. */
#include "catalog/catalog.h"
#include "catalog/operations.h"

static enum outcome create(struct job *job, const void *request, struct err *err)
{
    const struct category_create_request *req = request;
    const struct str id = job_new_id(job);
    struct str slug = STR_ABSENT;
    TRY(category_slug(job, req->slug, req->name, id, &slug, err));
    TRY(category_check_parent(job, id, req->parent_id, err));

    struct category *category = ARENA_NEW(job_arena(job), struct category);
    *category = (struct category){
        .head.id = id, .name = req->name, .slug = slug, .parent_id = req->parent_id};
    job_insert(job, &category_type, category);
    emit(job, &category_created, category, category);
    return reply(job, &category_view_schema, category);
}

const struct operation category_create = {
    .name = "category.create",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &category_create_schema,
    .handle = create,
    .summary = "Add a category, at the root or below another",
    .reply = &category_view_schema,
    .status = 201,
    .errors = (const struct error_code *const[]){E_DUPLICATE_SLUG, E_CYCLE, NULL},
};
