/* store_mongo_query.c - pages and counts of documents.
 *
 * Values are appended with their types, under operators from a table of our own, so that nothing a
 * person typed can become an operator or a pattern. */
#include "store/doc_path.h"
#include "store/store_mongo.h"

static const char *const operators[] = {
    [QUERY_EQ] = "$eq", [QUERY_GT] = "$gt",   [QUERY_GTE] = "$gte",
    [QUERY_LT] = "$lt", [QUERY_LTE] = "$lte",
};

/* Appends {<path>: {<operator>: value}}. */
static bool put_value(bson_t *term, const struct shape *shape, const char *name, enum query_op op,
                      struct query_value value)
{
    struct doc_path path;
    bson_t comparison;
    return doc_path_resolve(shape, name, &path) &&
           bson_append_document_begin(term, path.bson, -1, &comparison) &&
           codec_put_value(&comparison, operators[op], path.kind, value.text, value.number) &&
           bson_append_document_end(term, &comparison);
}

static bool put_comparison(bson_t *term, const struct shape *shape, const struct query_term *from)
{
    return put_value(term, shape, from->path, from->op, from->value);
}

static enum query_op behind(const struct query_sort *sort)
{
    return sort->direction < 0 ? QUERY_LT : QUERY_GT;
}

/* Appends {a: va, b: {$gt: vb}}: equal to the place in all sorts before `last`, and behind it in
 * the sort `last`. */
static bool put_behind(bson_t *branch, const struct query *query, size_t last)
{
    const struct shape *shape = query->type->shape;
    bool ok = true;
    for (size_t i = 0; ok && i <= last; i++)
        ok = put_value(branch, shape, query->sorts[i].path,
                       i < last ? QUERY_EQ : behind(&query->sorts[i]), query->place[i]);
    return ok;
}

/* Appends {a: {$gte: va}, $or: [{a: {$gt: va}}, {a: va, b: {$gt: vb}}]}. The second member implies
 * the first, which is there because a scan of an index can begin at it. */
static bool put_place(bson_t *term, const struct query *query)
{
    struct mongo_array branches;
    bson_t branch;
    const enum query_op level = query->sorts[0].direction < 0 ? QUERY_LTE : QUERY_GTE;
    bool ok = put_value(term, query->type->shape, query->sorts[0].path, level, query->place[0]) &&
              mongo_array_begin(&branches, term, "$or");
    for (size_t i = 0; ok && i < query->sort_count; i++)
        ok = mongo_array_add(&branches, &branch) && put_behind(&branch, query, i) &&
             mongo_array_add_end(&branches, &branch);
    return ok && mongo_array_end(&branches);
}

/* Appends {$and: [...]}, because two terms may name the same path. */
static enum outcome put_filter(bson_t *filter, const struct query *query, struct err *err)
{
    struct mongo_array terms;
    bson_t place;
    if (query->term_count + query->any_count == 0 && !query->behind)
        return OUTCOME_DONE;
    bool ok = mongo_array_begin(&terms, filter, "$and");
    if (ok && query->behind)
        ok = mongo_array_add(&terms, &place) && put_place(&place, query) &&
             mongo_array_add_end(&terms, &place);
    for (size_t i = 0; ok && i < query->term_count; i++) {
        const struct query_term *from = &query->terms[i];
        bson_t term;
        ok = mongo_array_add(&terms, &term) && put_comparison(&term, query->type->shape, from) &&
             mongo_array_add_end(&terms, &term);
        if (!ok)
            return err_bug(err, "%s cannot be queried by %s", query->type->collection, from->path);
    }
    for (size_t i = 0; ok && i < query->any_count; i++) {
        bson_t term;
        ok = mongo_array_add(&terms, &term) &&
             mongo_put_any(&term, query->type->shape, &query->any[i]) &&
             mongo_array_add_end(&terms, &term);
    }
    return ok && mongo_array_end(&terms) ? OUTCOME_DONE
                                         : err_bug(err, "a query does not fit into a command");
}

