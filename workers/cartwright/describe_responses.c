/* describe_responses.c - what the OpenAPI document says of answers: a success, and for each status the
 * codes that a problem may have. */
#include "cartwright/describe_routes.h"

void openapi_put_ref(struct json_writer *writer, const char *group, const char *name)
{
    json_open_object(writer);
    json_key(writer, "$ref");
    json_put_str(writer, str_printf(writer->text->arena, "#/components/%s/%s", group, name));
    json_close_object(writer);
}

void openapi_put_content(struct json_writer *writer, struct str schema)
{
    json_key(writer, "content");
    json_open_object(writer);
    json_key(writer, "application/json");
    json_open_object(writer);
    json_key(writer, "schema");
    json_put_raw(writer, schema);
    json_close_object(writer);
    json_close_object(writer);
}

static void put_success(struct json_writer *writer, const struct operation *operation)
{
    struct arena *arena = writer->text->arena;
    const bool is_command = operation->kind == COMMAND;
    json_put_name(writer, str_printf(arena, "%d", describe_status(operation)));
    json_open_object(writer);
    json_key(writer, "description");
    json_put_str(writer, str_of(operation->reply ? operation->reply->name : "It is done."));
    json_key(writer, "headers");
    json_open_object(writer);
    json_key(writer, is_command ? "Idempotency-Key" : "ETag");
    openapi_put_ref(writer, "headers", is_command ? "IdempotencyKey" : "ETag");
    json_close_object(writer);
    openapi_put_content(writer, str_printf(arena, "{\"$ref\":\"#/components/schemas/%s\"}",
                                           operation->reply ? operation->reply->name : "Nothing"));
    json_close_object(writer);
}

/* Which codes a response is about: those of one status, of all operations and of one. */
struct problems {
    int status;
    const struct operation *operation; /* NULL: no operation's own */
};

static bool is_among(const struct problems *problems, const struct error_code *code, bool general)
{
    const struct operation *operation = problems->operation;
    const bool repeats = general && operation && describe_has_code(operation, code);
    return code->status == problems->status && !repeats;
}

/* Appends the codes that are among the problems, each with `around` on both sides. */
static void put_codes(struct text *out, const struct problems *problems, const char *around)
{
    const struct error_code *const *lists[] = {
        problems->operation ? problems->operation->errors : NULL, describe_general_codes};
    const char *between = "";
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; lists[list] && lists[list][i]; i++) {
            if (!is_among(problems, lists[list][i], list == 1))
                continue;
            text_printf(out, "%s%s%s%s", between, around, lists[list][i]->name, around);
            between = *around ? "," : ", ";
        }
}

static struct str codes_of(struct arena *arena, const struct problems *problems, const char *around)
{
    struct text text;
    text_init(&text, arena, 256);
    put_codes(&text, problems, around);
    return text_str(&text);
}

static void put_problem(struct json_writer *writer, const struct problems *problems)
{
    struct arena *arena = writer->text->arena;
    const struct str text = str_printf(
        arena,
        "{\"description\":\"%.*s\",%s\"content\":{\"application/problem+json\":{\"schema\":"
        "{\"allOf\":[{\"$ref\":\"#/components/schemas/Problem\"}],"
        "\"properties\":{\"code\":{\"enum\":[%.*s]}}}}}}",
        STR_FMT(codes_of(arena, problems, "")),
        problems->status == 429 || problems->status == 503
            ? "\"headers\":{\"Retry-After\":{\"$ref\":\"#/components/headers/RetryAfter\"}},"
            : "",
        STR_FMT(codes_of(arena, problems, "\"")));
    json_put_raw(writer, text);
}

/* True when a code of the list has the status. */
static bool has_status(const struct error_code *const *codes, int status)
{
    for (size_t i = 0; codes && codes[i]; i++)
        if (codes[i]->status == status)
            return true;
    return false;
}

static void put_problems(struct json_writer *writer, const struct operation *operation)
{
    struct arena *arena = writer->text->arena;
    for (int status = 400; status < 600; status++) {
        const bool own = has_status(operation->errors, status);
        if (!own && !has_status(describe_general_codes, status))
            continue;
        json_put_name(writer, str_printf(arena, "%d", status));
        if (own)
            put_problem(writer, &(struct problems){status, operation});
        else
            openapi_put_ref(writer, "responses", str_printf(arena, "Problem%d", status).ptr);
    }
}

void openapi_put_responses(struct json_writer *writer, const struct operation *operation)
{
    json_key(writer, "responses");
    json_open_object(writer);
    put_success(writer, operation);
    if (operation->kind == COMMAND && describe_status(operation) != 202) {
        json_key(writer, "202");
        openapi_put_ref(writer, "responses", "Accepted");
    }
    put_problems(writer, operation);
    json_close_object(writer);
}

void openapi_put_problems(struct describe *describe, struct json_writer *writer)
{
    for (int status = 400; status < 600; status++)
        if (has_status(describe_general_codes, status)) {
            json_put_name(writer, str_printf(describe->arena, "Problem%d", status));
            put_problem(writer, &(struct problems){status, NULL});
        }
}
