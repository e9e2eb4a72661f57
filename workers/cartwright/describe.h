/* describe.h - what the parts of `cartwright describe` share. Everything that is described comes from
 * the tables that serve requests and from the forms in schemas/. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_H

#include "base/text.h"
#include "cartwright/command.h"
#include "cartwright/describe_part.h"
#include "service/operation.h"
#include "wire/json.h"

/* "command", "query" or "subscriber". */
extern const char *const describe_kinds[];

/* What the outputs are written from. All lists are ended by NULL. */
struct describe {
    const struct service *service;
    struct arena *arena;
    const struct operation **operations; /* those that a client may ask for, by name */
    const struct event_type **events;    /* by name */
    const struct schema **notices;       /* the data of notifications */
    const struct error_code **codes;     /* those that operations name as their own, by name */
};

void describe_init(struct describe *describe, const struct service *service, struct arena *arena);

/* The status of a success. */
int describe_status(const struct operation *operation);
/* The codes that any operation may be refused with, ended by NULL. */
extern const struct error_code *const describe_general_codes[];
/* "everybody", "customer and above". */
struct str describe_rights(struct arena *arena, const struct operation *operation);
/* What an operation does, who may ask for it and with which of its own codes it is refused, in one
 * line. */
struct str describe_call(struct arena *arena, const struct operation *operation);
/* True when the operation itself names the code. */
bool describe_has_code(const struct operation *operation, const struct error_code *code);

/* --- names ------------------------------------------------------------------------------------- */

/* "cart.item.add" and "Request": CartItemAddRequest. Words end at dots and underscores. */
struct str describe_pascal(struct arena *arena, struct str name, const char *ending);
/* The name of the type of an operation's request. */
struct str describe_request_name(const struct describe *describe,
                                 const struct operation *operation);
/* The kind of a notification: OrderPlacedNotice is order_placed. */
struct str describe_notice_kind(const struct describe *describe, const struct schema *notice);

/* --- forms ------------------------------------------------------------------------------------- */

/* Writes a schema as a JSON Schema that stands alone: its text, and what it refers to under "$defs".
 * NULL: the schema of an empty object. */
void describe_schema(struct json_writer *writer, struct arena *arena, const struct schema *schema);
/* Writes members of an object, each with a comma behind it unless it is the last: every form by its
 * name, and every request by the name that `name_of` gives it. `prefix` and `alone` are those of
 * source_put(). */
void describe_put_forms(const struct describe *describe, struct text *out, const char *prefix,
                        bool alone,
                        struct str (*name_of)(const struct describe *, const struct operation *));

/* --- the outputs ------------------------------------------------------------------------------- */

void describe_bundle(struct describe *describe, struct text *out);
void describe_asyncapi(struct describe *describe, struct text *out);
void describe_openapi(struct describe *describe, struct text *out);
void describe_ts(struct describe *describe, struct text *out);
void describe_python(struct describe *describe, struct text *out);
/* Writes the pages into the folder; returns an exit status. */
int describe_markdown(struct describe *describe, const char *folder);

#endif
