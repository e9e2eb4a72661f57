/* describe_part.h - the fixed parts of what `cartwright describe` writes. Each is a file in
 * workers/cartwright/clients/, embedded by the Makefile: client.ts.in is part_client_ts.
 *
 * In a part, @name@ is a slot that a function fills. A line "=== name" begins a section. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_PART_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_PART_H

#include "base/text.h"

struct describe;

extern const char part_version[]; /* the number of the release, and a newline */
extern const char part_asyncapi_json[];
extern const char part_openapi_json[];
extern const char part_client_ts[];
extern const char part_client_py[];

/* A slot: its name, and what writes its text. */
struct part_slot {
    const char *name;
    void (*put)(struct describe *describe, struct text *out, const void *item);
};

/* Returns the section of a part, without the line that names it. */
struct str part_section(const char *part, const char *name);
/* Writes the text and fills its slots; `slots` is ended by a row without a name. `item` is what the
 * text is about; it goes to the slots. */
void part_fill(struct describe *describe, struct text *out, struct str part,
               const struct part_slot *slots, const void *item);
/* The slot "version". */
void part_put_version(struct describe *describe, struct text *out, const void *item);

#endif
