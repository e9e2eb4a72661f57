/* store_mongo_replace.c - all replaces of one collection as one statement of an update command.
 *
 * With one statement for each document the server would parse, plan and open each of them, which is
 * a fifth of what a replace costs it. Here the new documents travel as constants, and each document
 * that is found picks its new state by `_id`:
 *
 *   {q: {_id: {$in: ids}}, multi: true, u: [{$replaceWith: {$let: {
 *       vars: {at: {$indexOfArray: [ids, "$_id"]}},
 *       in: {$cond: [{$eq: ["$version", versions[$$at]]}, documents[$$at], "$$ROOT"]}}}}]}
 *
 * A document whose version has moved on stays as it is and counts as "not modified". The server
 * turns the constant `ids` into a hash table once for each statement. */
#include "store/store_mongo.h"

void mongo_replaces_init(struct mongo_replaces *replaces)
{
    replaces->count = 0;
    bson_init(&replaces->ids);
    bson_init(&replaces->versions);
    bson_init(&replaces->documents);
}

void mongo_replaces_destroy(struct mongo_replaces *replaces)
{
    bson_destroy(&replaces->ids);
    bson_destroy(&replaces->versions);
    bson_destroy(&replaces->documents);
}

uint32_t mongo_replaces_bytes(const struct mongo_replaces *replaces)
{
    /* The statement has the ids twice. */
    return 2 * replaces->ids.len + replaces->versions.len + replaces->documents.len;
}

bool mongo_replaces_add(struct mongo_replaces *replaces, const struct write *write,
                        struct codec_fault *fault)
{
    char digits[16];
    const char *index = NULL;
    bson_t document;
    bson_uint32_to_string(replaces->count++, &index, digits, sizeof(digits));
    return codec_put_value(&replaces->ids, index, write->type->shape->fields[0].kind,
                           doc_head(write->doc)->id, 0) &&
           bson_append_int64(&replaces->versions, index, -1, write->base_version) &&
           bson_append_document_begin(&replaces->documents, index, -1, &document) &&
           codec_put_doc(&document, write->type, write->doc, fault) &&
           bson_append_document_end(&replaces->documents, &document);
}

/* Appends {$literal: items}, in which nothing is taken for an expression. */
static bool put_literal(bson_t *array, const char *index, const bson_t *items)
{
    bson_t literal;
    return bson_append_document_begin(array, index, 1, &literal) &&
           bson_append_array(&literal, "$literal", 8, items) &&
           bson_append_document_end(array, &literal);
}

/* Appends {$indexOfArray: [ids, "$_id"]}. */
static bool put_index(bson_t *vars, const bson_t *ids)
{
    bson_t at, args;
    return bson_append_document_begin(vars, "at", 2, &at) &&
           bson_append_array_begin(&at, "$indexOfArray", 13, &args) &&
           put_literal(&args, "0", ids) && bson_append_utf8(&args, "1", 1, "$_id", 4) &&
           bson_append_array_end(&at, &args) && bson_append_document_end(vars, &at);
}

/* Appends {$arrayElemAt: [items, "$$at"]}. */
static bool put_own(bson_t *array, const char *index, const bson_t *items)
{
    bson_t own, args;
    return bson_append_document_begin(array, index, 1, &own) &&
           bson_append_array_begin(&own, "$arrayElemAt", 12, &args) &&
           put_literal(&args, "0", items) && bson_append_utf8(&args, "1", 1, "$$at", 4) &&
           bson_append_array_end(&own, &args) && bson_append_document_end(array, &own);
}

static bool put_choice(bson_t *let, const struct mongo_replaces *replaces)
{
    bson_t in, cond, same, eq;
    return bson_append_document_begin(let, "in", 2, &in) &&
           bson_append_array_begin(&in, "$cond", 5, &cond) &&
           bson_append_document_begin(&cond, "0", 1, &same) &&
           bson_append_array_begin(&same, "$eq", 3, &eq) &&
           bson_append_utf8(&eq, "0", 1, "$version", 8) && put_own(&eq, "1", &replaces->versions) &&
           bson_append_array_end(&same, &eq) && bson_append_document_end(&cond, &same) &&
           put_own(&cond, "1", &replaces->documents) &&
           bson_append_utf8(&cond, "2", 1, "$$ROOT", 6) && bson_append_array_end(&in, &cond) &&
           bson_append_document_end(let, &in);
}

static bool put_stage(bson_t *stage, const struct mongo_replaces *replaces)
{
    bson_t with, let, vars;
    return bson_append_document_begin(stage, "$replaceWith", 12, &with) &&
           bson_append_document_begin(&with, "$let", 4, &let) &&
           bson_append_document_begin(&let, "vars", 4, &vars) && put_index(&vars, &replaces->ids) &&
           bson_append_document_end(&let, &vars) && put_choice(&let, replaces) &&
           bson_append_document_end(&with, &let) && bson_append_document_end(stage, &with);
}

bool mongo_replaces_put(const struct mongo_replaces *replaces, bson_t *element)
{
    bson_t q, id, u, stage;
    return bson_append_document_begin(element, "q", 1, &q) &&
           bson_append_document_begin(&q, "_id", 3, &id) &&
           bson_append_array(&id, "$in", 3, &replaces->ids) && bson_append_document_end(&q, &id) &&
           bson_append_document_end(element, &q) && bson_append_bool(element, "multi", 5, true) &&
           bson_append_array_begin(element, "u", 1, &u) &&
           bson_append_document_begin(&u, "0", 1, &stage) && put_stage(&stage, replaces) &&
           bson_append_document_end(&u, &stage) && bson_append_array_end(element, &u);
}
