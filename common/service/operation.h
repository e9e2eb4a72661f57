/* operation.h - the tables in which a shop tells the engine what it serves. */
#ifndef CARTWRIGHT_SERVICE_OPERATION_H
#define CARTWRIGHT_SERVICE_OPERATION_H

#include "base/err.h"
#include "store/store.h"
#include "wire/schema.h"

struct invariant;
struct job;
struct lane;

/* Who may ask, lowest first: each one may do what those before may. */
enum who { GUEST, CUSTOMER, ADMIN, SUPERADMIN };

/* NULL-ended names for tokens and documents: "guest", "customer", "admin", "superadmin". */
extern const char *const who_names[];

enum operation_kind {
    COMMAND,    /* changes documents: message_id required, journalled, answered once */
    QUERY,      /* reads: no message_id needed, nothing journalled */
    SUBSCRIBER, /* takes up an event: message_id is the event's id, no reply */
};

/* One operation: one file, one schema, one row in its domain's table. The handler is a pure
 * function (job.h); `request` is the struct generated from the schema. */
struct operation {
    const char *name; /* "cart.item.add"; of a subscriber "notification.order_placed" */
    enum operation_kind kind;
    enum who who;
    const struct schema *request; /* of a subscriber: of the event's data */
    enum outcome (*handle)(struct job *job, const void *request, struct err *err);
    const char *summary;                    /* one line, for `describe` */
    const struct shape *reply;              /* the form of `data`, for `describe` */
    int status;                             /* of success; 0 means 200 */
    const struct error_code *const *errors; /* own ones, ended by NULL; may be NULL */
    const char *event;                      /* of a subscriber: the event type it takes up */
    bool secret_reply;                      /* tokens inside: the journal keeps it sealed */
    bool hashes; /* a password, slow by intent: only so many wait in a lane (batch.c) */
};

/* One domain: one request queue "cartwright.<name>" and, when it subscribes, it takes its events
 * from "cartwright.<name>.events". */
struct domain {
    const char *name;
    /* Of operations: "cart" binds "cart.#"; ended by NULL. Those of the domain's operations that have
     * none of these are bound by their whole name. */
    const char *const *prefixes;
    const struct operation *const *operations; /* ended by NULL */
    /* Patterns that an earlier release bound and this one must not; ended by NULL; or NULL. */
    const char *const *former;
    int64_t length_max; /* messages of its request queue, then publishers are refused; 0: any */
};

/* Events that make cached pages stale. */
struct invalidation {
    const char *event;
    const char *tag;
};

/* The whole shop, given to the engine by the executable. */
struct service {
    const struct domain *const *domains; /* ended by NULL */
    const struct doc_type *const *types; /* ended by NULL */
    const struct invariant *const
        *invariants; /* of its documents (check.h), ended by NULL; or NULL */
    const struct invalidation *invalidations;
    size_t invalidation_count;
    /* Runs before a handler when the caller's token was not checked against the documents since the
     * account's stamp was made (accounts.c), or within auth.accountCheck: may NEED documents; refuses with UNAUTHENTICATED when the account is gone,
     * changed its role or was logged out since. */
    enum outcome (*authorize)(struct job *job, struct err *err);
    const void *settings;    /* the shop's own configuration, for job_settings() */
    struct str locale;       /* of lists by name; a BCP 47 tag */
    int64_t access_token_ms; /* life of an access token */
    int64_t cache_ms;        /* life of a cached page */
};

/* NULL when it is none of this domain's. */
const struct operation *domain_operation(const struct domain *domain, struct str name);
/* NULL when nobody serves it. */
const struct operation *service_operation(const struct service *service, struct str name);

#endif
