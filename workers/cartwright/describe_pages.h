/* describe_pages.h - which page of the reference tells of what, and the links between the pages. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_PAGES_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_PAGES_H

#include "cartwright/describe_types.h"

struct pages {
    struct describe *describe;
    struct type_list types;
    const struct domain **users; /* of each type: the domain that uses it; see pages_of_type() */
    const struct domain *page;   /* the page that is being written; NULL: one of several domains */
    const char *file;            /* its name, without the ending */
};

void pages_init(struct pages *pages, struct describe *describe);

/* The domain whose page tells of the type with that index; NULL: it stands in types.md. */
const struct domain *pages_of_type(const struct pages *pages, size_t index);
/* The domain that serves the operation. */
const struct domain *pages_domain_of(const struct pages *pages, const struct operation *operation);
/* The domain that an event belongs to by its name or by its form. */
const struct domain *pages_domain_of_event(const struct pages *pages,
                                           const struct event_type *event);
/* True for the type of a request, which stands with its operation. */
bool pages_is_request(const struct pages *pages, struct str type);

/* Writes a link to a type. */
void pages_put_link(struct pages *pages, struct text *out, struct str type);
/* Writes a link to an operation. */
void pages_put_operation(struct pages *pages, struct text *out, const struct operation *operation);
/* Writes a link to an event. */
void pages_put_event(struct pages *pages, struct text *out, const struct event_type *event);
/* Writes the type of a value in words, with links; `name` as for type_put(). */
void pages_put_type(struct pages *pages, struct text *out, struct str schema, struct str name);

#endif
