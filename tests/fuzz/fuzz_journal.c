/* fuzz_journal.c - any bytes as an entry of the journal: it is a fault with words, or its replies and
 * events are complete; and what it unpacks to is bounded.
 *
 * The first byte chooses: 'e' the rest is the whole entry; 'p' the rest is the packed part of an
 * entry that is good otherwise; else the rest is BSON that is packed here. */
#include <stdlib.h>

#include "store/store_mongo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_USED_MAX ((size_t)PACKED_BYTES_MAX * 4)

static const struct journal_key keys[] = {{"a key, 16 bytes"}, {"another of them"}};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool put_keys(bson_t *entry)
{
    bson_t array;
    return bson_append_array_begin(entry, "keys", -1, &array) &&
           bson_append_binary(&array, "0", -1, BSON_SUBTYPE_BINARY, keys[0].bytes,
                              JOURNAL_KEY_BYTES) &&
           bson_append_binary(&array, "1", -1, BSON_SUBTYPE_BINARY, keys[1].bytes,
                              JOURNAL_KEY_BYTES) &&
           bson_append_array_end(entry, &array);
}

static void put_head(bson_t *entry)
{
    require(codec_put_id(entry, "_id", STR("0123456789abcdef01234567")));
    require(bson_append_date_time(entry, "at", -1, 1763651045123));
    require(bson_append_bool(entry, "published", -1, false));
    require(put_keys(entry));
}

static void put_packed(bson_t *entry, const bson_t *content)
{
    ZSTD_CCtx *packer = ZSTD_createCCtx();
    if (!packer)
        panic("out of memory for a packer");
    require(mongo_pack(packer, entry, content));
    ZSTD_freeCCtx(packer);
}

/* False when the input cannot be put into an entry. */
static bool make_entry(bson_t *entry, char kind, const uint8_t *bytes, size_t len)
{
    bson_t content;
    if (kind == 'e')
        return bson_init_static(&content, bytes, len) && bson_concat(entry, &content);
    put_head(entry);
    if (kind == 'p')
        return bson_append_binary(entry, PACKED_FIELD, -1, BSON_SUBTYPE_BINARY, bytes,
                                  (uint32_t)len);
    if (!bson_init_static(&content, bytes, len))
        return false;
    put_packed(entry, &content);
    return true;
}

static void check_entry(struct arena *arena, const bson_t *entry)
{
    struct mongo_entries entries = {.arena = arena};
    struct err err = {0};
    if (mongo_take_entry(&entries, entry, &err) != OUTCOME_DONE) {
        require(err.code == E_INTERNAL && err.text[0]);
        return;
    }
    require(entries.count == 1 && entries.items[0].id.len == 24);
    for (size_t i = 0; i < entries.items[0].event_count; i++) {
        const struct journal_event *event = &entries.items[0].events[i];
        require(event->id.ptr && event->exchange.ptr && event->routing_key.ptr && event->body.ptr);
        require(event->body.ptr[event->body.len] == '\0');
    }
}

static void check_replies(struct arena *arena, const bson_t *entry)
{
    struct mongo_replies replies = {.arena = arena, .keys = keys, .key_count = 2};
    struct err err = {0};
    if (mongo_take_replies(&replies, entry, &err) != OUTCOME_DONE) {
        require(err.code == E_INTERNAL && err.text[0]);
        return;
    }
    for (size_t i = 0; i < replies.count; i++)
        require(replies.items[i].body.ptr[replies.items[i].body.len] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    AUTO_BSON entry = BSON_INITIALIZER;
    if (size == 0)
        return 0;
    arena_init(&arena, 4096);
    if (make_entry(&entry, (char)data[0], data + 1, size - 1)) {
        check_entry(&arena, &entry);
        check_replies(&arena, &entry);
        require(arena.used <= ARENA_USED_MAX);
    }
    arena_release(&arena);
    return 0;
}
