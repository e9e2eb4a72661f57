/* store_mongo.c - the connection to MongoDB: options, opening, closing, one way to run a command.
 *
 * The driver's defaults are made for patient programs (it waits 300 s for an answer). Ours are made
 * for a lane, which must soon find out that the server is away, and try again. */
#include "store/store_mongo.h"

#include <stdlib.h>

#define DEFAULT_TIMEOUT_MS   10000
#define DEFAULT_RETENTION_S  (30 * 24 * 3600LL)
#define DEFAULT_DATABASE     "cartwright"
#define CONNECT_TIMEOUT_MS   3000
#define SELECTION_TIMEOUT_MS 5000

static void set_default_int(mongoc_uri_t *uri, const char *option, int32_t value)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, value);
}

static int32_t at_most(int32_t most, int32_t ms)
{
    return ms < most ? ms : most;
}

/* The options that the operator wrote into the URI are kept, except those on which correctness
 * rests: reads come from the primary, and the driver retries once each write that can be retried
 * safely. (Two more options are set whatever the URI says, for the reasons given there.) */
static void set_uri_options(mongoc_uri_t *uri, int32_t timeout_ms)
{
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);
    mongoc_uri_set_read_prefs_t(uri, primary);
    mongoc_read_prefs_destroy(primary);
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, true);
    /* The driver looks for the primary once and gives up at once when there is none: it is the lane
     * that waits, because the lane serves its heartbeats meanwhile. (The driver does not try a
     * server that refused a connection again for 5 s.) */
    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, true);
    /* Between neighbours compression costs more than it saves. */
    mongoc_uri_set_compressors(uri, NULL);
    set_default_int(uri, MONGOC_URI_SOCKETTIMEOUTMS, timeout_ms);
    /* The driver waits for a connection or a server no longer than for an answer, so that one
     * number says how long a call may last. */
    set_default_int(uri, MONGOC_URI_CONNECTTIMEOUTMS, at_most(CONNECT_TIMEOUT_MS, timeout_ms));
    set_default_int(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
                    at_most(SELECTION_TIMEOUT_MS, timeout_ms));
    if (!mongoc_uri_get_appname(uri))
        mongoc_uri_set_appname(uri, "cartwright");
}

/* Sets the language only: MongoDB knows few countries and all languages. "en-GB" becomes "en". */
static void set_language(struct mongo_link *link, struct str locale)
{
    const struct str tag = str_is_absent(locale) ? STR("en") : locale;
    size_t len = 0;
    while (len < tag.len && len < LANGUAGE_BYTES - 1 && tag.ptr[len] != '-')
        len++;
    memcpy(link->language, tag.ptr, len);
    link->language[len] = '\0';
}

/* The error for a URI that cannot be parsed leaves out the driver's text, because that may quote
 * the URI, which holds a password. */
enum outcome mongo_link_open(const struct store_options *options, struct mongo_link *link,
                             struct err *err)
{
    *link = (struct mongo_link){
        .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS,
        .types = options->types,
        .type_count = options->type_count,
    };
    set_language(link, options->locale);
    bson_error_t error;
    mongoc_uri_t *uri =
        str_is_c(options->uri) ? mongoc_uri_new_with_error(options->uri.ptr, &error) : NULL;
    if (!uri)
        return err_bug(err, "the MongoDB URI cannot be read");
    set_uri_options(uri, link->timeout_ms);
    const char *in_uri = mongoc_uri_get_database(uri);
    link->database = options->database.len ? bson_strdup(options->database.ptr)
                                           : bson_strdup(in_uri ? in_uri : DEFAULT_DATABASE);
    link->client = mongoc_client_new_from_uri_with_error(uri, &error);
    mongoc_uri_destroy(uri);
    if (!link->client)
        return err_bug(err, "the MongoDB URI cannot be used: %s", error.message);
    mongoc_client_set_error_api(link->client, MONGOC_ERROR_API_VERSION_2);
    return OUTCOME_DONE;
}

void mongo_link_close(struct mongo_link *link)
{
    if (link->client)
        mongoc_client_destroy(link->client);
    bson_free(link->database);
}

static void mongo_close(struct store *base)
{
    struct store_mongo *store = mongo_of(base);
    mongo_writer_close(store->writer);
    mongo_link_close(&store->link);
    free(store);
}

static enum outcome mongo_ping(struct store *base, struct err *err)
{
    AUTO_BSON command = BSON_INITIALIZER;
    AUTO_BSON reply;
    bson_append_int32(&command, "ping", -1, 1);
    return mongo_run(&mongo_of(base)->link, MONGO_READ, &command, NULL, &reply, "ping", err);
}

