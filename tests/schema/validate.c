/* validate.c - the verdict of schema_decode() for tests/schema/agreement.py.
 *
 * Reads lines "operation<TAB>json" and answers each with one line: "valid", "malformed <why>" or
 * "invalid <pointer> <pointer> ...". With --bench it times the lines instead. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "schemas/all.h"
#include "wire/json.h"

static const struct schema *prepared(const struct schema *schema)
{
    struct err err;
    if (schema_prepare(schema, &err) == OUTCOME_DONE)
        return schema;
    fprintf(stderr, "%s: %s\n", schema->name, err.text);
    return NULL;
}

static const struct schema *schema_named(struct str name)
{
    for (size_t d = 0; all_schemas[d]; d++)
        for (size_t i = 0; all_schemas[d][i]; i++)
            if (str_eq(str_of(all_schemas[d][i]->name), name))
                return prepared(all_schemas[d][i]);
    return NULL;
}

static void print_pointers(const struct err *err)
{
    printf("invalid");
    for (const struct err_field *field = err->fields; field; field = field->next)
        printf(" %s", field->pointer.len ? field->pointer.ptr : "(root)");
    putchar('\n');
}

static void judge(const struct schema *schema, struct arena *arena, struct str bytes)
{
    struct err err = {0};
    const struct json *json;
    const void *request;
    if (json_parse(arena, bytes, &json, &err) != OUTCOME_DONE)
        printf("malformed %s\n", err.text);
    else if (schema_decode(schema, arena, json, &request, &err) != OUTCOME_DONE)
        print_pointers(&err);
    else
        puts("valid");
}

/* Nanoseconds per message of parsing, and of parsing and decoding. */
static void bench(const struct schema *schema, struct arena *arena, struct str bytes)
{
    enum { ROUNDS = 100000 };
    int64_t taken[2];
    for (int decode = 0; decode < 2; decode++) {
        const int64_t start = clock_monotonic_us();
        for (int i = 0; i < ROUNDS; i++) {
            struct err err = {0};
            const struct json *json;
            const void *request;
            enum outcome outcome = json_parse(arena, bytes, &json, &err);
            if (outcome == OUTCOME_DONE && decode)
                outcome = schema_decode(schema, arena, json, &request, &err);
            if (outcome == OUTCOME_BUG)
                exit(1);
            arena_clear(arena);
        }
        taken[decode] = clock_monotonic_us() - start;
    }
    printf("%s %zu bytes: parse %lld ns, decode %lld ns\n", schema->name, bytes.len,
           (long long)(taken[0] * 1000 / ROUNDS),
           (long long)((taken[1] - taken[0]) * 1000 / ROUNDS));
}

/* "operation<TAB>json<LF>" to its parts. */
static const struct schema *split(struct str line, struct str *bytes)
{
    const char *tab = memchr(line.ptr, '\t', line.len);
    const size_t name_len = tab ? (size_t)(tab - line.ptr) : line.len;
    const struct schema *schema = schema_named((struct str){line.ptr, name_len});
    if (!tab || !schema) {
        fprintf(stderr, "unknown operation: %.*s\n", (int)name_len, line.ptr);
        return NULL;
    }
    *bytes = (struct str){tab + 1, line.len - name_len - 2};
    return schema;
}

static int answer_lines(bool is_bench, struct arena *arena)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    struct str bytes;
    const struct schema *schema = NULL;
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        schema = split((struct str){line, (size_t)len}, &bytes);
        if (!schema)
            break;
        (is_bench ? bench : judge)(schema, arena, bytes);
        arena_clear(arena);
    }
    free(line);
    return len > 0;
}

int main(int argc, char **argv)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    const int status = answer_lines(argc > 1 && strcmp(argv[1], "--bench") == 0, &arena);
    arena_release(&arena);
    return status;
}
