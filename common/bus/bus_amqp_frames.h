/* bus_amqp_frames.h - the pure parts of AMQP: the URI, frames to write, properties read. Private to
 * the bus room. */
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
 * keyfile=... as RabbitMQ's own URIs have them. */
struct bus_uri {
    char *text; /* owns the rest */
    size_t text_size;
    struct bus_place places[BUS_PLACES_MAX]; /* at least one */
    size_t place_count;
    const char *user;
    const char *password;
    const char *vhost;
    bool tls;
    struct tls_files files;
};

/* OUTCOME_BUG for what is not such a URI. The text of err never shows the password. */
MUST_CHECK enum outcome bus_uri_parse(struct str text, struct bus_uri *out, struct err *err);
/* Draws another order of the places: many lanes then spread over all of them. */
void bus_uri_shuffle(struct bus_uri *uri);
void bus_uri_release(struct bus_uri *uri);

/* --- frames to write ------------------------------------------------------------------------ */

/* Whole frames waiting to be written; the first `sent` bytes are already. */
struct frames {
    uint8_t *bytes;
    size_t len;
    size_t sent;
    size_t capacity;
    size_t frame_max;
};

void frames_release(struct frames *frames);
/* Bytes as they are: what is said before there are frames. */
void frames_add_raw(struct frames *frames, const void *bytes, size_t len);
/* false when the method does not fit in a frame (a name over 255 bytes): nothing is added. */
MUST_CHECK bool frames_add_method(struct frames *frames, amqp_channel_t channel,
                                  amqp_method_number_t id, void *decoded);
/* Method, header and body of one message. publish_tag > 0 goes into a header, so that a returned
 * message can be told. false when its properties are too long to be sent: nothing is added. */
MUST_CHECK bool frames_add_message(struct frames *frames, amqp_channel_t channel,
                                   const struct bus_message *message, uint64_t publish_tag);

/* --- where replies go ------------------------------------------------------------------------ */

/* The name is one of direct reply-to: no queue, a place that only the broker knows. */
bool reply_is_direct(struct str routing_key);
/* Of a direct name: the broker may have made it. */
bool reply_is_well_formed(struct str routing_key);

/* --- content headers as they arrive ---------------------------------------------------------- */

/* A content header's payload: class (2 bytes), weight (2), size of the body (8), flags, properties;
 * the headers are a table among those. */
#define CONTENT_HEAD 12
/* The table begins at the latest here: two short strings stand before it. */
#define TABLE_AT_MAX (CONTENT_HEAD + 4 + 2 * 256)
/* Where the headers stand, with their length before them: [from, to) of the payload. */
struct table_place {
    size_t from;
    uint64_t to; /* may lie behind what is there */
};

/* Looks at the first bytes of a payload. False when there are no headers, or it is cut off before
 * it can be told. */
MUST_CHECK bool table_find(const uint8_t *payload, size_t len, struct table_place *out);
/* The payload says from now on that it has no headers; the caller takes their bytes away. */
void table_deny(uint8_t *payload);
/* A whole table, without its length: well formed, and no deeper than BUS_HEADERS_DEPTH (the library
 * recurses, and from 0.14 on refuses 101 levels with an error that ends the connection). Does not
 * recurse. */
MUST_CHECK bool table_is_readable(const uint8_t *table, size_t len);

/* --- properties of what arrives -------------------------------------------------------------- */

/* Room for texts that were sent as numbers. */
#define HEADER_NUMBERS     8
#define HEADER_NUMBER_TEXT 24
struct header_room {
    char texts[HEADER_NUMBERS][HEADER_NUMBER_TEXT];
    size_t used;
};

/* Strs of *out point into the library's pool, or into the room. */
void read_properties(struct delivery *out, const amqp_basic_properties_t *from,
                     struct header_room *room);
/* Integers of every width that AMQP knows; false for anything else and for what is over int64. */
bool integer_of(const amqp_field_value_t *value, int64_t *out);
/* All headers as a JSON object, in the arena: text that is not UTF-8 is replaced, what has no form in
 * JSON is named by its kind ("<double>"), tables in tables are cut at HEADERS_DEPTH_MAX. */
struct str headers_as_json(struct arena *arena, const amqp_table_t *headers);
#define HEADERS_DEPTH_MAX 8
/* 4 of version "4.0.5" among the broker's properties; -1: they do not tell. */
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