static const struct store_ops mongo_ops = {
    .close = mongo_close,
    .ping = mongo_ping,
    .find = mongo_find,
    .query = mongo_query,
    .scan = mongo_scan,
    .journal_find = mongo_journal_find,
    .commit_begin = mongo_commit_begin,
    .commit_end = mongo_commit_end,
    .commit_has_ended = mongo_commit_has_ended,
    .commit_fd = mongo_commit_fd,
    .rehearse = mongo_rehearse,
    .resolve = mongo_resolve,
    .outbox = mongo_outbox,
    .journal_scan = mongo_journal_scan,
    .mark_published = mongo_mark_published,
    .put_off = mongo_put_off,
    .apply_indexes = mongo_apply_indexes,
    .check_indexes = mongo_check_indexes,
    .session = mongo_session,
    .kill_session = mongo_kill_session,
    .open_transactions = mongo_open_transactions,
};

enum outcome store_open(const struct store_options *options, struct store **out, struct err *err)
{
    /* Repeating this call is safe. It is never undone, because the driver cannot start a second
     * time in one process. */
    mongoc_init();
    mongoc_log_set_handler(NULL, NULL); /* errors are returned; only the lane logs */
    struct store_mongo *store = calloc(1, sizeof(*store));
    if (!store)
        panic("out of memory for a store");
    *store = (struct store_mongo){
        .base.ops = &mongo_ops,
        .journal_retention_s =
            options->journal_retention_s > 0 ? options->journal_retention_s : DEFAULT_RETENTION_S,
    };
    enum outcome outcome = mongo_link_open(options, &store->link, err);
    if (outcome == OUTCOME_DONE)
        outcome = mongo_writer_open(options, &store->writer, err);
    if (outcome == OUTCOME_DONE)
        *out = &store->base;
    else
        mongo_close(&store->base);
    return outcome;
}

bool mongo_read_majority(bson_t *options)
{
    bson_t concern;
    return bson_append_document_begin(options, "readConcern", -1, &concern) &&
           bson_append_utf8(&concern, "level", 5, "majority", -1) &&
           bson_append_document_end(options, &concern);
}

void mongo_write_options(bson_t *options, int32_t w)
{
    bson_t concern;
    bson_append_document_begin(options, "writeConcern", -1, &concern);
    if (w == W_MAJORITY) {
        bson_append_utf8(&concern, "w", 1, "majority", -1);
        bson_append_bool(&concern, "j", 1, true);
    } else {
        bson_append_int32(&concern, "w", 1, w);
    }
    bson_append_document_end(options, &concern);
}

enum outcome mongo_check_type(const struct mongo_link *link, const struct doc_type *type,
                              struct err *err)
{
    for (size_t i = 0; i < link->type_count; i++)
        if (link->types[i] == type)
            return OUTCOME_DONE;
    return store_unknown_type(type, err);
}

void mongo_moved(const struct mongo_link *link)
{
    if (link->watch.moved)
        link->watch.moved(link->watch.context);
}

enum outcome mongo_run(const struct mongo_link *link, enum mongo_mode mode, const bson_t *command,
                       const bson_t *options, bson_t *reply, const char *what, struct err *err)
{
    bson_error_t error = {0};
    const bool ok = mode == MONGO_WRITE
                        ? mongoc_client_write_command_with_opts(link->client, link->database,
                                                                command, options, reply, &error)
                        : mongoc_client_read_command_with_opts(
                              link->client, link->database, command, NULL, options, reply, &error);
    mongo_moved(link);
    if (!ok)
        return mongo_fault(reply, &error, what, err);
    return mode == MONGO_WRITE ? mongo_write_result(reply, what, err) : OUTCOME_DONE;
}

bool mongo_array_begin(struct mongo_array *array, bson_t *parent, const char *name)
{
    array->parent = parent;
    array->count = 0;
    return bson_append_array_begin(parent, name, -1, &array->array);
}

bool mongo_array_add(struct mongo_array *array, bson_t *element)
{
    char digits[16];
    const char *index = NULL;
    bson_uint32_to_string(array->count++, &index, digits, sizeof(digits));
    return bson_append_document_begin(&array->array, index, -1, element);
}

bool mongo_array_add_end(struct mongo_array *array, bson_t *element)
{
    return bson_append_document_end(&array->array, element);
}

bool mongo_array_end(struct mongo_array *array)
{
    return bson_append_array_end(array->parent, &array->array);
}
