/* fuzz_page.c - any bytes as a page from the shared cache: they are loaded anew, or they are documents
 * that make the same page again.
 *
 * The first byte chooses the kind of document, the rest is the page. */
#include <stdlib.h>

#include "shop.h"

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

/* Absent when something that may be read may not be written, like a key of the wrong length. */
static void round_trip(struct arena *arena, const struct doc_type *type,
                       const struct doc_list *docs)
{
    struct doc_list again = {0};
    const struct str page = store_encode(arena, type, docs);
    if (str_is_absent(page))
        return;
    require(store_decode(arena, type, page, &again));
    require(again.count == docs->count);
    require(str_eq(page, store_encode(arena, type, &again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct doc_list docs = {0};
    if (size == 0)
        return 0;
    const struct doc_type *type = type_at(data[0]);
    const struct str page = {(const char *)data + 1, size - 1};
    arena_init(&arena, 4096);
    if (store_decode(&arena, type, page, &docs))
        round_trip(&arena, type, &docs);
    arena_release(&arena);
    return 0;
}