static bool put_sort(bson_t *order, const struct shape *shape, const struct query_sort *sort)
{
    struct doc_path path;
    if (sort->relevance)
        return bson_append_int32(order, MONGO_SCORE, -1, -1);
    return doc_path_resolve(shape, sort->path, &path) &&
           bson_append_int32(order, path.bson, -1, sort->direction < 0 ? -1 : 1);
}

enum outcome mongo_put_order(bson_t *out, const char *name, const struct query *query,
                             struct err *err)
{
    bson_t order;
    bool ok = bson_append_document_begin(out, name, -1, &order);
    for (size_t i = 0; ok && i < query->sort_count; i++)
        ok = put_sort(&order, query->type->shape, &query->sorts[i]);
    /* The tie-break makes pages stable: no document is on two of them, and none is left out. */
    ok = ok && (query->in_full_order || bson_append_int32(&order, "_id", 3, 1)) &&
         bson_append_document_end(out, &order);
    return ok ? OUTCOME_DONE : err_bug(err, "%s cannot be sorted so", query->type->collection);
}

static void put_language(bson_t *options, const struct mongo_link *link, const struct query *query)
{
    if (query->by_locale)
        BCON_APPEND(options, "collation", "{", "locale", BCON_UTF8(link->language), "}");
}

static bool is_ranked(const struct query *query)
{
    for (size_t i = 0; i < query->sort_count; i++)
        if (query->sorts[i].relevance)
            return true;
    return false;
}

static enum outcome read_page(const struct mongo_link *link, const bson_t *filter,
                              const struct query *query, struct mongo_docs *docs, struct err *err)
{
    AUTO_BSON options = BSON_INITIALIZER;
    if (is_ranked(query))
        return mongo_read_ranked(link, filter, query, docs, err);
    TRY(mongo_put_order(&options, "sort", query, err));
    bson_append_int64(&options, "skip", -1, query->skip);
    bson_append_int64(&options, "limit", -1, query->limit);
    bson_append_int64(&options, "batchSize", -1, query->limit + 1);
    bson_append_int64(&options, "maxTimeMS", -1, link->timeout_ms);
    put_language(&options, link, query);
    return mongo_drain(link, query->type->collection, filter, &options, mongo_take_doc, docs, err);
}

/* Uses the count command and not an aggregation, because it counts inside an index where it can. */
static enum outcome read_total(const struct mongo_link *link, const bson_t *filter,
                               const struct query *query, int64_t *out, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON reply;
    bson_iter_t n;
    bson_append_utf8(&command, "count", -1, query->type->collection, -1);
    bson_append_document(&command, "query", -1, filter);
    bson_append_int64(&command, "maxTimeMS", -1, link->timeout_ms);
    put_language(&command, link, query);
    TRY(mongo_run(link, MONGO_READ, &command, NULL, &reply, query->type->collection, err));
    if (!bson_iter_init_find(&n, &reply, "n"))
        return err_bug(err, "%s: a count without a number", query->type->collection);
    *out = bson_iter_as_int64(&n);
    return OUTCOME_DONE;
}

/* True when the total follows from the page itself: a page that is not full is the last one. */
static bool is_last_page(const struct query *query, size_t found)
{
    return query->with_total && (int64_t)found < query->limit && (found > 0 || query->skip == 0);
}

enum outcome mongo_query(struct store *base, struct arena *arena, const struct query *query,
                         struct query_page *out, struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_docs docs = {.arena = arena, .type = query->type};
    AUTO_BSON filter = BSON_INITIALIZER;
    int64_t total = -1;
    TRY(mongo_check_type(link, query->type, err));
    TRY(put_filter(&filter, query, err));
    if (query->limit > 0)
        TRY(read_page(link, &filter, query, &docs, err));
    const size_t found = docs.count + docs.misfit_count;
    if (is_last_page(query, found))
        total = query->skip + (int64_t)found;
    else if (query->with_total || query->limit == 0)
        TRY(read_total(link, &filter, query, &total, err));
    *out = (struct query_page){mongo_doc_list(&docs), total};
    return OUTCOME_DONE;
}
