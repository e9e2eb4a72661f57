/* catalog.h - categories and products: their rules, and the views that are replied and emitted.
 * Their forms stand in schemas/category/ and schemas/product/. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_CATALOG_H
#define CARTWRIGHT_WORKERS_CATALOG_CATALOG_H

#include "engine/job.h"
#include "inventory/stock.h"
#include "schemas/category.h"
#include "schemas/product.h"

/* Its error codes; those of the engine are in base/err.h. */
#define CATALOG_ERROR_CODES(X)                                                                     \
    X(DUPLICATE_SLUG, 409, false)                                                                  \
    X(CYCLE, 409, false)                                                                           \
    X(DUPLICATE_SKU, 409, false)
CATALOG_ERROR_CODES(DECLARE_ERROR_CODE)

/* --- category ------------------------------------------------------------------------------------ */

/* No category is put deeper than this, so that a walk up to the root is short. Categories below the
 * one that is put there are not counted. */
#define CATEGORY_DEPTH_MAX 16

/* Chooses the slug of the category `id`: the wished one, or DUPLICATE_SLUG when another category
 * has that; when none is wished for (absent), one made from the name, which is never refused.
 * Returns NEED as a handler does. */
MUST_CHECK enum outcome category_slug(struct job *job, struct str wished, struct str name,
                                      struct str id, struct str *out, struct err *err);
/* Checks that a category `id` may stand below `parent_id` (absent: at the root). NOT_FOUND when
 * there is no such parent; CYCLE when the parent is `id`, stands below it, or is too deep. Returns
 * NEED as a handler does. */
MUST_CHECK enum outcome category_check_parent(struct job *job, struct str id, struct str parent_id,
                                              struct err *err);

/* --- product ------------------------------------------------------------------------------------- */

/* A need: the product with this id or, when `id` is absent, with this SKU, however that is typed;
 * *out is NULL when there is none. */
bool product_named(struct job *job, struct str id, struct str sku, struct product **out);
/* A need: the product of a DOC_FOR_UPDATE stock, for DOC_READ, but never a copy that is
 * older than the product's version in the stock. So the guard of the stock proves the price
 * and the status, too. */
bool product_on_offer(struct job *job, const struct stock *stock, struct product **out);
/* True when the product is published: everybody may see it, and it is sold where its price is in a
 * currency of the shop (cart_sells()). False for NULL. */
bool product_is_purchasable(const struct product *product);

/* Rules that product.create and product.update share. */

/* VALIDATION_FAILED at /price/currency when the shop does not sell in that currency. */
MUST_CHECK enum outcome product_check_price(struct job *job, struct money price, struct err *err);
/* Finds the category of a product. NOT_FOUND at /categoryId when there is none with this id; the
 * commit proves that it has not changed. An absent id means no category: *out is NULL. Returns NEED
 * as a handler does. */
MUST_CHECK enum outcome product_check_category(struct job *job, struct str id,
                                               struct category **out, struct err *err);

/* --- the wire form "Product": the product with its category and stock joined ------------------------ */

/* A need; *out is NULL when the product has no category, or its category is gone. */
bool category_of_product(struct job *job, const struct product *product, struct category **out);
/* Joins the product with its category and its stock, which may be NULL (no category; nothing in
 * stock). The view lives in the job's arena. */
struct product_view *product_view(struct job *job, const struct product *product,
                                  const struct category *category, const struct stock *stock);

/* --- lists ------------------------------------------------------------------------------------------ */

/* What the lists ask for, before they are narrowed to a page. A search is added to the query of
 * product.list by search_add(). */
struct query category_list_query(void);
struct query product_list_query(const struct product_list_request *req);

/* --- slugs ------------------------------------------------------------------------------------------ */

#define SLUG_MAX 80

/* The name as lower-case ASCII words joined by '-', at most SLUG_MAX characters: NFKD, accents
 * dropped. When nothing is left (a name in another script), `fallback` as it is. */
struct str slug_of(struct arena *arena, struct str name, struct str fallback);

extern const struct domain catalog_domain;

/* The events that make cached pages of the catalog stale. */
extern const struct invalidation catalog_invalidations[];
extern const size_t catalog_invalidation_count;

#endif
