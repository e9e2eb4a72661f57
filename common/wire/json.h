/* json.h - reading and writing JSON.
 *
 * Reading is one strict parse of untrusted bytes: RFC 8259, UTF-8 only, no duplicate keys, no NUL,
 * no trailing bytes, no BOM, an object at the top level; depth and number of values are bounded
 * before jansson sees the text. Writing appends to a text in an arena and is driven by shapes. Only
 * common/wire includes jansson.h: all other code sees `struct json`. */
#ifndef CARTWRIGHT_WIRE_JSON_H
#define CARTWRIGHT_WIRE_JSON_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 32    /* nested objects and arrays; the prescan refuses more */
#define JSON_NODES_MAX 10000 /* values in one message */

struct json; /* a parsed tree, read-only, attached to its arena */

/* Seeds the hash of object keys, so that nobody can aim for collisions, and makes lack of memory in
 * jansson a panic. Call it before the first tree is made; a second call, or one in a forked process,
 * changes nothing. */
void json_init(void);

/* Parses one JSON object; the tree is released with the arena. Anything else is MALFORMED
 * (OUTCOME_INVALID), with its place for a syntax error. */
MUST_CHECK enum outcome json_parse(struct arena *arena, struct str bytes, const struct json **out,
                                   struct err *err);
/* Writes a 16-byte digest (XXH3-128) of the value itself: key order and white space do not matter.
 * It is not cryptographic: where an attacker could aim for collisions, the caller keys or hashes it
 * further. */
void json_fingerprint(const struct json *json, uint8_t out[16]);
/* Writes JSON for people (`cartwright call`), indented by two spaces and safe for terminals
 * (str_shown). Errors as in json_parse. */
MUST_CHECK enum outcome json_pretty(struct arena *arena, struct str bytes, struct str *out,
                                    struct err *err);

/* Masks secrets for people who look at messages: each value whose key contains a word such as
 * password, token, secret, authorization or apikey becomes "***". *out is compact. Errors as in
 * json_parse. */
MUST_CHECK enum outcome json_mask(struct arena *arena, struct str bytes, struct str *out,
                                  struct err *err);
/* Sets the value at an RFC 6901 pointer ("/items/0/quantity"; "-" appends to a list) to `value` as
 * a person types it: JSON, or else a text without quotes. The object or list that holds the value
 * must exist. *out is compact. OUTCOME_INVALID for a bad body, pointer or value. */
MUST_CHECK enum outcome json_set(struct arena *arena, struct str bytes, struct str pointer,
                                 struct str value, struct str *out, struct err *err);

/* Reading without a schema: for clients, tests and configuration, not for requests. No function
 * here may have the name of a jansson function: it would replace that function inside jansson, too.
 * A missing member, another type or a NULL `json` gives absent, `fallback` or NULL. */
const struct json *json_member(const struct json *json, const char *key);
const struct json *json_element(const struct json *json, size_t index);
size_t json_count(const struct json *json); /* members or elements; 0 of anything else */
struct str json_str(const struct json *json);
int64_t json_int(const struct json *json, int64_t fallback);
bool json_bool(const struct json *json, bool fallback);
/* Returns the value at a pointer such as "/error/code" (RFC 6901). */
const struct json *json_at(const struct json *json, const char *pointer);
/* Returns the compact text of a subtree, absent for NULL. */
struct str json_text(struct arena *arena, const struct json *json);

/* --- writing --------------------------------------------------------------------------------- */

/* Writes values into a text, with commas and quotes where they belong. The calls must nest
 * properly; a nesting mistake is a panic, because it is our bug. */
struct json_writer {
    struct text *text;
    bool comma;       /* the next key or value needs a comma before it */
    bool after_key;   /* the next call must be a value */
    int depth;        /* open objects and lists, at most 64 */
    uint64_t objects; /* one bit per open level: 1 for an object, 0 for a list */
};

void json_writer_init(struct json_writer *writer, struct text *text);
void json_open_object(struct json_writer *writer);
void json_close_object(struct json_writer *writer);
void json_open_list(struct json_writer *writer);
void json_close_list(struct json_writer *writer);
/* Writes a key of the program's own, which must need no escaping. */
void json_key(struct json_writer *writer, const char *key);
/* Writes a key that comes from outside, with escapes. */
void json_put_name(struct json_writer *writer, struct str key);
/* Bytes that are not UTF-8 become U+FFFD. */
void json_put_str(struct json_writer *writer, struct str value);
void json_put_int(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
/* Writes `value` as it is: it must be finished JSON text, which is not checked. */
void json_put_raw(struct json_writer *writer, struct str value);
/* Writes an object by its shape. FIELD_SECRET members are never written. An absent member is left
 * out when it is FIELD_OPTIONAL (and was not given, see struct field) and is null otherwise. A list
 * is absent only when items == NULL and it is FIELD_OPTIONAL or FIELD_NULLABLE; any other empty list
 * is []. */
void json_put_shape(struct json_writer *writer, const struct shape *shape, const void *object);

/* Returns one object as compact text. */
struct str json_of_shape(struct arena *arena, const struct shape *shape, const void *object);

#endif
