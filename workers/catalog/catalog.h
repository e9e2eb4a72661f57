/* catalog.h - categories and products: documents, their rules, and the views replied and emitted. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_CATALOG_H
#define CARTWRIGHT_WORKERS_CATALOG_CATALOG_H

#include "engine/job.h"
#include "inventory/stock.h"
#include "schemas/common.h"

/* --- category ------------------------------------------------------------------------------------ */

/* No category is put deeper than this (what it carries below itself is not counted), so a walk up
 * to the root is short. */
#define CATEGORY_DEPTH_MAX 16

struct category {
    struct doc_head head;
    struct str name;
    struct str slug;      /* unique; renaming changes it */
    struct str parent_id; /* absent: a root */
};

extern const struct shape category_shape; /* also the wire form "Category" */
extern const struct doc_type category_type;

bool category_by_id(struct job *job, struct str id, enum access access, struct category **out);
/* The slug of the category `id`: NEED. The wished one, or DUPLICATE_SLUG when another category has
 * it; where none is wished for (absent) one made from the name, which is never refused. */
MUST_CHECK enum outcome category_slug(struct job *job, struct str wished, struct str name,
                                      struct str id, struct str *out, struct err *err);
/* That a category `id` may stand below `parent_id`: NEED; NOT_FOUND when there is no such parent;
 * CYCLE when the parent stands below `id` itself, or too deep. */
MUST_CHECK enum outcome category_check_parent(struct job *job, struct str id, struct str parent_id,
                                              struct err *err);

/* --- product ------------------------------------------------------------------------------------- */

enum product_status {
    PRODUCT_PUBLISHED = COMMON_PRODUCT_STATUS_PUBLISHED,
    PRODUCT_DRAFT = COMMON_PRODUCT_STATUS_DRAFT,
    PRODUCT_RETIRED = COMMON_PRODUCT_STATUS_RETIRED,
};

struct product {
    struct doc_head head;
    struct str name;
    struct str slug; /* unique; stays when the name changes, so that links live */
    struct str description;
    struct str category_id; /* absent: none */
    struct money price;
    struct str sku; /* unique; never changes */
    LIST(struct common_image) images;
    int status;             /* enum product_status */
    bool in_stock;          /* kept in step with the stock by stock_moved(); only for filters */
    LIST(struct str) words; /* the keys by which searches find it (search.h); in no view */
};

extern const struct doc_type product_type;

bool product_by_id(struct job *job, struct str id, enum access access, struct product **out);
/* The product of a DOC_FOR_UPDATE stock, whose guard proves its price and status, too: DOC_READ, but never a
 * copy that is older than what the stock says. */
bool product_on_offer(struct job *job, const struct stock *stock, struct product **out);
/* Published: may be seen by everybody, and sold where its price is in a currency of the shop
 * (cart_sells()). NULL is not. */
bool product_is_purchasable(const struct product *product);

/* Rules that product.create and product.update share. */

/* VALIDATION_FAILED at /price/currency when the shop does not sell in it. */
MUST_CHECK enum outcome product_check_price(struct job *job, struct money price, struct err *err);
/* NEED; NOT_FOUND at /categoryId when there is none; the commit proves that it stays. An absent id
 * is no category: *out is NULL. */
MUST_CHECK enum outcome product_check_category(struct job *job, struct str id,
                                               struct category **out, struct err *err);

/* --- the wire form "Product": the product with its category and stock joined ------------------------ */

struct category_ref {
    struct str id;
    struct str name;
    struct str slug;
};

struct stock_ref {
    int64_t available;
    int status; /* enum stock_status */
};

struct product_view {
    struct str id;
    struct str name;
    struct str slug;
    struct str description;
    const struct category_ref *category; /* null on the wire when NULL */
    struct money price;
    struct str sku;
    struct stock_ref stock;
    LIST(struct common_image) images;
    int status;
    int64_t created_at;
    int64_t updated_at;
    int64_t version;
};

extern const struct shape product_view_shape;

/* A need; *out is NULL when the product has none. */
bool category_of_product(struct job *job, const struct product *product, struct category **out);
/* Joins; category and stock may be NULL (none, and nothing in stock). */
struct product_view *product_view(struct job *job, const struct product *product,
                                  const struct category *category, const struct stock *stock);

/* --- slugs ------------------------------------------------------------------------------------------ */

#define SLUG_MAX 80

/* Lower-case ASCII words joined by '-', at most SLUG_MAX characters: NFKD, accents dropped;
 * `fallback` as it is when nothing is left (a name in another script). */
struct str slug_of(struct arena *arena, struct str name, struct str fallback);

extern const struct domain catalog_domain;

/* What makes cached pages of the catalog stale. */
extern const struct invalidation catalog_invalidations[];
extern const size_t catalog_invalidation_count;

#endif
