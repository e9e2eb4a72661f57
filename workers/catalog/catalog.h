/* catalog.h - categories and products: documents, their rules, and the views replied and emitted. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_CATALOG_H
#define CARTWRIGHT_WORKERS_CATALOG_CATALOG_H

#include "inventory/stock.h"
#include "worker/job.h"

/* --- category ------------------------------------------------------------------------------------ */

struct category {
    struct doc_head head;
    struct str name;
    struct str slug;      /* unique, made from the name */
    struct str parent_id; /* absent: a root */
};

extern const struct shape category_shape; /* also the wire form "Category" */
extern const struct doc_type category_type;

bool category_by_id(struct job *job, struct str id, enum access access, struct category **out);

/* --- product ------------------------------------------------------------------------------------- */

enum product_status { PRODUCT_PUBLISHED, PRODUCT_DRAFT, PRODUCT_RETIRED };
extern const char *const product_status_names[];

struct product_image {
    struct str url;
    struct str alt; /* may be absent */
};

struct product {
    struct doc_head head;
    struct str name;
    struct str slug; /* unique; the SKU is appended when the name's own is taken */
    struct str description;
    struct str category_id; /* absent: none */
    struct money price;
    struct str sku; /* unique; never changes */
    LIST(struct product_image) images;
    int status;    /* enum product_status */
    bool in_stock; /* kept in step with the stock by stock_moved(); only for filters */
};

extern const struct doc_type product_type;

bool product_by_id(struct job *job, struct str id, enum access access, struct product **out);
/* Published: may be put in a cart and ordered. NULL is not. */
bool product_is_purchasable(const struct product *product);

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
    LIST(struct product_image) images;
    int status;
    int64_t created_at;
    int64_t updated_at;
    int64_t version;
};

extern const struct shape product_view_shape;

/* Joins; category and stock may be NULL (none, and nothing in stock). */
struct product_view *product_view(struct job *job, const struct product *product,
                                  const struct category *category, const struct stock *stock);

/* Lower-case ASCII words joined by '-', at most 80 characters: NFKD, accents dropped; `fallback`
 * (an id or SKU) when nothing is left. */
struct str slug_of(struct arena *arena, struct str name, struct str fallback);

extern const struct worker catalog_worker;

#endif
