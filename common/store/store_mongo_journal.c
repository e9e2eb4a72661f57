/* store_mongo_journal.c - the journal: the reply to each message, and the events to be published.
 *
 * Each commit writes one entry, a document {_id, at, published, keys: [16 bytes], packed}. `packed`
 * holds, compressed, {replies: [{f, s, x, b}], events: [{i, e, r, b, t}]}; the n-th reply belongs
 * to the n-th key. The names are short because they are repeated for each message. An entry that
 * was put off also has `retryAt` and `timesPutOff`. An entry without replies has no `keys` at all:
 * the unique index would take two empty arrays for the same key. */
#include "base/clock.h"
#include "base/id.h"
#include "store/store_mongo.h"
#include <inttypes.h>

/* --- writing ---------------------------------------------------------------------------------- */

static bool put_keys(bson_t *entry, const struct journal_reply *replies, size_t count)
{
    bson_t keys;
    bool ok = bson_append_array_begin(entry, "keys", 4, &keys);
    for (uint32_t i = 0; ok && i < count; i++) {
        char digits[16];
        const char *index = NULL;
        bson_uint32_to_string(i, &index, digits, sizeof(digits));
        ok = bson_append_binary(&keys, index, -1, BSON_SUBTYPE_BINARY, replies[i].key.bytes,
                                JOURNAL_KEY_BYTES);
    }
    return ok && bson_append_array_end(entry, &keys);
}

static bool put_reply(bson_t *out, const struct journal_reply *reply)
{
    return bson_append_binary(out, "f", 1, BSON_SUBTYPE_BINARY, reply->fingerprint,
                              sizeof(reply->fingerprint)) &&
           bson_append_int32(out, "s", 1, reply->status) &&
           (!reply->sealed || bson_append_bool(out, "x", 1, true)) &&
           codec_put_text(out, "b", reply->body);
}

static bool put_replies(bson_t *entry, const struct journal_reply *replies, size_t count)
{
    struct mongo_array array;
    bool ok = mongo_array_begin(&array, entry, "replies");
    for (size_t i = 0; ok && i < count; i++) {
        bson_t element;
        ok = mongo_array_add(&array, &element) && put_reply(&element, &replies[i]) &&
             mongo_array_add_end(&array, &element);
    }
    return ok && mongo_array_end(&array);
}

static bool put_event(bson_t *out, const struct journal_event *event)
{
    return codec_put_text(out, "i", event->id) && codec_put_text(out, "e", event->exchange) &&
           codec_put_text(out, "r", event->routing_key) && codec_put_text(out, "b", event->body) &&
           (str_is_absent(event->traceparent) || codec_put_text(out, "t", event->traceparent));
}

static bool put_events(bson_t *entry, const struct journal_event *events, size_t count)
{
    struct mongo_array array;
    bool ok = mongo_array_begin(&array, entry, "events");
    for (size_t i = 0; ok && i < count; i++) {
        bson_t element;
        ok = mongo_array_add(&array, &element) && put_event(&element, &events[i]) &&
             mongo_array_add_end(&array, &element);
    }
    return ok && mongo_array_end(&array);
}

/* When the replies are too long for one entry the outcome is CONFLICT, because the lane then tries
 * a smaller batch. */
static enum outcome check_size(const struct commit *commit, const bson_t *content, struct err *err)
{
    if (content->len <= PACKED_BYTES_MAX)
        return OUTCOME_DONE;
    if (commit->reply_count > 1)
        return err_conflict(err, "journal: %zu replies are too long for one entry",
                            commit->reply_count);
    return err_bug(err, "journal: one reply with its events is over %u bytes", PACKED_BYTES_MAX);
}

static bool put_head(bson_t *entry, const struct commit *commit)
{
    return codec_put_id(entry, "_id", commit->id) &&
           bson_append_date_time(entry, "at", 2, commit->now) &&
           bson_append_bool(entry, "published", -1, commit->event_count == 0) &&
           (commit->reply_count == 0 || put_keys(entry, commit->replies, commit->reply_count));
}

