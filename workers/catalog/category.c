/* category.c - categories: document, which is also the wire form, and its rules. */
#include "catalog/catalog.h"

#include "errors.h"

static const struct field category_fields[] = {
    DOC_FIELDS(struct category, FIELD_ID),
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct category, name)},
    {.name = "slug", .kind = FIELD_STR, .offset = offsetof(struct category, slug)},
    {.name = "parentId",
     .kind = FIELD_ID,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct category, parent_id)},
};

const struct shape category_shape = SHAPE("Category", struct category, category_fields);

static const struct doc_index category_indexes[] = {
    {.name = "slug", .keys = "slug:1", .flags = INDEX_UNIQUE},
    {.name = "name", .keys = "name:1"},
};

const struct doc_type category_type = {
    .collection = "categories",
    .shape = &category_shape,
    .indexes = category_indexes,
    .index_count = sizeof(category_indexes) / sizeof(category_indexes[0]),
    .cache_tag = "category",
};

bool category_by_id(struct job *job, struct str id, enum access access, struct category **out)
{
    return job_doc(job, &category_type, id, access, (void **)out);
}

enum outcome category_slug(struct job *job, struct str name, struct str id, struct str *out,
                           struct err *err)
{
    const struct str slug = slug_of(job_arena(job), name, id);
    struct category *holder = NULL;
    NEED(job, job_doc_by(job, &category_type, "slug", slug, READ, (void **)&holder));
    /* The holder that was found may have been renamed earlier in this batch. */
    if (holder && str_eq(holder->slug, slug) && !str_eq(holder->head.id, id))
        return refuse(err, DUPLICATE_SLUG, "the category '%.*s' has the slug '%.*s'",
                      STR_FMT(holder->name), STR_FMT(slug));
    *out = slug;
    return OUTCOME_DONE;
}

static enum outcome no_such_parent(struct job *job, struct err *err)
{
    const enum outcome outcome = refuse(err, NOT_FOUND, "there is no such parent category");
    err_field_add(err, job_arena(job), STR("/parentId"), "no such category");
    return outcome;
}

/* Every ancestor is CHECKED: two moves that would close a circle only together cannot both pass. */
enum outcome category_check_parent(struct job *job, struct str id, struct str parent_id,
                                   struct err *err)
{
    struct str at = parent_id;
    for (int depth = 1; !str_is_absent(at); depth++) {
        struct category *ancestor = NULL;
        if (str_eq(at, id))
            return refuse(err, CYCLE, "a category cannot stand below itself");
        if (depth == CATEGORY_DEPTH_MAX)
            return refuse(err, CYCLE, "categories may be %d levels deep", CATEGORY_DEPTH_MAX);
        NEED(job, category_by_id(job, at, CHECKED, &ancestor));
        if (!ancestor)
            return no_such_parent(job, err);
        at = ancestor->parent_id;
    }
    return OUTCOME_DONE;
}
