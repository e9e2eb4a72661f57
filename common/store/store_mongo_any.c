/* store_mongo_any.c - the alternatives of a query, and the order by the weights of those that hold.
 *
 * Matches of one form stand side by side, so a run of them becomes one $in. In expressions every
 * text stands under $literal, so that nothing a person typed can become a field or an operator. */
#include "base/text.h"
#include "store/doc_path.h"
#include "store/store_mongo.h"

/* The values that begin with a text lie between the text and the text followed by this, which is
 * the last code point. */
#define LAST_CODE_POINT "\xf4\x8f\xbf\xbf"

/* Matches that differ only in their text. A match with `begins` is a run of its own. */
struct run {
    const struct query_match *first;
    size_t count;
    struct doc_path path;
    bool is_list;
    bson_t texts; /* [text, ...]; with `begins` the two bounds of the values */
};

static bool same_form(const struct query_match *a, const struct query_match *b)
{
    return strcmp(a->path, b->path) == 0 && a->begins == b->begins && a->weight == b->weight;
}

static bool put_text(struct run *run, uint32_t i, struct str text)
{
    char digits[16];
    const char *index = NULL;
    bson_uint32_to_string(i, &index, digits, sizeof(digits));
    return codec_put_value(&run->texts, index, run->path.kind, text, 0);
}

static bool put_bounds(struct run *run, struct str prefix)
{
    char *end = bson_strdup_printf("%.*s" LAST_CODE_POINT, STR_FMT(prefix));
    const bool ok = str_is_c(prefix) && put_text(run, 0, prefix) && put_text(run, 1, str_of(end));
    bson_free(end);
    return ok;
}

/* Finds the run that begins at `from`. The caller releases it, whatever is returned. */
static bool run_init(struct run *run, const struct query_any *any, size_t from,
                     const struct shape *shape)
{
    const struct query_match *first = &any->matches[from];
    *run = (struct run){.first = first, .count = 1};
    bson_init(&run->texts);
    if (!doc_path_resolve(shape, first->path, &run->path))
        return false;
    run->is_list = run->path.kind == FIELD_STRS || run->path.kind == FIELD_IDS;
    if (first->begins)
        return put_bounds(run, first->text);
    while (from + run->count < any->count && same_form(first, &any->matches[from + run->count]))
        run->count++;
    bool ok = true;
    for (size_t i = 0; ok && i < run->count; i++)
        ok = put_text(run, (uint32_t)i, first[i].text);
    return ok;
}

static void run_release(struct run *run)
{
    bson_destroy(&run->texts);
}

static const char *bound_of(const struct run *run, const char *index)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, &run->texts, index) ? bson_iter_utf8(&at, NULL) : "";
}

/* --- the filter ------------------------------------------------------------------------------- */

static bool put_filter(struct mongo_array *branches, const struct run *run)
{
    bson_t branch;
    const char *path = run->path.bson;
    if (!mongo_array_add(branches, &branch))
        return false;
    if (!run->first->begins)
        BCON_APPEND(&branch, path, "{", "$in", BCON_ARRAY(&run->texts), "}");
    else if (run->is_list)
        BCON_APPEND(&branch, path, "{", "$elemMatch", "{", "$gte", BCON_UTF8(bound_of(run, "0")),
                    "$lt", BCON_UTF8(bound_of(run, "1")), "}", "}");
    else
        BCON_APPEND(&branch, path, "{", "$gte", BCON_UTF8(bound_of(run, "0")), "$lt",
                    BCON_UTF8(bound_of(run, "1")), "}");
    return mongo_array_add_end(branches, &branch);
}

/* --- the score -------------------------------------------------------------------------------- */

static void put_any_begins(bson_t *hit, const struct run *run, const char *values)
{
    BCON_APPEND(hit, "$anyElementTrue", "[", "{", "$map", "{", "input", "{", "$ifNull", "[",
                BCON_UTF8(values), "[", "]", "]", "}", "as", BCON_UTF8("value"), "in", "{", "$and",
                "[", "{", "$gte", "[", BCON_UTF8("$$value"), "{", "$literal",
                BCON_UTF8(bound_of(run, "0")), "}", "]", "}", "{", "$lt", "[", BCON_UTF8("$$value"),
                "{", "$literal", BCON_UTF8(bound_of(run, "1")), "}", "]", "}", "]", "}", "}", "}",
                "]");
}

static void put_any_is(bson_t *hit, const struct run *run, const char *values)
{
    BCON_APPEND(hit, "$gt", "[", "{", "$size", "{", "$setIntersection", "[", "{", "$ifNull", "[",
                BCON_UTF8(values), "[", "]", "]", "}", "{", "$literal", BCON_ARRAY(&run->texts),
                "}", "]", "}", "}", BCON_INT32(0), "]");
}

static void put_is(bson_t *hit, const struct run *run, const char *value)
{
    BCON_APPEND(hit, "$in", "[", BCON_UTF8(value), "{", "$literal", BCON_ARRAY(&run->texts), "}",
                "]");
}