enum outcome mongo_journal_put(struct mongo_writer *writer, bson_t *entry,
                               const struct commit *commit, struct err *err)
{
    AUTO_BSON content = BSON_INITIALIZER;
    const bool built = put_head(entry, commit) &&
                       put_replies(&content, commit->replies, commit->reply_count) &&
                       put_events(&content, commit->events, commit->event_count);
    if (built)
        TRY(check_size(commit, &content, err));
    if (!built || !mongo_pack(writer->packer, entry, &content))
        return err_bug(err, "journal entry %.*s cannot be built", STR_FMT(commit->id));
    return OUTCOME_DONE;
}

/* --- reading: our own entries, yet nothing is taken on trust ---------------------------------- */

static struct str text_at(const bson_t *in, const char *name)
{
    bson_iter_t at;
    uint32_t len = 0;
    if (!bson_iter_init_find(&at, in, name) || !BSON_ITER_HOLDS_UTF8(&at))
        return STR_ABSENT;
    const char *text = bson_iter_utf8(&at, &len);
    return (struct str){text, len};
}

/* Copies a binary value of exactly `size` bytes; false for anything else. */
static bool bytes_of(const bson_iter_t *at, uint8_t *out, size_t size)
{
    bson_subtype_t subtype;
    uint32_t len = 0;
    const uint8_t *bytes = NULL;
    if (!BSON_ITER_HOLDS_BINARY(at))
        return false;
    bson_iter_binary(at, &subtype, &len, &bytes);
    if (len != size)
        return false;
    memcpy(out, bytes, size);
    return true;
}

/* Reads an element as a document of its own, which points into the same bytes. */
static bool element_of(const bson_iter_t *at, bson_t *out)
{
    uint32_t len = 0;
    const uint8_t *data = NULL;
    if (!BSON_ITER_HOLDS_DOCUMENT(at))
        return false;
    bson_iter_document(at, &len, &data);
    return bson_init_static(out, data, len);
}

static bool array_at(const bson_t *entry, const char *name, bson_iter_t *out)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, entry, name) && BSON_ITER_HOLDS_ARRAY(&at) &&
           bson_iter_recurse(&at, out);
}

static bool read_event(const bson_iter_t *at, struct journal_event *event)
{
    bson_t element;
    if (!element_of(at, &element))
        return false;
    *event = (struct journal_event){
        .id = text_at(&element, "i"),
        .exchange = text_at(&element, "e"),
        .routing_key = text_at(&element, "r"),
        .body = text_at(&element, "b"),
        .traceparent = text_at(&element, "t"),
    };
    return event->id.ptr && event->exchange.ptr && event->routing_key.ptr && event->body.ptr;
}

static bool read_events(struct arena *arena, const bson_t *entry, struct journal_entry *out)
{
    struct journal_event *events = NULL;
    size_t count = 0, capacity = 0;
    bson_iter_t each;
    if (!array_at(entry, "events", &each))
        return false;
    while (bson_iter_next(&each)) {
        events = arena_grow(arena, events, count, sizeof(*events), &capacity);
        if (!read_event(&each, &events[count++]))
            return false;
    }
    out->events = events;
    out->event_count = count;
    return true;
}

static bool is_wanted(const struct mongo_replies *replies, const struct journal_key *key)
{
    for (size_t i = 0; i < replies->key_count; i++)
        if (memcmp(replies->keys[i].bytes, key->bytes, JOURNAL_KEY_BYTES) == 0)
            return true;
    return false;
}

static bool read_reply(const bson_iter_t *at, struct journal_reply *reply)
{
    bson_t element;
    bson_iter_t value;
    if (!element_of(at, &element) || !bson_iter_init_find(&value, &element, "f") ||
        !bytes_of(&value, reply->fingerprint, sizeof(reply->fingerprint)) ||
        !bson_iter_init_find(&value, &element, "s") || !BSON_ITER_HOLDS_INT32(&value))
        return false;
    reply->status = bson_iter_int32(&value);
    reply->sealed = bson_iter_init_find(&value, &element, "x") && bson_iter_as_bool(&value);
    reply->body = text_at(&element, "b");
    return !str_is_absent(reply->body);
}

