/* store_cache.c - lists of documents as bytes for the cache: their BSON, one after the other. */
#include "base/text.h"
#include "store/bson_codec.h"
#include "store/store.h"

#define BSON_DOC_MIN 5 /* four bytes of length and the closing NUL */

struct str store_encode(struct arena *arena, const struct doc_type *type,
                        const struct doc_list *docs)
{
    AUTO_BSON doc = BSON_INITIALIZER;
    struct text bytes;
    text_init(&bytes, arena, 4096);
    for (size_t i = 0; i < docs->count; i++) {
        struct codec_fault fault = {0};
        bson_reinit(&doc);
        if (!codec_put_doc(&doc, type, docs->items[i], &fault))
            return STR_ABSENT;
        text_append(&bytes, bson_get_data(&doc), doc.len);
    }
    return text_str(&bytes);
}

/* The length of the document at the start of `rest`; 0 when no document can be there. */
static size_t doc_len(struct str rest)
{
    uint32_t len = 0;
    if (rest.len < BSON_DOC_MIN)
        return 0;
    memcpy(&len, rest.ptr, sizeof(len));
    len = BSON_UINT32_FROM_LE(len);
    return len >= BSON_DOC_MIN && len <= rest.len ? len : 0;
}

bool store_decode(struct arena *arena, const struct doc_type *type, struct str bytes,
                  struct doc_list *out)
{
    const void **items = NULL;
    size_t count = 0, capacity = 0;
    const char *copy = arena_copy(arena, bytes.ptr, bytes.len);
    for (struct str rest = {copy, bytes.len}; rest.len > 0;) {
        const size_t len = doc_len(rest);
        void *doc = arena_alloc(arena, type->shape->size);
        struct codec_fault fault = {0};
        if (len == 0 || !codec_get_doc(arena, type, (const uint8_t *)rest.ptr, len, doc, &fault))
            return false;
        if (count == capacity)
            items = arena_grow(arena, items, count, sizeof(*items), &capacity);
        items[count++] = doc;
        rest = (struct str){rest.ptr + len, rest.len - len};
    }
    *out = (struct doc_list){.items = items, .count = count};
    return true;
}
