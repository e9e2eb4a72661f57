/* fuzz_bson.c - any bytes as any document of the shop: they are refused, or they are a document
 * that can be copied, written as JSON, and stored again as the same BSON.
 *
 * The first byte chooses the document, the rest is the BSON. */
#include <stdlib.h>

#include "shop.h"
#include "store/bson_codec.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const struct doc_type *type_at(uint8_t chosen)
{
    static const struct app_settings settings;
    const struct service service = shop_service(&settings);
    size_t count = 0;
    while (service.types[count])
        count++;
    return service.types[chosen % count];
}

static void *decoded(struct arena *arena, const struct doc_type *type, struct str bytes)
{
    struct codec_fault fault = {0};
    void *doc = arena_alloc(arena, type->shape->size);
    if (codec_get_doc(arena, type, (const uint8_t *)bytes.ptr, bytes.len, doc, &fault))
        return doc;
    require(fault.what != NULL);
    return NULL;
}

/* Absent when something that may be read may not be written, like a key of the wrong length. */
static struct str encoded(struct arena *arena, const struct doc_type *type, const void *doc)
{
    AUTO_BSON bson = BSON_INITIALIZER;
    struct codec_fault fault = {0};
    if (!codec_put_doc(&bson, type, doc, &fault)) {
        require(fault.what != NULL);
        return STR_ABSENT;
    }
    return (struct str){arena_copy(arena, bson_get_data(&bson), bson.len), bson.len};
}

static void round_trip(struct arena *arena, const struct doc_type *type, const void *doc)
{
    const struct str bytes = encoded(arena, type, doc);
    if (str_is_absent(bytes))
        return;
    const void *again = decoded(arena, type, bytes);
    require(again != NULL);
    require(str_eq(bytes, encoded(arena, type, again)));
    require(str_eq(bytes, encoded(arena, type, shape_copy(type->shape, arena, doc))));
    require(json_of_shape(arena, type->shape, doc).len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    if (size == 0)
        return 0;
    arena_init(&arena, 4096);
    const struct doc_type *type = type_at(data[0]);
    const void *doc = decoded(&arena, type, (struct str){(const char *)data + 1, size - 1});
    if (doc)
        round_trip(&arena, type, doc);
    arena_release(&arena);
    return 0;
}