enum outcome mongo_take_replies(void *context, const bson_t *doc, struct err *err)
{
    struct mongo_replies *found = context;
    struct journal_entry entry = {0};
    bson_t content;
    bson_iter_t keys, replies, at;
    if (!array_at(doc, "keys", &keys) || !bson_iter_init_find(&at, doc, "at") ||
        !mongo_unpack(found->arena, doc, &content) || !array_at(&content, "replies", &replies) ||
        !read_events(found->arena, &content, &entry))
        return err_bug(err, "journal: an entry without keys, replies or events");
    while (bson_iter_next(&keys) && bson_iter_next(&replies)) {
        struct journal_reply reply = {0};
        if (!bytes_of(&keys, reply.key.bytes, JOURNAL_KEY_BYTES) || !read_reply(&replies, &reply))
            return err_bug(err, "journal: a reply cannot be read");
        if (!is_wanted(found, &reply.key))
            continue;
        reply.at = bson_iter_date_time(&at);
        reply.events = entry.events;
        reply.event_count = entry.event_count;
        found->items = arena_grow(found->arena, found->items, found->count, sizeof(*found->items),
                                  &found->capacity);
        found->items[found->count++] = reply;
    }
    return OUTCOME_DONE;
}

/* Appends {keys: {$in: [...]}}. */
static bool put_key_filter(bson_t *filter, const struct journal_key *keys, size_t count)
{
    bson_t in, values;
    bool ok = bson_append_document_begin(filter, "keys", 4, &in) &&
              bson_append_array_begin(&in, "$in", 3, &values);
    for (uint32_t i = 0; ok && i < count; i++) {
        char digits[16];
        const char *index = NULL;
        bson_uint32_to_string(i, &index, digits, sizeof(digits));
        ok = bson_append_binary(&values, index, -1, BSON_SUBTYPE_BINARY, keys[i].bytes,
                                JOURNAL_KEY_BYTES);
    }
    return ok && bson_append_array_end(&in, &values) && bson_append_document_end(filter, &in);
}

/* The level is "majority" because a reply that is sent again must not be rolled back later. */
static bool put_reply_options(bson_t *options, size_t count, int32_t timeout_ms)
{
    bson_t part;
    return mongo_read_majority(options) &&
           bson_append_document_begin(options, "projection", -1, &part) &&
           bson_append_int32(&part, "keys", -1, 1) && bson_append_int32(&part, "at", -1, 1) &&
           bson_append_int32(&part, PACKED_FIELD, -1, 1) &&
           bson_append_document_end(options, &part) &&
           bson_append_int64(options, "batchSize", -1, (int64_t)count + 1) &&
           bson_append_int64(options, "maxTimeMS", -1, timeout_ms);
}

enum outcome mongo_journal_find(struct store *base, struct arena *arena,
                                const struct journal_key *keys, size_t count,
                                struct journal_reply **out, size_t *out_count, struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_replies found = {.arena = arena, .keys = keys, .key_count = count};
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    if (!put_key_filter(&filter, keys, count) ||
        !put_reply_options(&options, count, link->timeout_ms))
        return err_bug(err, "journal: %zu keys do not fit into a command", count);
    if (count > 0)
        TRY(mongo_drain(link, JOURNAL_COLLECTION, &filter, &options, mongo_take_replies, &found,
                        err));
    *out = found.items;
    *out_count = found.count;
    return OUTCOME_DONE;
}

/* --- the outbox ------------------------------------------------------------------------------- */

/* An entry without replies has no `keys`, and that is no error. */
static bool read_keys(struct arena *arena, const bson_t *entry, struct journal_entry *out)
{
    struct journal_key *keys = NULL;
    size_t count = 0, capacity = 0;
    bson_iter_t each;
    if (!bson_iter_init_find(&each, entry, "keys"))
        return true;
    if (!array_at(entry, "keys", &each))
        return false;
    while (bson_iter_next(&each)) {
        keys = arena_grow(arena, keys, count, sizeof(*keys), &capacity);
        if (!bytes_of(&each, keys[count++].bytes, JOURNAL_KEY_BYTES))
            return false;
    }
    out->keys = keys;
    out->key_count = count;
    return true;
}

