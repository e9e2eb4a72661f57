/* product_create.c - product.create: a new product on sale, with its first stock. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "catalog/search.h"
#include "code.h"
#include "fold.h"

#define SKU_CODE_CHARS 10

static enum outcome choose_sku(struct job *job, const struct product_create_request *req,
                               struct str *out, struct err *err)
{
    const struct str sku = str_is_absent(req->sku) ? code_random(job, "sku", "P-", SKU_CODE_CHARS)
                                                   : sku_form(job_arena(job), req->sku);
    if (sku.len == 0) {
        const enum outcome outcome =
            err_invalid(err, E_VALIDATION_FAILED, "nothing of the SKU is visible");
        err_field_add(err, job_arena(job), STR("/sku"), "must have visible characters");
        return outcome;
    }
    *out = sku;
    return OUTCOME_DONE;
}

/* Refuses with DUPLICATE_SKU when a product or a stock has the SKU. The stock is locked so that
 * nobody else makes it meanwhile. */
static enum outcome check_sku(struct job *job, struct str sku, struct err *err)
{
    struct product *holder = NULL;
    struct stock *stock = NULL;
    NEED(job, job_doc_by(job, &product_type, "sku", sku, DOC_READ, (void **)&holder),
         stock_by_sku(job, sku, DOC_FOR_UPDATE, &stock));
    if (!holder && !stock)
        return OUTCOME_DONE;
    const enum outcome outcome = err_refuse(err, E_DUPLICATE_SKU, "another product has this SKU");
    err_field_add(err, job_arena(job), STR("/sku"), "is taken");
    return outcome;
}

/* Makes the slug from the name, with the SKU when another product has that, and in the end with the
 * id, which no other product can have. */
static enum outcome choose_slug(struct job *job, struct str name, struct str sku, struct str id,
                                struct str *out)
{
    struct arena *arena = job_arena(job);
    const struct str sku_slug = slug_of(arena, sku, id);
    const struct str plain = slug_of(arena, name, sku_slug);
    const struct str candidates[] = {
        plain,
        str_printf(arena, "%.*s-%.*s", STR_FMT(plain), STR_FMT(sku_slug)),
    };
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        struct product *holder = NULL;
        NEED(job,
             job_doc_by(job, &product_type, "slug", candidates[i], DOC_READ, (void **)&holder));
        if (!holder) {
            *out = candidates[i];
            return OUTCOME_DONE;
        }
    }
    *out = str_printf(arena, "%.*s-%.*s", STR_FMT(plain), STR_FMT(id));
    return OUTCOME_DONE;
}

static enum outcome create(struct job *job, const void *request, struct err *err)
{
    const struct product_create_request *req = request;
    const struct str id = job_new_id(job);
    struct str sku = STR_ABSENT;
    struct category *category = NULL;
    struct str slug = STR_ABSENT;
    TRY(choose_sku(job, req, &sku, err));
    TRY(product_check_price(job, req->price, err));
    TRY(product_check_category(job, req->category_id, &category, err));
    TRY(check_sku(job, sku, err));
    TRY(choose_slug(job, req->name, sku, id, &slug));

    const int64_t on_hand = req->stock.has ? req->stock.value : 0;
    struct product *product = ARENA_NEW(job_arena(job), struct product);
    *product = (struct product){
        .head.id = id,
        .name = req->name,
        .slug = slug,
        .description = str_is_absent(req->description) ? STR("") : req->description,
        .category_id = req->category_id,
        .price = req->price,
        .sku = sku,
        .images = {req->images.items, req->images.count},
        .status = PRODUCT_PUBLISHED,
        .in_stock = on_hand > 0,
    };
    product_index(job_arena(job), product);
    job_insert(job, &product_type, product);
    const struct stock *stock = stock_open(job, sku, id, on_hand);
    const struct product_view *view = product_view(job, product, category, stock);
    emit(job, &product_created, product, view);
    return reply(job, &product_view_schema, view);
}

const struct operation product_create = {
    .name = "product.create",
    .kind = COMMAND,
    .who = ADMIN,
    .request = &product_create_schema,
    .handle = create,
    .summary = "Add a product with its first stock",
    .reply = &product_view_schema,
    .status = 201,
    .errors = (const struct error_code *const[]){E_DUPLICATE_SKU, NULL},
};
