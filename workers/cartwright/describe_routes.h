/* describe_routes.h - the routes by which the HTTP edge serves operations, and what is said of their
 * answers. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_ROUTES_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_ROUTES_H

#include "cartwright/describe.h"

struct route {
    const char *operation;
    const char *method;
    const char *path;   /* {member} is a member of the request */
    const char *either; /* another member that may stand in the place of the first one; or NULL */
    bool alone;         /* the request has no members but those of the path */
};

/* The operations that have routes of their own, ended by a row without an operation. Routes with one
 * path stand together. Any other operation is POST /api/v1/call/<operation>. */
extern const struct route describe_routes[];

/* Writes the member "responses": the success, and the problems by their statuses. */
void openapi_put_responses(struct json_writer *writer, const struct operation *operation);
/* Writes the problems that any operation may end in, as members Problem400 and so on. */
void openapi_put_problems(struct describe *describe, struct json_writer *writer);
/* Writes an object that refers to components/<group>/<name>. */
void openapi_put_ref(struct json_writer *writer, const char *group, const char *name);
/* Writes a media type with the schema as "content" of a body or a response. */
void openapi_put_content(struct json_writer *writer, struct str schema);

#endif