enum outcome mongo_take_entry(void *context, const bson_t *doc, struct err *err)
{
    struct mongo_entries *entries = context;
    struct journal_entry found = {0};
    bson_t content;
    bson_iter_t id, at, published;
    if (!bson_iter_init_find(&id, doc, "_id") || !BSON_ITER_HOLDS_OID(&id))
        return err_bug(err, "journal: an entry without an id");
    found.id = id_from_bytes(entries->arena, bson_iter_oid(&id)->bytes);
    if (!bson_iter_init_find(&at, doc, "at") ||
        !bson_iter_init_find(&published, doc, "published") ||
        !mongo_unpack(entries->arena, doc, &content) ||
        !read_events(entries->arena, &content, &found) || !read_keys(entries->arena, doc, &found))
        return err_bug(err, "journal: entry %.*s cannot be read", STR_FMT(found.id));
    found.at = bson_iter_date_time(&at);
    found.published = bson_iter_as_bool(&published);
    entries->items = arena_grow(entries->arena, entries->items, entries->count,
                                sizeof(*entries->items), &entries->capacity);
    entries->items[entries->count++] = found;
    return OUTCOME_DONE;
}

static bool put_outbox_filter(bson_t *filter, int64_t before)
{
    bson_t at;
    return bson_append_bool(filter, "published", -1, false) &&
           bson_append_document_begin(filter, "at", 2, &at) &&
           bson_append_date_time(&at, "$lte", 4, before) && bson_append_document_end(filter, &at);
}

/* Appends {retryAt: {$not: {$gt: now}}}, which also holds for an entry that was never put off and
 * has no `retryAt`. */
static bool put_due_filter(bson_t *filter, int64_t now_ms)
{
    bson_t retry_at, later;
    return bson_append_document_begin(filter, "retryAt", -1, &retry_at) &&
           bson_append_document_begin(&retry_at, "$not", 4, &later) &&
           bson_append_date_time(&later, "$gt", 3, now_ms) &&
           bson_append_document_end(&retry_at, &later) &&
           bson_append_document_end(filter, &retry_at);
}

static bool put_entry_options(bson_t *options, const char *order, size_t max, int32_t timeout_ms)
{
    bson_t part;
    return bson_append_document_begin(options, "sort", -1, &part) &&
           bson_append_int32(&part, order, -1, 1) && bson_append_document_end(options, &part) &&
           bson_append_int64(options, "limit", -1, (int64_t)max) &&
           bson_append_int64(options, "maxTimeMS", -1, timeout_ms);
}

/* The level is "majority" because an event that is published again must not be rolled back later. */
enum outcome mongo_outbox(struct store *base, struct arena *arena, enum outbox part, int64_t age_ms,
                          size_t max, struct journal_entry **out, size_t *out_count,
                          struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_entries outbox = {.arena = arena};
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    const int64_t now_ms = clock_now_ms();
    if (!put_outbox_filter(&filter, now_ms - age_ms) ||
        (part == OUTBOX_DUE && !put_due_filter(&filter, now_ms)) ||
        !mongo_read_majority(&options) || !put_entry_options(&options, "at", max, link->timeout_ms))
        return err_bug(err, "journal: the outbox cannot be asked");
    TRY(mongo_drain(link, JOURNAL_COLLECTION, &filter, &options, mongo_take_entry, &outbox, err));
    *out = outbox.items;
    *out_count = outbox.count;
    return OUTCOME_DONE;
}

static bool put_scan_filter(bson_t *filter, int64_t since_ms, struct str after)
{
    bson_t at, id;
    bool ok = bson_append_document_begin(filter, "at", 2, &at) &&
              bson_append_date_time(&at, "$gte", 4, since_ms) &&
              bson_append_document_end(filter, &at);
    if (!str_is_absent(after))
        ok = ok && bson_append_document_begin(filter, "_id", 3, &id) &&
             codec_put_id(&id, "$gt", after) && bson_append_document_end(filter, &id);
    return ok;
}

enum outcome mongo_journal_scan(struct store *base, struct arena *arena, int64_t since_ms,
                                struct str after, size_t max, struct journal_entry **out,
                                size_t *out_count, struct err *err)
{
    const struct mongo_link *link = &mongo_of(base)->link;
    struct mongo_entries scan = {.arena = arena};
    AUTO_BSON filter = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    if (!put_scan_filter(&filter, since_ms, after) || !mongo_read_majority(&options) ||
        !put_entry_options(&options, "_id", max, link->timeout_ms))
        return err_bug(err, "journal: it cannot be gone through");
    TRY(mongo_drain(link, JOURNAL_COLLECTION, &filter, &options, mongo_take_entry, &scan, err));
    *out = scan.items;
    *out_count = scan.count;
    return OUTCOME_DONE;
}

