/* bus_amqp_frames.h - the parts of AMQP without I/O: the URI, frames to write, properties that were
 * read. Private to the bus room. */
#ifndef CARTWRIGHT_BUS_BUS_AMQP_FRAMES_H
#define CARTWRIGHT_BUS_BUS_AMQP_FRAMES_H

#include "bus/amqp_headers.h"
#include "bus/bus.h"
#include "tls/tls.h"

/* --- where the broker is -------------------------------------------------------------------- */

#define BUS_PLACES_MAX 16

/* A node of the broker. */
struct bus_place {
    const char *host;
    int port;
};

/* amqp://user:password@host:port,host:port/vhost, or amqps:// with ?cacertfile=...&certfile=...&
 * keyfile=... as in RabbitMQ's own URIs. */
struct bus_uri {
    char *text; /* owns all other strings */
    size_t text_size;
    struct bus_place places[BUS_PLACES_MAX]; /* at least one */
    size_t place_count;
    const char *user;
    const char *password;
    const char *vhost;
    bool tls;
    struct tls_files files;
};

/* OUTCOME_BUG when the text is not such a URI; err never shows the password. The caller frees *out
 * with bus_uri_release. */
MUST_CHECK enum outcome bus_uri_parse(struct str text, struct bus_uri *out, struct err *err);
/* Puts the places in random order, so that many lanes spread over all of them. */
void bus_uri_shuffle(struct bus_uri *uri);
void bus_uri_release(struct bus_uri *uri);

/* --- frames to write ------------------------------------------------------------------------ */

/* Whole frames that wait to be written; the first `sent` bytes are written already. */
struct frames {
    uint8_t *bytes;
    size_t len;
    size_t sent;
    size_t capacity;
    size_t frame_max;
};

void frames_release(struct frames *frames);
/* Adds bytes as they are: the greeting, which comes before all frames. */
void frames_add_raw(struct frames *frames, const void *bytes, size_t len);
/* False, and nothing is added, when the method does not fit in a frame (a name over 255 bytes). */
MUST_CHECK bool frames_add_method(struct frames *frames, amqp_channel_t channel,
                                  amqp_method_number_t id, void *decoded);
/* Adds method, header and body of one message. publish_tag > 0 goes into a header, by which a
 * returned message is recognised. False, and nothing is added, when a name or the properties are
 * too long to be sent. */
MUST_CHECK bool frames_add_message(struct frames *frames, amqp_channel_t channel,
                                   const struct bus_message *message, uint64_t publish_tag);

/* --- where replies go ------------------------------------------------------------------------ */

/* True for a name of direct reply-to: not a queue, but a place that only the broker knows. */
bool reply_is_direct(struct str routing_key);
/* For a direct name: true when the broker may have made it. */
bool reply_is_well_formed(struct str routing_key);

/* --- content headers as they arrive ---------------------------------------------------------- */

/* A content header's payload begins with these bytes: class (2), weight (2), size of the body (8).
 * Flags and properties follow; the headers are a table among the properties. */
#define CONTENT_HEAD 12
/* The last offset at which the table can begin: two short strings may come before it. */
#define TABLE_AT_MAX (CONTENT_HEAD + 4 + 2 * 256)
/* Where the headers are, including their length: [from, to) of the payload. */
struct table_place {
    size_t from;
    uint64_t to; /* may lie beyond what has arrived */
};

/* Finds the table from the first `len` bytes of a payload. False when there are no headers, or when
 * these bytes end before this is known. */
MUST_CHECK bool table_find(const uint8_t *payload, size_t len, struct table_place *out);
/* Makes the payload say that it has no headers; the caller removes their bytes. */
void table_deny(uint8_t *payload);
/* True when a whole table, given without its length, is well formed and no deeper than
 * BUS_HEADERS_DEPTH (the library recurses, and from 0.14 on refuses 101 levels with an error that
 * ends the connection). Does not recurse. */
MUST_CHECK bool table_is_readable(const uint8_t *table, size_t len);

/* --- properties of what arrives -------------------------------------------------------------- */

/* Room for the texts of headers that were sent as numbers. */
#define HEADER_NUMBERS     8
#define HEADER_NUMBER_TEXT 24
struct header_room {
    char texts[HEADER_NUMBERS][HEADER_NUMBER_TEXT];
    size_t used;
};

/* Reads properties and headers. The strs of *out point into the library's pool or the room. */
void read_properties(struct delivery *out, const amqp_basic_properties_t *from,
                     struct header_room *room);
/* Reads an integer of any width that AMQP has; false for any other type and above INT64_MAX. */
bool integer_of(const amqp_field_value_t *value, int64_t *out);
/* All headers as a JSON object, in the arena. Text that is not UTF-8 is replaced, a value that has
 * no form in JSON becomes the name of its kind ("<double>"), and what is nested deeper than
 * HEADERS_DEPTH_MAX is cut off. */
struct str headers_as_json(struct arena *arena, const amqp_table_t *headers);
#define HEADERS_DEPTH_MAX 8
/* The major version among the broker's properties (4 of "4.0.5"); -1: they do not tell. */
int64_t major_version(const amqp_table_t *server_properties);
/* The publish_tag that a returned message was sent with, or 0. */
uint64_t publish_tag_of(const amqp_basic_properties_t *properties);

static inline struct str str_of_bytes(amqp_bytes_t bytes)
{
    return (struct str){bytes.bytes ? bytes.bytes : "", bytes.len};
}

static inline amqp_bytes_t amqp_bytes_of(struct str s)
{
    return (amqp_bytes_t){s.len, (void *)(uintptr_t)s.ptr};
}

#endif
