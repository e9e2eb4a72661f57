/* fuzz_json.c - whatever json_parse() accepts is written back as the same value, and the text of
 * any bytes is valid JSON. */
#include <stdlib.h>

#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Printed and parsed again it has the same fingerprint. */
static void round_trip(struct arena *arena, const struct json *json)
{
    struct err err;
    const struct json *again = NULL;
    uint8_t first[16];
    uint8_t second[16];
    const struct str text = json_text(arena, json);
    require(json_parse(arena, text, &again, &err) == OUTCOME_DONE);
    json_fingerprint(json, first);
    json_fingerprint(again, second);
    require(memcmp(first, second, sizeof(first)) == 0);
}

/* The writer makes valid JSON of any bytes. A NUL is written as the escape that we refuse. */
static void write_bytes(struct arena *arena, struct str bytes)
{
    struct text text;
    struct json_writer writer;
    struct err err;
    const struct json *json;
    text_init(&text, arena, 64);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "a");
    json_put_str(&writer, bytes);
    json_close_object(&writer);
    if (str_is_c(bytes))
        require(json_parse(arena, text_str(&text), &json, &err) == OUTCOME_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    const struct json *json;
    const struct str bytes = {(const char *)data, size};
    json_init();
    arena_init(&arena, 4096);
    if (json_parse(&arena, bytes, &json, &err) == OUTCOME_DONE)
        round_trip(&arena, json);
    write_bytes(&arena, bytes);
    arena_release(&arena);
    return 0;
}