/* Appends {q: {_id: {$in: [...]}}, multi: true}. */
static bool put_entries(bson_t *update, const struct str *ids, size_t count)
{
    bson_t q, id, in;
    bool ok = bson_append_document_begin(update, "q", 1, &q) &&
              bson_append_document_begin(&q, "_id", 3, &id) &&
              bson_append_array_begin(&id, "$in", 3, &in);
    for (uint32_t i = 0; ok && i < count; i++) {
        char digits[16];
        const char *index = NULL;
        bson_uint32_to_string(i, &index, digits, sizeof(digits));
        ok = codec_put_id(&in, index, ids[i]);
    }
    return ok && bson_append_array_end(&id, &in) && bson_append_document_end(&q, &id) &&
           bson_append_document_end(update, &q) && bson_append_bool(update, "multi", 5, true);
}

/* Updates each of the entries; `put_u` appends the change as `u`. w:1 is enough: if the change is
 * lost, the same events are only published again, with the same ids. */
static enum outcome update_entries(const struct mongo_link *link, const struct str *ids,
                                   size_t count, bool (*put_u)(bson_t *update, const void *context),
                                   const void *context, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON options = BSON_INITIALIZER;
    struct mongo_array updates;
    bson_t update;
    if (count == 0)
        return OUTCOME_DONE;
    const bool ok = bson_append_utf8(&command, "update", -1, JOURNAL_COLLECTION, -1) &&
                    mongo_array_begin(&updates, &command, "updates") &&
                    mongo_array_add(&updates, &update) && put_entries(&update, ids, count) &&
                    put_u(&update, context) && mongo_array_add_end(&updates, &update) &&
                    mongo_array_end(&updates);
    if (!ok)
        return err_bug(err, "journal: an update of entries cannot be built");
    mongo_write_options(&options, 1);
    AUTO_BSON reply;
    return mongo_run(link, MONGO_WRITE, &command, &options, &reply, JOURNAL_COLLECTION, err);
}

static bool put_published(bson_t *update, const void *context)
{
    bson_t u, set;
    (void)context;
    return bson_append_document_begin(update, "u", 1, &u) &&
           bson_append_document_begin(&u, "$set", 4, &set) &&
           bson_append_bool(&set, "published", -1, true) && bson_append_document_end(&u, &set) &&
           bson_append_document_end(update, &u);
}

enum outcome mongo_mark_published(struct store *base, const struct str *ids, size_t count,
                                  struct err *err)
{
    return update_entries(&mongo_of(base)->link, ids, count, put_published, NULL, err);
}

struct pause {
    int64_t first_ms, max_ms;
};

#define TIMES_PUT_OFF "{\"$ifNull\":[\"$timesPutOff\",0]}"

/* Lets the server compute the pause, min(max_ms, first_ms * 2^timesPutOff), because only it knows
 * how often each entry was put off. */
static bool put_pause(bson_t *update, const void *context)
{
    const struct pause *pause = context;
    char json[512];
    snprintf(json, sizeof(json),
             "{\"u\":[{\"$set\":{\"timesPutOff\":{\"$add\":[" TIMES_PUT_OFF ",1]},"
             "\"retryAt\":{\"$add\":[\"$$NOW\",{\"$min\":[%" PRId64 ",{\"$multiply\":[%" PRId64
             ",{\"$pow\":[2," TIMES_PUT_OFF "]}]}]}]}}}]}",
             pause->max_ms, pause->first_ms);
    bson_t *statement = bson_new_from_json((const uint8_t *)json, -1, NULL);
    const bool ok = statement && bson_concat(update, statement);
    bson_destroy(statement);
    return ok;
}

enum outcome mongo_put_off(struct store *base, const struct str *ids, size_t count,
                           int64_t first_ms, int64_t max_ms, struct err *err)
{
    const struct pause pause = {first_ms, max_ms};
    return update_entries(&mongo_of(base)->link, ids, count, put_pause, &pause, err);
}
