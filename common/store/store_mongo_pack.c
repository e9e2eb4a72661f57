/* store_mongo_pack.c - compresses what is written often, read seldom and kept for weeks.
 *
 * The replies and events of a batch are JSON texts that resemble each other. Zstandard (RFC 8878)
 * at level 1 makes them about a sixth as long, and MongoDB has so much less to copy into the oplog,
 * its log and the collection. */
#include <stdlib.h>
#include <zstd_errors.h>

#include "store/store_mongo.h"

#define PACK_LEVEL 1

/* Panics when memory is short: an entry that is not to blame must not be taken for a broken one. */
static void insist_on_memory(size_t result)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        panic("out of memory for Zstandard");
}

bool mongo_pack(ZSTD_CCtx *packer, bson_t *out, const bson_t *content)
{
    const size_t room = ZSTD_compressBound(content->len);
    uint8_t *bytes = malloc(room);
    if (!bytes)
        panic("out of memory for %zu packed bytes", room);
    const size_t size =
        ZSTD_compressCCtx(packer, bytes, room, bson_get_data(content), content->len, PACK_LEVEL);
    insist_on_memory(size);
    const bool ok =
        !ZSTD_isError(size) && size <= UINT32_MAX &&
        bson_append_binary(out, PACKED_FIELD, -1, BSON_SUBTYPE_BINARY, bytes, (uint32_t)size);
    free(bytes);
    return ok;
}

bool mongo_unpack(struct arena *arena, const bson_t *from, bson_t *content)
{
    bson_iter_t at;
    bson_subtype_t subtype;
    uint32_t len = 0;
    const uint8_t *bytes = NULL;
    if (!bson_iter_init_find(&at, from, PACKED_FIELD) || !BSON_ITER_HOLDS_BINARY(&at))
        return false;
    bson_iter_binary(&at, &subtype, &len, &bytes);
    const unsigned long long size = ZSTD_getFrameContentSize(bytes, len);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
        size > PACKED_BYTES_MAX)
        return false;
    uint8_t *data = (uint8_t *)arena_bytes(arena, (size_t)size);
    const size_t unpacked = ZSTD_decompress(data, (size_t)size, bytes, len);
    insist_on_memory(unpacked);
    return unpacked == size && bson_init_static(content, data, (size_t)size);
}
