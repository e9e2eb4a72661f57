/* json.h - JSON in, JSON out.
 *
 * In: one strict parse of bytes from a stranger (RFC 8259; UTF-8 only, no duplicate keys, no NUL,
 * no trailing bytes, no BOM, top level an object, depth and node count bounded before jansson sees
 * the text). Out: a sticky writer straight into an arena text, driven by shapes. jansson.h is
 * included by common/wire alone: everybody else sees `struct json`. */
#ifndef CARTWRIGHT_WIRE_JSON_H
#define CARTWRIGHT_WIRE_JSON_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 32    /* of objects and arrays; the prescan refuses deeper ones */
#define JSON_NODES_MAX 10000 /* values in one message */

struct json; /* a parsed tree, read-only, attached to its arena */

/* Once per process, before the fork: seeds the hash of object keys, so that nobody can aim for
 * collisions. */
void json_init(void);

/* MALFORMED (OUTCOME_INVALID) with the place when the bytes are not one JSON object. */
MUST_CHECK enum outcome json_parse(struct arena *arena, struct str bytes, const struct json **out,
                                   struct err *err);
/* A digest of the value itself: equal for other key order and white space. 16 bytes, BLAKE2-free
 * (XXH3-128); the caller keys or hashes it further where an attacker could aim for collisions. */
void json_fingerprint(const struct json *json, uint8_t out[16]);
/* Pretty text, two spaces of indent, for people (`cartwright call`), safe for terminals (str_shown).
 * `bytes` must be JSON. */
MUST_CHECK enum outcome json_pretty(struct arena *arena, struct str bytes, struct str *out,
                                    struct err *err);

/* For people who look at messages: values of members whose name speaks of a password, token, secret
 * or key become "***". Compact. */
MUST_CHECK enum outcome json_mask(struct arena *arena, struct str bytes, struct str *out,
                                  struct err *err);
/* Sets what stands at an RFC 6901 pointer ("/items/0/quantity"; "-" appends to a list) to a value as
 * a person types it: JSON, or else a text without quotes. What holds it must be there. Compact. */
MUST_CHECK enum outcome json_set(struct arena *arena, struct str bytes, struct str pointer,
                                 struct str value, struct str *out, struct err *err);

/* Reading without a schema: for clients, tests and configuration, not for requests. (No function
 * here may share a name with jansson: it would take its place inside jansson, too.)
 * A missing member, another type or a NULL `json` give absent, `fallback` or NULL. */
const struct json *json_member(const struct json *json, const char *key);
const struct json *json_element(const struct json *json, size_t index);
size_t json_count(const struct json *json); /* members or elements */
struct str json_str(const struct json *json);
int64_t json_int(const struct json *json, int64_t fallback);
bool json_bool(const struct json *json, bool fallback);
bool json_holds_null(const struct json *json); /* the value null; a missing one does not */
/* "/error/code" (RFC 6901) */
const struct json *json_at(const struct json *json, const char *pointer);
/* Compact text of a subtree. */
struct str json_text(struct arena *arena, const struct json *json);

/* --- writing --------------------------------------------------------------------------------- */

/* Writes values into a text; commas and quotes are its own business. The calls must nest properly;
 * a nesting mistake is a panic, because it is our bug. */
struct json_writer {
    struct text *text;
    bool comma;       /* a value stands before the next one */
    bool after_key;   /* the next call must be a value */
    int depth;        /* at most 64 */
    uint64_t objects; /* one bit per open level: an object, not a list */
};

void json_writer_init(struct json_writer *writer, struct text *text);
void json_open_object(struct json_writer *writer);
void json_close_object(struct json_writer *writer);
void json_open_list(struct json_writer *writer);
void json_close_list(struct json_writer *writer);
/* key must need no escaping (program text) */
void json_key(struct json_writer *writer, const char *key);
/* The same for a key from outside. */
void json_put_name(struct json_writer *writer, struct str key);
/* Bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct json_writer *writer, struct str value);
void json_put_int(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
/* Finished JSON text, unchecked. */
void json_put_raw(struct json_writer *writer, struct str value);
/* An object by its table; FIELD_SECRET members are never written. An absent member is left out when
 * FIELD_OPTIONAL, else null; a list without items is [] unless it is flagged so. */
void json_put_shape(struct json_writer *writer, const struct shape *shape, const void *object);

/* One object as compact text. */
struct str json_of_shape(struct arena *arena, const struct shape *shape, const void *object);

#endif