/* Appends {$cond: [hit, weight, 0]}. False for a match with `begins` on a single value: a score
 * compares single values only as a whole. */
static bool put_score(struct mongo_array *scores, const struct run *run)
{
    bson_t element;
    AUTO_BSON hit = BSON_INITIALIZER;
    char value[DOC_PATH_MAX + 1] = "$";
    memcpy(value + 1, run->path.bson, strlen(run->path.bson) + 1);
    if (run->is_list)
        (run->first->begins ? put_any_begins : put_any_is)(&hit, run, value);
    else if (!run->first->begins)
        put_is(&hit, run, value);
    if (bson_empty(&hit) || !mongo_array_add(scores, &element))
        return false;
    BCON_APPEND(&element, "$cond", "[", BCON_DOCUMENT(&hit), BCON_INT64(run->first->weight),
                BCON_INT64(0), "]");
    return mongo_array_add_end(scores, &element);
}

/* --- both ------------------------------------------------------------------------------------- */

typedef bool put_run(struct mongo_array *array, const struct run *run);

/* Appends {<operator>: [one element for each run]}. */
static bool put_runs(bson_t *out, const char *operator, const struct shape * shape,
                     const struct query_any *any, put_run *put)
{
    struct mongo_array array;
    struct run run;
    bool ok = mongo_array_begin(&array, out, operator);
    for (size_t i = 0; ok && i < any->count; i += run.count) {
        ok = run_init(&run, any, i, shape) && put(&array, &run);
        run_release(&run);
    }
    return ok && mongo_array_end(&array);
}

bool mongo_put_any(bson_t *term, const struct shape *shape, const struct query_any *any)
{
    if (any->count > 0)
        return put_runs(term, "$or", shape, any, put_filter);
    BCON_APPEND(term, "_id", "{", "$in", "[", "]", "}");
    return true;
}

/* Appends {$addFields: {__score: {$add: [{$max: [scores of one query_any]}, ...]}}}. */
static bool put_scores(bson_t *stage, const struct query *query)
{
    bson_t fields, score, best;
    struct mongo_array sum;
    bool ok = bson_append_document_begin(stage, "$addFields", -1, &fields) &&
              bson_append_document_begin(&fields, MONGO_SCORE, -1, &score) &&
              mongo_array_begin(&sum, &score, "$add");
    for (size_t i = 0; ok && i < query->any_count; i++)
        ok = mongo_array_add(&sum, &best) &&
             put_runs(&best, "$max", query->type->shape, &query->any[i], put_score) &&
             mongo_array_add_end(&sum, &best);
    return ok && mongo_array_end(&sum) && bson_append_document_end(&fields, &score) &&
           bson_append_document_end(stage, &fields);
}

static enum outcome put_stages(struct mongo_array *stages, const bson_t *filter,
                               const struct query *query, struct err *err)
{
    bson_t match, scores, sort, part;
    bool ok = mongo_array_add(stages, &match) &&
              bson_append_document(&match, "$match", -1, filter) &&
              mongo_array_add_end(stages, &match) && mongo_array_add(stages, &scores) &&
              put_scores(&scores, query) && mongo_array_add_end(stages, &scores) &&
              mongo_array_add(stages, &sort);
    if (ok)
        TRY(mongo_put_order(&sort, "$sort", query, err));
    ok = ok && mongo_array_add_end(stages, &sort);
    static const char *const cuts[] = {"$skip", "$limit"};
    const int64_t counts[] = {query->skip, query->limit};
    for (size_t i = 0; ok && i < 2; i++)
        ok = mongo_array_add(stages, &part) && bson_append_int64(&part, cuts[i], -1, counts[i]) &&
             mongo_array_add_end(stages, &part);
    ok = ok && mongo_array_add(stages, &part) &&
         bson_append_utf8(&part, "$unset", -1, MONGO_SCORE, -1) &&
         mongo_array_add_end(stages, &part);
    return ok ? OUTCOME_DONE : err_bug(err, "%s cannot be ranked so", query->type->collection);
}

enum outcome mongo_read_ranked(const struct mongo_link *link, const bson_t *filter,
                               const struct query *query, struct mongo_docs *docs, struct err *err)
{
    AUTO_BSON pipeline = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    struct mongo_array stages;
    if (!mongo_array_begin(&stages, &pipeline, "pipeline"))
        return err_bug(err, "a query does not fit into a command");
    TRY(put_stages(&stages, filter, query, err));
    if (!mongo_array_end(&stages))
        return err_bug(err, "a query does not fit into a command");
    bson_append_int64(&options, "batchSize", -1, query->limit + 1);
    bson_append_int64(&options, "maxTimeMS", -1, link->timeout_ms);
    return mongo_drain_pipeline(link, query->type->collection, &pipeline, &options, mongo_take_doc,
                                docs, err);
}
